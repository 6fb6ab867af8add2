//! The log group that receives flow-log records.

use super::common::log_group::{self, FoundLogGroup};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{AnyCall, Diff, Goal, Report, System, existing, ownership};
use crate::monitor::{Monitor, Owner};

type Group = log_group::LogGroup<true>;

/// Prefix of the names that AWS reserves: `CreateLogGroup` in the `CloudWatch` Logs API reference.
const RESERVED: &str = "aws/";

/// The system [`Component::LogGroup`].
#[derive(Debug)]
pub struct LogGroup;

/// The log group of the declared name, and the log groups of earlier names.
#[derive(Debug)]
pub struct Observed {
    groups: Vec<(String, Option<FoundLogGroup>)>,
}

impl System for LogGroup {
    type Desired = Group;
    type Observed = Observed;

    const COMPONENT: Component = Component::LogGroup;
    const NEEDS: &'static [Component] = &[];
    // The flow logs report if AWS can no longer deliver records.
    const TOUCHES: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Group>, Invalid> {
        let spec = &monitor.spec.cloud_watch_logs;
        if !spec.enabled {
            return Ok(None);
        }
        monitor.check_key("cloudWatchLogs.kmsKeyArn", spec.kms_key_arn.as_ref())?;
        // The CRD has the same rule. Commands that do without the API server check it here.
        if monitor.names.log_group.starts_with(RESERVED) {
            let problem = format!(
                "{} is a name that AWS reserves: choose one that does not begin with {RESERVED}",
                monitor.names.log_group
            );
            return Err(Invalid::new("cloudWatchLogs.logGroupName", problem));
        }
        Ok(Some(Group {
            name: monitor.names.log_group.clone(),
            retention_days: spec.retention_days,
            class: spec.log_group_class,
            kms_key_arn: spec.kms_key_arn.clone(),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let mut groups = Vec::new();
        for name in monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group) {
            let group = log_group::observe(aws, &name).await.about(ResourceKind::LogGroup, &name)?;
            groups.push((name, group));
        }
        Ok(Observed { groups })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Group>, observed: &Observed) -> Diff<AnyCall> {
        let mut diff = Diff::default();
        for (name, group) in &observed.groups {
            let goal = goal.of_name(name, |wanted| &wanted.name);
            diff.include(ownership::diff(monitor, goal, name, group.as_ref()));
        }
        diff
    }

    fn report(monitor: &Monitor, _goal: Goal<&Group>, observed: &Observed) -> Report {
        let existing = |(name, group): &(String, _)| existing::<Group, _>(monitor, name, Option::as_ref(group));
        Report::of(observed.groups.iter().filter_map(existing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn a_name_that_aws_reserves_is_refused() {
        let desired = |name: &str| {
            let mut spec = fixtures::monitor().spec;
            spec.cloud_watch_logs.log_group_name = Some(name.to_owned());
            LogGroup::desired(&fixtures::with_spec(spec))
        };
        assert_eq!(
            desired("aws/mine").unwrap_err().to_string(),
            "spec.cloudWatchLogs.logGroupName: aws/mine is a name that AWS reserves: choose one that does not begin with aws/"
        );
        assert!(desired("mine/aws/").is_ok());
    }
}
