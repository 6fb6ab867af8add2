//! The event rule that sends an event for each new file of records to the function.
//!
//! See "Amazon S3 Event Notifications with Amazon `EventBridge`" in the S3 user guide for the events, and `PutRule` in the `EventBridge` API
//! reference: it replaces a rule whole, and ignores the tags of a rule that exists.

use std::collections::BTreeMap;

use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::{self, RuleState, Tag};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::{Component, ResourceKind};
use crate::aws::operations::Operation;
use crate::aws::{AccountRegion, Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Goal, Other, Resource, ResourceCall, Step, ownership};
use crate::monitor::{Claim, Monitor, TagCall, Tags};
use crate::resources::common::set_members::set_members;
use crate::resources::common::sink::{Sink, flow_log_to};

/// Id of our target.
const TARGET_ID: &str = "detector";

/// Key of the tag with the time since when the rule sends events.
const SINCE: &str = "vpcflow.dev/events-since";

/// A rule as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRule {
    name: String,
    settings: Settings,
    target: Target,
}

/// The settings that `PutRule` replaces.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    description: String,
    event_pattern: Value,
    state: String,
    /// Never set by us.
    schedule: Option<String>,
}

/// The target, and members of it that are never set by us and would change what the function gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    arn: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<String>,
}

/// A rule as AWS has it, with its targets by id.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEventRule {
    settings: Settings,
    targets: BTreeMap<String, Target>,
    tags: Tags,
}

/// Changes a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum EventRuleCall {
    /// Replaces its settings.
    Put(Settings),
    /// Sets its target.
    Target(Target),
}

/// The switch of the bucket as a precondition: without it the rule gets no event.
const fn bucket_events() -> Other {
    Other { component: Component::Bucket, kind: ResourceKind::BucketEvents, name: None }
}

/// The steps to the rule. A new one waits until files come to the bucket, and until the bucket sends its events.
pub(super) fn diff(
    monitor: &Monitor,
    goal: Goal<&EventRule>,
    found: Option<&FoundEventRule>,
) -> Diff<ResourceCall<EventRule>> {
    let mut diff = ownership::diff(monitor, goal, &monitor.names.detector(), found);
    for step in diff.steps.iter_mut().filter(|step| step.change.creates()) {
        step.follows.extend([flow_log_to(Sink::S3), bucket_events()]);
    }
    diff
}

impl FoundEventRule {
    /// The time since when it sends events, if it is known.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.tags.get(SINCE)?.parse().ok()
    }

    pub(super) fn is_ours(&self, monitor: &Monitor) -> bool {
        monitor.claim(&self.tags) == Claim::Ours
    }

    /// True if it is for files of another bucket or folder than `declared`.
    pub(super) fn is_elsewhere(&self, declared: &EventRule) -> bool {
        self.settings.event_pattern != declared.settings.event_pattern
    }
}

/// The folder of the files, with its slash: files of other services, accounts and regions may be beside it.
pub(super) fn folder(monitor: &Monitor) -> String {
    let AccountRegion { account, region, .. } = &monitor.account_region;
    monitor.folder_of(account, region)
}

pub(super) fn arn(monitor: &Monitor) -> String {
    monitor.account_region.arn("events", format!("rule/{}", monitor.names.detector()))
}

pub(super) fn desired(monitor: &Monitor) -> EventRule {
    let Monitor { namespace, name, names, .. } = monitor;
    EventRule {
        name: names.detector(),
        settings: Settings {
            description: format!("New files of records for the detector of VpcFlowMonitor {namespace}/{name}"),
            event_pattern: json!({
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [names.bucket]},
                    "object": {"key": [{"prefix": folder(monitor)}]},
                },
            }),
            state: RuleState::Enabled.as_str().to_owned(),
            schedule: None,
        },
        target: Target { arn: super::function::arn(monitor), others: Vec::new() },
    }
}

pub(super) async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<FoundEventRule>, AwsError> {
    let name = monitor.names.detector();
    let Some(rule) = aws.events.describe_rule().name(&name).send().await.op(ops::DESCRIBE_RULE).optional()? else {
        return Ok(None);
    };
    let arn = arn(monitor);
    let (targets, tags) = futures::try_join!(targets(aws, &name), tags(aws, &arn))?;
    Ok(Some(FoundEventRule { settings: settings(rule), targets, tags }))
}

fn settings(rule: DescribeRuleOutput) -> Settings {
    Settings {
        description: rule.description.unwrap_or_default(),
        event_pattern: rule.event_pattern.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        state: rule.state.map(|state| state.as_str().to_owned()).unwrap_or_default(),
        schedule: rule.schedule_expression,
    }
}

/// A rule has at most five targets: "Amazon `EventBridge` quotas".
async fn targets(aws: &Aws, name: &str) -> Result<BTreeMap<String, Target>, AwsError> {
    let output = aws.events.list_targets_by_rule().rule(name).send().await.op(ops::LIST_TARGETS).expected()?;
    let targets = output.targets.unwrap_or_default();
    Ok(targets
        .into_iter()
        .map(|target| (target.id.clone(), Target { others: others(&target), arn: target.arn }))
        .collect())
}

fn others(target: &types::Target) -> Vec<String> {
    set_members([
        ("input", target.input.is_some()),
        ("inputPath", target.input_path.is_some()),
        ("inputTransformer", target.input_transformer.is_some()),
        ("roleArn", target.role_arn.is_some()),
    ])
}

async fn tags(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let output =
        aws.events.list_tags_for_resource().resource_arn(arn).send().await.op(ops::LIST_EVENT_TAGS).expected()?;
    Ok(output.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

impl Resource for EventRule {
    const KIND: ResourceKind = ResourceKind::EventRule;

    type Found = FoundEventRule;
    type Call = EventRuleCall;

    fn arn(monitor: &Monitor, _name: &str) -> Option<String> {
        Some(arn(monitor))
    }

    fn tags(found: &FoundEventRule) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundEventRule) -> Vec<Step<EventRuleCall>> {
        let mut steps = Vec::new();
        let change = || Change::new(Action::Update, ResourceKind::EventRule, &self.name);
        if found.settings != self.settings {
            let change = change().between(&found.settings, &self.settings);
            let call = EventRuleCall::Put(self.settings.clone());
            let step = Step::new(change, call);
            // Files go to the former folder until the flow log is replaced.
            steps.push(if found.is_elsewhere(self) {
                step.following(flow_log_to(Sink::S3)).following(bucket_events())
            } else {
                step
            });
        }
        let target = found.targets.get(TARGET_ID);
        if target != Some(&self.target) {
            let change = change().field("target", &target, &Some(&self.target));
            steps.push(Step::new(change, EventRuleCall::Target(self.target.clone())));
        }
        steps
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        let mut tags = monitor.tags.clone();
        tags.insert(SINCE.to_owned(), format!("{:.0}", Timestamp::now()));
        put(aws, &self.name, &self.settings, Some(sdk_tags(&tags)?)).await?;
        put_target(aws, &self.name, &self.target).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, name: &str, call: &EventRuleCall) -> Result<Applied, AwsError> {
        match call {
            EventRuleCall::Put(settings) => put(aws, name, settings, None).await?,
            EventRuleCall::Target(target) => put_target(aws, name, target).await?,
        }
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, _name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        match call {
            TagCall::Set(set) => {
                let request = aws.events.tag_resource().resource_arn(arn(monitor)).set_tags(Some(sdk_tags(set)?));
                request.send().await.op(ops::TAG_EVENT_RULE)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.events.untag_resource().resource_arn(arn(monitor)).set_tag_keys(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_EVENT_RULE)?;
            }
        }
        Ok(())
    }

    /// Removes all targets first: a rule with targets cannot be deleted.
    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundEventRule) -> Result<Applied, AwsError> {
        let listed = aws.events.list_targets_by_rule().rule(name).send().await.op(ops::LIST_TARGETS).optional()?;
        let ids: Vec<_> = listed.and_then(|it| it.targets).unwrap_or_default().into_iter().map(|it| it.id).collect();
        if !ids.is_empty() {
            let output = aws.events.remove_targets().rule(name).set_ids(Some(ids)).send().await;
            let removed = output.op(ops::REMOVE_TARGETS).optional()?;
            let entries = removed.and_then(|output| output.failed_entries).unwrap_or_default();
            if let Some(entry) = entries.first() {
                return Err(failed(ops::REMOVE_TARGETS, entry.error_code(), entry.error_message()));
            }
        }
        aws.events.delete_rule().name(name).send().await.op(ops::DELETE_RULE).or_gone()?;
        Ok(Applied::Done)
    }
}

async fn put(aws: &Aws, name: &str, settings: &Settings, tags: Option<Vec<Tag>>) -> Result<(), AwsError> {
    aws.events
        .put_rule()
        .name(name)
        .description(&settings.description)
        .event_pattern(settings.event_pattern.to_string())
        .state(RuleState::from(settings.state.as_str()))
        .set_tags(tags)
        .send()
        .await
        .op(ops::PUT_RULE)?;
    Ok(())
}

async fn put_target(aws: &Aws, name: &str, target: &Target) -> Result<(), AwsError> {
    let target = types::Target::builder().id(TARGET_ID).arn(&target.arn).build();
    let target = target.map_err(|error| AwsError::reported(ops::PUT_TARGETS, "NotSent", &error.to_string()))?;
    let output = aws.events.put_targets().rule(name).targets(target).send().await.op(ops::PUT_TARGETS)?;
    // The call succeeds even if no target was set.
    match output.failed_entries().first() {
        None => Ok(()),
        Some(entry) => Err(failed(ops::PUT_TARGETS, entry.error_code(), entry.error_message())),
    }
}

fn failed(operation: &'static Operation, code: Option<&str>, message: Option<&str>) -> AwsError {
    AwsError::reported(operation, code.unwrap_or("Unknown"), message.unwrap_or_default())
}

fn sdk_tags(tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| AwsError::reported(ops::TAG_EVENT_RULE, "NotSent", &error.to_string()))
}

/// The rule of the monitor as declared, found in AWS.
#[cfg(test)]
pub(super) fn found(monitor: &Monitor) -> FoundEventRule {
    let EventRule { settings, target, .. } = desired(monitor);
    FoundEventRule { settings, targets: [(TARGET_ID.to_owned(), target)].into(), tags: monitor.tags.clone() }
}

#[cfg(test)]
impl FoundEventRule {
    /// The same, made at the time `since`.
    pub(super) fn since_for_tests(monitor: &Monitor, since: &str) -> Self {
        let mut rule = found(monitor);
        rule.tags.insert(SINCE.to_owned(), since.to_owned());
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn the_pattern_names_the_bucket_and_the_folder_of_records() {
        let pattern = desired(&fixtures::monitor()).settings.event_pattern;
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
            rule.differences(&monitor, &found)
                .into_iter()
                .map(|step| (step.op, !step.follows.is_empty()))
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(|_| {}), []);
        let other = |found: &mut FoundEventRule| {
            found.targets.insert("theirs".to_owned(), Target { arn: "arn".to_owned(), others: Vec::new() });
        };
        assert_eq!(steps(other), []);
        let put = EventRuleCall::Put(rule.settings.clone());
        let target = EventRuleCall::Target(rule.target.clone());
        assert_eq!(steps(|found| found.settings.state = "DISABLED".to_owned()), [(put.clone(), false)]);
        assert_eq!(steps(|found| found.settings.event_pattern = json!({})), [(put, true)]);
        assert_eq!(steps(|found| found.targets.clear()), [(target.clone(), false)]);
        let filtered = |found: &mut FoundEventRule| {
            found.targets.values_mut().for_each(|target| target.others.push("inputPath".to_owned()));
        };
        assert_eq!(steps(filtered), [(target, false)]);
    }
}
