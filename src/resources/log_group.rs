//! The log group that receives flow-log records.

use super::common::log_group::{self, FoundLogGroup};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{AnyCall, Diff, Goal, Report, System, existing, ownership};
use crate::monitor::Monitor;

type Group = log_group::LogGroup<true>;

/// The system [`Component::LogGroup`].
#[derive(Debug)]
pub struct LogGroup;

/// The log group of the declared name, and those of earlier names.
#[derive(Debug)]
pub struct Observed {
    groups: Vec<(String, Option<FoundLogGroup>)>,
}

impl System for LogGroup {
    type Desired = Group;
    type Observed = Observed;

    const COMPONENT: Component = Component::LogGroup;
    const NEEDS: &'static [Component] = &[];
    // AWS reports there if records can no longer be delivered.
    const TOUCHES: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Group>, Invalid> {
        let spec = &monitor.spec.cloud_watch_logs;
        monitor.check_key("cloudWatchLogs.kmsKeyArn", spec.kms_key_arn.as_ref())?;
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
            let group = log_group::observe(aws, &name).await?;
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
        let existing = |(name, group): &(String, _)| existing::<Group>(monitor, name, Option::as_ref(group));
        Report::of(observed.groups.iter().filter_map(existing))
    }
}
