//! The detector: a Lambda function that reads every record of the log group or of the bucket, and all resources that it needs.
//!
//! Its parts build on one another: role and log group, the function, the permission to invoke it, and what invokes it: the subscription of
//! the log group, or the event rule for files of the bucket. After a change of the source, the former one is removed some minutes later.
//! They are deleted in the opposite order, the log group last. The role may not create log groups, so that a late invocation cannot
//! recreate the deleted one.

mod counted_detections;
pub mod custom_rules;
mod environment;
mod event_rule;
mod function;
mod invocation;
pub mod notices;
pub mod own_rules;
mod package_entries;
pub mod package_settings;
mod role;
pub mod rules;
mod severity;
mod source_change;
mod subscription;
mod suppressions;

use std::time::SystemTime;

use futures::{FutureExt, try_join};
use jiff::Timestamp;

use self::event_rule::{EventRule, FoundEventRule};
use self::function::{FoundFunction, Function};
use self::subscription::Subscription;
use super::common::log_group::{self, FoundLogGroup};
use super::common::role::{self as iam_role, FoundRole, Role};
use super::common::sink::{Sink, flow_log_to};
use crate::api::spec::{LogGroupClass, RecordSource};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{
    AnyCall, Diff, Goal, Removal, Report, Resource, ResourceCall, System, SystemHealth, existing, ownership,
};
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
    feed: Feed,
}

/// The resource that invokes the function.
#[derive(Clone, Debug, PartialEq)]
enum Feed {
    /// Hands it the records of the log group.
    Subscription(Subscription),
    /// Hands it the names of new files.
    EventRule(EventRule),
}

impl Feed {
    fn subscription(goal: Goal<&Desired>) -> Goal<&Subscription> {
        match goal.map(|desired| &desired.feed) {
            Goal::Present(Self::Subscription(subscription)) => Goal::Present(subscription),
            Goal::Present(Self::EventRule(_)) => Goal::Absent(Removal::SwitchedOff),
            Goal::Absent(removal) => Goal::Absent(removal),
        }
    }

    fn event_rule(goal: Goal<&Desired>) -> Goal<&EventRule> {
        match goal.map(|desired| &desired.feed) {
            Goal::Present(Self::EventRule(rule)) => Goal::Present(rule),
            Goal::Present(Self::Subscription(_)) => Goal::Absent(Removal::SwitchedOff),
            Goal::Absent(removal) => Goal::Absent(removal),
        }
    }
}

/// The detector as AWS has it.
#[derive(Debug)]
#[cfg_attr(test, derive(Default))]
pub struct Observed {
    role: Option<FoundRole>,
    log_group: Option<FoundLogGroup>,
    function: Option<FoundFunction>,
    invocations: invocation::Observed,
    subscriptions: subscription::Observed,
    event_rule: Option<FoundEventRule>,
    /// The time of the read.
    at: Timestamp,
}

impl System for DetectorSystem {
    type Desired = Desired;
    type Observed = Observed;

    const COMPONENT: Component = Component::Detector;
    // The bucket has the notification log, and perhaps the records.
    const NEEDS: &'static [Component] = &[Component::Bucket, Component::LogGroup, Component::Notifications];
    // The subscription on a former log group stays until the flow log is replaced, so that no record is missed.
    const CLEARS_AFTER: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Desired>, Invalid> {
        let spec = &monitor.spec.detector;
        if !spec.enabled {
            return Ok(None);
        }
        if monitor.spec.cloud_watch_logs.enabled && monitor.names.log_group == monitor.names.detector_log_group() {
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
            feed: if spec.source == RecordSource::S3 {
                Feed::EventRule(event_rule::desired(monitor))
            } else {
                Feed::Subscription(subscription::desired(monitor))
            },
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let (role_name, group_name, name) =
            (monitor.names.detector_role(), monitor.names.detector_log_group(), monitor.names.detector());
        let function = async {
            let function = function::observe(aws, &name).await.about(ResourceKind::Function, &name)?;
            let invocations = match &function {
                Some(_) => invocation::observe(aws, &name).await.about(ResourceKind::FunctionPermission, &name)?,
                None => invocation::Observed::default(),
            };
            Ok((function, invocations))
        };
        let event_rule = async {
            if may_have_event_rule(monitor) {
                event_rule::observe(aws, monitor).await.about(ResourceKind::EventRule, &name)
            } else {
                Ok(None)
            }
        };
        let (role, log_group, (function, invocations), subscriptions, event_rule) = try_join!(
            iam_role::observe(aws, &role_name).map(|found| found.about(ResourceKind::Role, &role_name)),
            log_group::observe(aws, &group_name).map(|found| found.about(ResourceKind::LogGroup, &group_name)),
            function,
            subscription::observe(aws, monitor),
            event_rule,
        )?;
        Ok(Observed { role, log_group, function, invocations, subscriptions, event_rule, at: Timestamp::now() })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Diff<AnyCall> {
        let names = &monitor.names;
        let mut role =
            ownership::diff(monitor, goal.map(|desired| &desired.role), &names.detector_role(), observed.role.as_ref());
        let log_group = ownership::diff(
            monitor,
            goal.map(|desired| &desired.log_group),
            &names.detector_log_group(),
            observed.log_group.as_ref(),
        );
        let mut function = function_diff(monitor, goal, observed);
        let keeps_former = source_change::time_left(monitor, goal, observed).is_some();
        let subscription = || match Feed::subscription(goal) {
            Goal::Absent(_) if keeps_former => Diff::default(),
            goal => subscription::diff(monitor, goal, &observed.subscriptions),
        };
        let event_rule = || match Feed::event_rule(goal) {
            Goal::Absent(_) if keeps_former => Diff::default(),
            goal => event_rule::diff(monitor, goal, observed.event_rule.as_ref()),
        };
        let mut diff = Diff::default();
        match goal {
            // Each part is passed to, or invoked by, the next, so no part is built on one that is not ours.
            Goal::Present(desired) => {
                if moves(desired, observed) {
                    after_the_flow_log(&mut role);
                    after_the_flow_log(&mut function);
                }
                diff.invalid.extend(desired.function.refusal(observed.function.as_ref()));
                diff.include(role);
                diff.include(log_group);
                diff.conflicts.extend(function.conflicts);
                if diff.conflicts.is_empty() {
                    diff.steps.extend(Diff { steps: function.steps, ..Diff::default() }.erase().steps);
                    diff.include(invocation::diff(monitor, &observed.invocations, keeps_former));
                    diff.include(subscription());
                    diff.include(event_rule());
                }
            }
            Goal::Absent(_) => {
                let is_foreign = observed.function.as_ref().is_some_and(|function| !function.is_ours(monitor));
                if !is_foreign {
                    diff.include(subscription());
                }
                diff.include(event_rule());
                let permissions = observed.invocations.len();
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
            existing::<Role, _>(monitor, &names.detector_role(), observed.role.as_ref()),
            existing::<LogGroup, _>(monitor, &names.detector_log_group(), observed.log_group.as_ref()),
            existing::<Function, _>(monitor, &names.detector(), function),
            function.filter(|_| !observed.invocations.is_empty()).map(|_| invocation::existing(monitor)),
            function.and_then(|_| {
                let current = subscription::current(monitor, &observed.subscriptions);
                existing::<Subscription, _>(monitor, &names.detector(), current)
            }),
            existing::<EventRule, _>(monitor, &names.detector(), observed.event_rule.as_ref()),
        ];
        let health = match (goal, function) {
            (Goal::Present(_), Some(function)) => {
                match (function.health(), source_change::time_left(monitor, goal, observed)) {
                    (SystemHealth::Good, Some(left)) => SystemHealth::Waiting(source_change::MESSAGE.to_owned(), left),
                    (health, _) => health,
                }
            }
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

/// True if the records, or the notification log, are to be in another bucket or folder than the function knows.
fn moves(desired: &Desired, observed: &Observed) -> bool {
    let bucket_moves = observed.function.as_ref().is_some_and(|found| desired.function.has_other_bucket(found));
    let rule_moves = match (&desired.feed, &observed.event_rule) {
        (Feed::EventRule(declared), Some(found)) => found.takes_others(declared),
        _ => false,
    };
    bucket_moves || rule_moves
}

/// Changes wait until the flow log delivers to the new place: the function can read the former one until then.
fn after_the_flow_log<R: Resource>(diff: &mut Diff<ResourceCall<R>>) {
    for step in diff.steps.iter_mut().filter(|step| matches!(step.op, ResourceCall::Change(..))) {
        step.follows.push(flow_log_to(Sink::S3));
    }
}

/// True if there may be a rule. Others are not looked for: their operator needs no permission of `EventBridge`.
fn may_have_event_rule(monitor: &Monitor) -> bool {
    monitor.spec.reads_files() || monitor.recorded.iter().any(|resource| resource.kind == ResourceKind::EventRule)
}

#[cfg(test)]
mod package_tests;
#[cfg(test)]
mod tests;
