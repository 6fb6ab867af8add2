//! The detector: a Lambda function that reads every record of the log group, and all it needs.
//!
//! Its parts build on one another: role and log group, the function, the permission to invoke it, the subscription that does.
//! They go in the opposite order, the log group last; the role may not make log groups, so that a late invocation cannot bring
//! it back.

mod environment;
mod function;
mod invocation;
mod role;
pub mod rules;
mod subscription;

use futures::try_join;

use self::function::{Function, FunctionOp, ObservedFunction};
use self::invocation::Invocation;
use self::subscription::{ObservedSubscription, Subscription, SubscriptionOp};
use super::common::log_group::{self, LogGroup, LogGroupOp, ObservedLogGroup};
use super::common::role::{self as iam_role, ObservedRole, Role, RoleOp};
use crate::api::spec::LogGroupClass;
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{Applied, Diff, Goal, Invalid, Report, System, SystemHealth};
use crate::monitor::{Claim, Monitor};

/// The system [`Component::Detector`].
#[derive(Debug)]
pub struct DetectorSystem;

/// The detector as it shall be.
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
    role: Option<ObservedRole>,
    log_group: Option<ObservedLogGroup>,
    function: Option<ObservedFunction>,
    invocation: Option<Invocation>,
    subscriptions: Vec<ObservedSubscription>,
}

/// What can be done to one of its parts.
#[derive(Debug)]
#[allow(missing_docs, reason = "named for the parts")]
pub enum Op {
    Role(RoleOp),
    LogGroup(LogGroupOp),
    Function(FunctionOp),
    AllowInvocation { replaces: bool },
    Subscription(SubscriptionOp),
}

impl From<RoleOp> for Op {
    fn from(op: RoleOp) -> Self {
        Self::Role(op)
    }
}

impl From<LogGroupOp> for Op {
    fn from(op: LogGroupOp) -> Self {
        Self::LogGroup(op)
    }
}

impl System for DetectorSystem {
    type Desired = Desired;
    type Observed = Observed;
    type Op = Op;

    const COMPONENT: Component = Component::Detector;
    const NEEDS: &'static [Component] = &[Component::LogGroup, Component::Notifications];
    // Those on a former log group count and detect until the flow log has moved.
    const CLEARS_AFTER: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        let spec = &monitor.spec.detector;
        if !spec.enabled {
            return Ok(None);
        }
        if monitor.names.log_group == monitor.names.detector_log_group() {
            return Err(Invalid {
                field: "cloudWatchLogs.logGroupName",
                problem: "the detector writes to this log group and would read its own lines; choose another name"
                    .to_owned(),
            });
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
        let (role, log_group, function, invocation, subscriptions) = try_join!(
            iam_role::observe(aws, &role_name),
            log_group::observe(aws, &group_name),
            function::observe(aws, &name),
            invocation::observe(aws, &name),
            subscription::observe(aws, monitor),
        )?;
        Ok(Observed { role, log_group, function, invocation, subscriptions })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<Op> {
        let mut diff = Diff::default();
        match goal {
            Goal::Present(desired) => build(monitor, desired, observed, &mut diff),
            Goal::Absent(removal) => {
                let is_foreign = observed.function.as_ref().is_some_and(|function| !function.is_ours(monitor));
                if !is_foreign {
                    subscription::remove(removal, &observed.subscriptions, &mut diff);
                }
                function::remove(monitor, removal, observed.function.as_ref(), &mut diff);
                let (role, group) = (monitor.names.detector_role(), monitor.names.detector_log_group());
                iam_role::diff(monitor, Goal::Absent(removal), &role, observed.role.as_ref(), &mut diff);
                let observed = observed.log_group.as_ref();
                log_group::diff(monitor, Goal::Absent(removal), &group, observed, false, &mut diff);
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Role(op) => iam_role::apply(aws, monitor, op).await,
            Op::LogGroup(op) => log_group::apply(aws, monitor, op).await,
            Op::Function(op) => function::apply(aws, monitor, op).await,
            Op::AllowInvocation { replaces } => invocation::apply(aws, monitor, *replaces).await,
            Op::Subscription(op) => subscription::apply(aws, op).await,
        }
    }

    fn report(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Report {
        let names = &monitor.names;
        let function = observed.function.as_ref().filter(|function| function.is_ours(monitor));
        let resources = [
            iam_role::existing(monitor, &names.detector_role(), observed.role.as_ref()),
            log_group::existing(monitor, &names.detector_log_group(), observed.log_group.as_ref()),
            function.map(|_| function::existing(monitor)),
            function.and(observed.invocation.as_ref()).map(|_| invocation::existing(monitor)),
            function.and_then(|_| subscription::existing(monitor, &observed.subscriptions)),
        ];
        let health = match (goal, function) {
            (Goal::Present(_), Some(function)) => function.health(),
            _ => SystemHealth::Good,
        };
        Report { resources: resources.into_iter().flatten().collect(), health, ..Report::default() }
    }
}

/// Each part is passed to, or invoked by, the next: none is built on one that is not ours.
fn build(monitor: &Monitor, desired: &Desired, observed: &Observed, diff: &mut Diff<Op>) {
    let Desired { role, log_group, function, invocation, subscription } = desired;
    iam_role::diff(monitor, Goal::Present(role), &role.name, observed.role.as_ref(), diff);
    log_group::diff(monitor, Goal::Present(log_group), &log_group.name, observed.log_group.as_ref(), false, diff);
    if let Some(Claim::Foreign(problem)) = observed.function.as_ref().map(|function| function.claim(monitor)) {
        diff.conflict(ResourceKind::Function, &function.name, problem);
    }
    if diff.conflicts.is_empty() {
        function::diff(monitor, function, observed.function.as_ref(), diff);
        invocation::diff(monitor, invocation, observed.invocation.as_ref(), diff);
        subscription::diff(subscription, &observed.subscriptions, diff);
    }
}

#[cfg(test)]
mod tests;
