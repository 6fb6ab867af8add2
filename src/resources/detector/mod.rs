//! The detector: a Lambda function that reads every record of the log group, and all resources that it needs.
//!
//! Its parts build on one another: role and log group, the function, the permission to invoke it, and the subscription that invokes it.
//! They are deleted in the opposite order, the log group last. The role may not create log groups, so that a late invocation cannot
//! recreate the deleted one.

pub mod custom_rules;
mod environment;
mod function;
mod invocation;
pub mod notices;
pub mod own_rules;
mod package_entries;
pub mod package_settings;
mod role;
pub mod rules;
mod subscription;
mod suppressions;

use std::time::SystemTime;

use futures::{FutureExt, try_join};

use self::function::{FoundFunction, Function};
use self::invocation::Invocation;
use self::subscription::Subscription;
use super::common::log_group::{self, FoundLogGroup};
use super::common::role::{self as iam_role, FoundRole, Role};
use crate::api::spec::LogGroupClass;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{AnyCall, Diff, Goal, Report, ResourceCall, System, SystemHealth, existing, ownership};
use crate::monitor::Monitor;

type LogGroup = log_group::LogGroup<false>;

/// The system [`Component::Detector`].
#[derive(Debug)]
pub struct DetectorSystem;

/// The detector as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    role: Role,
    log_group: LogGroup,
    function: Function,
    invocation: Invocation,
    subscription: Subscription,
}

/// The detector as AWS has it.
#[derive(Debug, Default)]
pub struct Observed {
    role: Option<FoundRole>,
    log_group: Option<FoundLogGroup>,
    function: Option<FoundFunction>,
    invocation: Option<Invocation>,
    subscriptions: subscription::Observed,
}

impl System for DetectorSystem {
    type Desired = Desired;
    type Observed = Observed;

    const COMPONENT: Component = Component::Detector;
    const NEEDS: &'static [Component] = &[Component::LogGroup, Component::Notifications];
    // The subscription on a former log group stays until the flow log is replaced, so that no record is missed.
    const CLEARS_AFTER: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        let spec = &monitor.spec.detector;
        if !spec.enabled {
            return Ok(None);
        }
        if monitor.names.log_group == monitor.names.detector_log_group() {
            return Err(Invalid::new(
                "cloudWatchLogs.logGroupName",
                "the detector writes to this log group and would read its own lines; choose another name",
            ));
        }
        Ok(Some(Desired {
            role: role::desired(monitor),
            log_group: LogGroup {
                name: monitor.names.detector_log_group(),
                retention_days: spec.log_retention_days,
                class: LogGroupClass::Standard,
                kms_key_arn: None,
            },
            function: function::desired(monitor)?,
            invocation: invocation::desired(monitor),
            subscription: subscription::desired(monitor),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let (role_name, group_name, name) =
            (monitor.names.detector_role(), monitor.names.detector_log_group(), monitor.names.detector());
        let function = async {
            let function = function::observe(aws, &name).await.about(ResourceKind::Function, &name)?;
            let invocation = match &function {
                Some(_) => invocation::observe(aws, &name).await.about(ResourceKind::FunctionPermission, &name)?,
                None => None,
            };
            Ok((function, invocation))
        };
        let (role, log_group, (function, invocation), subscriptions) = try_join!(
            iam_role::observe(aws, &role_name).map(|found| found.about(ResourceKind::Role, &role_name)),
            log_group::observe(aws, &group_name).map(|found| found.about(ResourceKind::LogGroup, &group_name)),
            function,
            subscription::observe(aws, monitor),
        )?;
        Ok(Observed { role, log_group, function, invocation, subscriptions })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<AnyCall> {
        let names = &monitor.names;
        let role =
            ownership::diff(monitor, goal.map(|desired| &desired.role), &names.detector_role(), observed.role.as_ref());
        let log_group = ownership::diff(
            monitor,
            goal.map(|desired| &desired.log_group),
            &names.detector_log_group(),
            observed.log_group.as_ref(),
        );
        let function = function_diff(monitor, goal, observed);
        let subscription =
            || subscription::diff(monitor, goal.map(|desired| &desired.subscription), &observed.subscriptions);
        let mut diff = Diff::default();
        match goal {
            // Each part is passed to, or invoked by, the next, so no part is built on one that is not ours.
            Goal::Present(desired) => {
                diff.invalid.extend(desired.function.refusal(observed.function.as_ref()));
                diff.include(role);
                diff.include(log_group);
                diff.conflicts.extend(function.conflicts);
                if diff.conflicts.is_empty() {
                    diff.steps.extend(Diff { steps: function.steps, ..Diff::default() }.erase().steps);
                    diff.include(invocation::diff(monitor, &desired.invocation, observed.invocation.as_ref()));
                    diff.include(subscription());
                }
            }
            Goal::Absent(_) => {
                let is_foreign = observed.function.as_ref().is_some_and(|function| !function.is_ours(monitor));
                if !is_foreign {
                    diff.include(subscription());
                }
                let permissions = observed.invocation.iter().count();
                diff.include(function.along(ResourceKind::FunctionPermission, permissions));
                diff.include(role);
                diff.include(log_group);
            }
        }
        diff
    }

    fn report(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Report {
        let names = &monitor.names;
        let function = observed.function.as_ref().filter(|function| function.is_ours(monitor));
        let resources = [
            existing::<Role>(monitor, &names.detector_role(), observed.role.as_ref()),
            existing::<LogGroup>(monitor, &names.detector_log_group(), observed.log_group.as_ref()),
            existing::<Function>(monitor, &names.detector(), function),
            function.and(observed.invocation.as_ref()).map(|_| invocation::existing(monitor)),
            function.and_then(|_| {
                let current = subscription::current(monitor, &observed.subscriptions);
                existing::<Subscription>(monitor, &names.detector(), current)
            }),
        ];
        let health = match (goal, function) {
            (Goal::Present(_), Some(function)) => function.health(),
            _ => SystemHealth::Good,
        };
        let notices = match goal {
            Goal::Present(_) => notices::of_spec(&monitor.spec, SystemTime::now()),
            Goal::Absent(_) => Vec::new(),
        };
        Report { resources: resources.into_iter().flatten().collect(), health, notices }
    }
}

/// While the rules of the user are invalid, a function of ours keeps the settings that it has.
fn function_diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<ResourceCall<Function>> {
    let found = observed.function.as_ref();
    match goal {
        Goal::Present(Desired { function: Function { refused: Some(_), .. }, .. })
            if found.is_some_and(|found| found.is_ours(monitor)) =>
        {
            Diff::default()
        }
        _ => ownership::diff(monitor, goal.map(|desired| &desired.function), &monitor.names.detector(), found),
    }
}

#[cfg(test)]
mod tests;
