//! The event rule that sends an event for each new file of records to the function.
//!
//! See "Amazon S3 Event Notifications with Amazon `EventBridge`" in the S3 user guide for the events.

use serde_json::json;

use crate::api::{Component, ResourceKind};
use crate::aws::{AccountRegion, Aws, AwsError};
use crate::engine::{Diff, Goal, Other, ResourceCall, ownership};
use crate::monitor::{Claim, Claims, Monitor};
use crate::resources::common::event_rule::{self, EventRuleCall, Target};
pub use crate::resources::common::event_rule::{EventRule, FoundEventRule};
use crate::resources::common::sink::{Sink, flow_log_to};

/// The switch of the bucket as a precondition: without it the rule gets no event.
const fn bucket_events() -> Other {
    Other { component: Component::Bucket, kind: ResourceKind::BucketEvents, name: None }
}

/// The steps to the rule. A new one, or one for another folder, waits until files come to the bucket, and until the bucket sends its events.
pub(super) fn diff(
    monitor: &Monitor,
    goal: Goal<&EventRule>,
    found: Option<&FoundEventRule>,
) -> Diff<ResourceCall<EventRule>> {
    let mut diff = ownership::diff(monitor, goal, &monitor.names.detector(), found);
    for step in &mut diff.steps {
        let waits = match &step.op {
            ResourceCall::Create(_) => true,
            ResourceCall::Change(_, EventRuleCall::Put(rule)) => found.is_some_and(|found| found.takes_others(rule)),
            _ => false,
        };
        if waits {
            step.follows.extend([flow_log_to(Sink::S3), bucket_events()]);
        }
    }
    diff
}

pub(super) fn is_ours(monitor: &Monitor, found: &FoundEventRule) -> bool {
    monitor.claim(&found.tags) == Claim::Ours
}

/// The folder of the files, with its slash: files of other services, accounts and regions may be beside it.
pub(super) fn folder(monitor: &Monitor) -> String {
    let AccountRegion { account, region, .. } = &monitor.account_region;
    monitor.folder_of(account, region)
}

pub(super) fn arn(monitor: &Monitor) -> String {
    event_rule::arn(&monitor.account_region, None, &monitor.names.detector())
}

pub(super) fn desired(monitor: &Monitor) -> EventRule {
    let Monitor { namespace, name, names, .. } = monitor;
    EventRule {
        name: names.detector(),
        bus: None,
        description: format!("New files of records for the detector of VpcFlowMonitor {namespace}/{name}"),
        event_pattern: json!({
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [names.bucket]},
                "object": {"key": [{"prefix": folder(monitor)}]},
            },
        }),
        target_id: "detector",
        target: Target { arn: super::function::arn(monitor), ..Target::default() },
        is_dated: true,
    }
}

pub(super) async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<FoundEventRule>, AwsError> {
    event_rule::observe(aws, None, &monitor.names.detector()).await
}

/// The rule of the monitor as declared, found in AWS.
#[cfg(test)]
pub(super) fn found(monitor: &Monitor) -> FoundEventRule {
    FoundEventRule::as_wanted(&desired(monitor), &monitor.tags)
}

/// The same, made at the time `since`.
#[cfg(test)]
pub(super) fn found_since(monitor: &Monitor, since: &str) -> FoundEventRule {
    let mut rule = found(monitor);
    rule.tags.insert(event_rule::SINCE.to_owned(), since.to_owned());
    rule
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn the_pattern_names_the_bucket_and_the_folder_of_records() {
        let pattern = desired(&fixtures::monitor()).event_pattern;
        assert_eq!(pattern["detail"]["bucket"]["name"], json!(["vpc-flow-logs-123456789012-f79aa57299"]));
        assert_eq!(
            pattern["detail"]["object"]["key"],
            json!([{"prefix": "vpc-flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/"}])
        );
        let mut spec = fixtures::monitor().spec;
        spec.s3.prefix = String::new();
        spec.s3.hive_compatible_partitions = false;
        let folder = folder(&fixtures::with_spec(spec));
        assert_eq!(folder, "layout-parquet-plain-hourly/AWSLogs/123456789012/vpcflowlogs/eu-west-1/");
    }

    #[test]
    fn a_new_rule_waits_for_the_files_and_for_the_events_of_the_bucket() {
        let monitor = fixtures::monitor();
        let rule = desired(&monitor);
        let steps = diff(&monitor, Goal::Present(&rule), None).steps;
        assert_eq!(steps[0].follows, [flow_log_to(Sink::S3), bucket_events()]);
    }

    #[test]
    fn each_difference_is_a_step_and_targets_of_others_are_none() {
        let monitor = fixtures::monitor();
        let rule = desired(&monitor);
        let steps = |change: fn(&mut FoundEventRule)| {
            let mut found = found(&monitor);
            change(&mut found);
            let steps = diff(&monitor, Goal::Present(&rule), Some(&found)).steps;
            let part = |op| match op {
                ResourceCall::Change(_, EventRuleCall::Put(_)) => "settings",
                ResourceCall::Change(_, EventRuleCall::Target(_)) => "target",
                _ => "other",
            };
            steps.into_iter().map(|step| (part(step.op), !step.follows.is_empty())).collect::<Vec<_>>()
        };
        assert_eq!(steps(|_| {}), []);
        let other = |found: &mut FoundEventRule| {
            found.targets.insert("theirs".to_owned(), Target { arn: "arn".to_owned(), ..Target::default() });
        };
        assert_eq!(steps(other), []);
        assert_eq!(steps(|found| found.settings.state = "DISABLED".to_owned()), [("settings", false)]);
        assert_eq!(steps(|found| found.settings.event_pattern = json!({})), [("settings", true)]);
        assert_eq!(steps(|found| found.targets.clear()), [("target", false)]);
        let filtered = |found: &mut FoundEventRule| {
            found.targets.values_mut().for_each(|target| target.others.push("inputPath".to_owned()));
        };
        assert_eq!(steps(filtered), [("target", false)]);
    }
}
