//! The log group that receives flow-log records.

use super::common::log_group::{self, LogGroup as Group, LogGroupOp, ObservedLogGroup};
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{Applied, Diff, Goal, Invalid, Report, System};
use crate::monitor::Monitor;

/// The system [`Component::LogGroup`].
#[derive(Debug)]
pub struct LogGroup;

/// The log group of the wanted name, and those of names the spec had before.
#[derive(Debug)]
pub struct Observed {
    groups: Vec<(String, Option<ObservedLogGroup>)>,
}

impl System for LogGroup {
    type Desired = Group;
    type Observed = Observed;
    type Op = LogGroupOp;

    const COMPONENT: Component = Component::LogGroup;
    const NEEDS: &'static [Component] = &[];

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

    fn diff(monitor: &Monitor, goal: Goal<&Group>, observed: &Observed) -> Diff<LogGroupOp> {
        let mut diff = Diff::default();
        for (name, group) in &observed.groups {
            let goal = match goal {
                Goal::Present(wanted) if wanted.name != *name => Goal::Absent(monitor.removal()),
                goal => goal,
            };
            log_group::diff(monitor, goal, name, group.as_ref(), true, &mut diff);
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &LogGroupOp) -> Result<Applied, AwsError> {
        log_group::apply(aws, monitor, op).await
    }

    fn report(monitor: &Monitor, _goal: Goal<&Group>, observed: &Observed) -> Report {
        let resources = observed
            .groups
            .iter()
            .filter_map(|(name, group)| log_group::existing(monitor, name, group.as_ref()))
            .collect();
        Report { resources, ..Report::default() }
    }
}
