//! The status as a pure function of the findings of a pass. The same input gives the same status, so nothing is written at rest.

mod causes;
mod store;
mod writer;

use std::collections::BTreeSet;
use std::iter;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use super::mode::Mode;
use crate::api::conditions::{READY, RECONCILING, Reason, STALLED, Statement, stalled_message};
use crate::api::status::{AlarmStatus, Links, Notice, ResourceState, ResourceStatus, Summary, VpcFlowMonitorStatus};
use crate::engine::{Action, Change, Failure, Outcome, SystemHealth, in_brief};
use crate::monitor::Monitor;

pub use store::{patch_params, replace_status, store_changed};
pub use writer::StatusWriter;

/// The input for a status.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput<'a> {
    /// The mode of the pass.
    pub mode: Mode,
    /// The monitor.
    pub monitor: &'a Monitor,
    /// Generation of its spec.
    pub generation: Option<i64>,
    /// One per system.
    pub outcomes: &'a [Outcome],
    /// The status so far.
    pub previous: &'a VpcFlowMonitorStatus,
    /// For conditions that change.
    pub now: Timestamp,
}

/// The status after a pass.
#[must_use]
pub fn status(input: StatusInput<'_>) -> VpcFlowMonitorStatus {
    let StatusInput { mode, monitor, generation, outcomes, previous, now } = input;
    let mut has_former_trouble = false;
    let systems: Vec<_> = outcomes
        .iter()
        .filter(|outcome| !outcome.is_absent())
        .map(|outcome| {
            let former = former_trouble(&input, outcome);
            has_former_trouble |= former.is_some();
            former.unwrap_or_else(|| NewCondition {
                missing_actions: causes::missing_actions(outcome),
                ..condition_of(mode, outcome)
            })
        })
        .collect();
    let notices = notices(outcomes, previous);
    let mut conditions = summary_conditions(mode, &systems, &notices);
    if has_former_trouble {
        causes::keep_former(&mut conditions, previous, generation);
    }
    conditions.extend(systems);
    let mut status = VpcFlowMonitorStatus {
        observed_generation: generation,
        account_id: Some(monitor.account_region.account.clone()),
        region: Some(monitor.account_region.region.clone()),
        owner: Some(monitor.owner.clone()),
        conditions: with_times(conditions, previous, generation, now),
        resources: outcomes.iter().flat_map(|outcome| resources(outcome, previous)).collect(),
        notices,
        // The details of a system that could not be read stay as they were.
        ..previous.clone()
    };
    for outcome in outcomes {
        outcome.details.write(&mut status);
    }
    status.links = status.links.filter(|links| *links != Links::default());
    status.summary = Some(summary(&status, monitor));
    status
}

/// The figures that `kubectl get` shows.
fn summary(status: &VpcFlowMonitorStatus, monitor: &Monitor) -> Summary {
    let active = status.flow_logs.iter().filter(|log| log.status == "ACTIVE").count();
    Summary {
        flow_logs: format!("{active}/{}", if monitor.spec.cloud_watch_logs.enabled { 2 } else { 1 }),
        alarms: firing(&status.alarms),
        bucket: monitor.names.bucket.clone(),
        log_group: if monitor.spec.cloud_watch_logs.enabled { monitor.names.log_group.clone() } else { String::new() },
        // The system itself has written it.
        notifies: status.summary.clone().unwrap_or_default().notifies,
    }
}

/// The alarms in state ALARM, as `kubectl get` shows them.
#[must_use]
pub fn firing(alarms: &[AlarmStatus]) -> String {
    format!("{} firing", alarms.iter().filter(|alarm| alarm.fires()).count())
}

/// The notices of all systems. Those of a system that could not be read stay as they were.
fn notices(outcomes: &[Outcome], previous: &VpcFlowMonitorStatus) -> Vec<Notice> {
    let of_system = |outcome: &Outcome| -> Vec<Notice> {
        match &outcome.report {
            Some(report) => report.notices.clone(),
            None => previous.notices.iter().filter(|old| old.component == outcome.component).cloned().collect(),
        }
    };
    outcomes.iter().flat_map(of_system).collect()
}

/// The status of a monitor that cannot be read, or whose account cannot be reached.
#[must_use]
pub fn unreachable(
    failure: &Failure,
    generation: Option<i64>,
    previous: &VpcFlowMonitorStatus,
    now: Timestamp,
) -> VpcFlowMonitorStatus {
    let Failure { reason, message, .. } = failure;
    let detail = if reason.is_terminal() {
        stalled_condition(*reason, message)
    } else {
        condition(RECONCILING, true, *reason, message)
    };
    let conditions = vec![condition(READY, false, *reason, message), detail];
    let mut status = VpcFlowMonitorStatus { observed_generation: generation, ..previous.clone() };
    status.conditions = with_times(conditions, previous, generation, now);
    // The conditions of the systems are neither confirmed nor denied.
    let systems = previous.conditions.iter().filter(|old| ![READY, RECONCILING, STALLED].contains(&old.type_.as_str()));
    status.conditions.extend(systems.cloned());
    status
}

struct NewCondition {
    type_: &'static str,
    status: bool,
    reason: Reason,
    message: String,
    /// The IAM actions that are missing, for a system that lacks any.
    missing_actions: BTreeSet<&'static str>,
}

fn condition(type_: &'static str, status: bool, reason: Reason, message: &str) -> NewCondition {
    NewCondition { type_, status, reason, message: message.to_owned(), missing_actions: BTreeSet::new() }
}

/// `Stalled`, with the way to a new attempt.
fn stalled_condition(reason: Reason, message: &str) -> NewCondition {
    condition(STALLED, true, reason, &stalled_message(message))
}

/// The former trouble of a system, as long as its changes were not tried again: a pass under way, or one cut short, has no newer result.
fn former_trouble(input: &StatusInput<'_>, outcome: &Outcome) -> Option<NewCondition> {
    let untried = !outcome.remaining.is_empty()
        && outcome.applied.is_empty()
        && outcome.failures.is_empty()
        && outcome.conflicts.is_empty()
        && outcome.waits_for.is_empty()
        && outcome.progress.is_none();
    if !untried || input.mode != Mode::Keep {
        return None;
    }
    let type_ = outcome.component.condition();
    let is_it =
        |old: &&Condition| old.type_ == type_ && old.status == "False" && old.observed_generation == input.generation;
    let old = input.previous.conditions.iter().find(is_it)?;
    let reason = Reason::parse(&old.reason).filter(|reason| reason.is_trouble())?;
    Some(condition(type_, false, reason, &old.message))
}

/// Most resources that are named with one message.
const NAMED: usize = 3;

/// The problems as text. Each begins with the resources concerned: siblings often fail for the same reason.
fn in_words(problems: &[Failure]) -> String {
    let mut causes: Vec<(&str, Vec<&str>)> = Vec::new();
    for Failure { message, subject, .. } in problems {
        let subject = subject.as_deref();
        match causes.iter_mut().find(|(known, subjects)| known == message && subjects.is_empty() == subject.is_none()) {
            Some((_, subjects)) => subjects.extend(subject.filter(|subject| !subjects.contains(subject))),
            None => causes.push((message, subject.into_iter().collect())),
        }
    }
    let sentence = |(message, subjects): (&str, Vec<&str>)| {
        let more = match subjects.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        if subjects.is_empty() {
            message.to_owned()
        } else {
            format!("{}{more}: {message}", subjects[..subjects.len().min(NAMED)].join(", "))
        }
    };
    causes.into_iter().map(sentence).collect::<Vec<_>>().join("; ")
}

/// The condition of one system.
fn condition_of(mode: Mode, outcome: &Outcome) -> NewCondition {
    let type_ = outcome.component.condition();
    let no = |reason, message: &str| condition(type_, false, reason, message);
    let failures = outcome.failures.iter().map(|(_, failure)| failure.clone());
    let conflicts = outcome.conflicts.iter().map(Failure::from);
    let mut problems: Vec<Failure> = failures.chain(conflicts).collect();
    // Problems that a person must solve come first.
    problems.sort_by_key(|problem| !problem.reason.is_terminal());
    if let Some(first) = problems.first() {
        return no(first.reason, &in_words(&problems));
    }
    if let Some(SystemHealth::Failing(reason, message)) = outcome.report.as_ref().map(|report| &report.health) {
        return no(*reason, message);
    }
    if !outcome.waits_for.is_empty() {
        let systems: Vec<_> = outcome.waits_for.iter().map(|component| component.condition()).collect();
        return no(Reason::WaitingForDependency, &format!("waits for {}", systems.join(", ")));
    }
    if let Some(progress) = &outcome.progress {
        return no(Reason::Progressing, progress);
    }
    if !outcome.remaining.is_empty() {
        let changes = in_brief(&outcome.remaining);
        return match mode {
            Mode::Suspended | Mode::DeleteSuspended if is_not_made(outcome) => {
                no(Reason::Suspended, &format!("{NOT_MADE}: {changes}"))
            }
            Mode::Suspended | Mode::DeleteSuspended => {
                no(Reason::Suspended, &format!("differs from the spec: {changes}"))
            }
            Mode::Delete => no(Reason::Deleting, &format!("to be removed: {changes}")),
            Mode::Keep => no(Reason::Progressing, &format!("to be done: {changes}")),
        };
    }
    let as_declared = match outcome.report.as_ref().map(|report| &report.health) {
        Some(SystemHealth::Pending(message)) => return no(Reason::Progressing, message),
        Some(SystemHealth::Waiting(message, _)) => format!("as declared; {message}"),
        _ => "as declared".to_owned(),
    };
    let notices = outcome.report.iter().flat_map(|report| &report.notices);
    condition(type_, true, Reason::Reconciled, &with_notices(&as_declared, notices))
}

/// The beginning of the message about a suspended system of which nothing exists.
const NOT_MADE: &str = "not made yet";

/// True if AWS has nothing of the system.
fn is_not_made(outcome: &Outcome) -> bool {
    outcome.report.as_ref().is_some_and(|report| report.resources.is_empty())
        && outcome.remaining.iter().all(|change| change.action == Action::Create)
}

/// `Ready`, and `Reconciling` or `Stalled` while true.
fn summary_conditions(mode: Mode, systems: &[NewCondition], notices: &[Notice]) -> Vec<NewCondition> {
    let unready: Vec<_> = systems.iter().filter(|system| !system.status).collect();
    if mode == Mode::DeleteSuspended {
        let message = "deletion waits until spec.suspend is false";
        return vec![condition(READY, false, Reason::Suspended, message)];
    }
    if mode == Mode::Suspended {
        let message = if unready.is_empty() {
            with_notices("as declared when last looked at; nothing is changed while spec.suspend is true", notices)
        } else {
            let nothing_made = unready.iter().all(|system| system.message.starts_with(NOT_MADE));
            let state = match (nothing_made, &unready[..]) {
                (true, [_]) => "is not made yet",
                (true, _) => "are not made yet",
                (false, [_]) => "differs",
                (false, _) => "differ",
            };
            format!("{} {state}; nothing is changed while spec.suspend is true", names(&unready))
        };
        return vec![condition(READY, unready.is_empty(), Reason::Suspended, &message)];
    }
    // The most important system comes first: those that need a person, then failures, then others, and last those that wait for other
    // systems.
    let weight = |system: &&&NewCondition| match system.reason {
        reason if reason.is_terminal() => 0,
        Reason::DeliveryFailed | Reason::AwsError | Reason::Throttled => 1,
        Reason::WaitingForDependency => 3,
        _ => 2,
    };
    let first = unready.iter().min_by_key(weight);
    let (stalled, progressing) = (
        unready.iter().any(|system| system.reason.is_terminal()),
        unready.iter().any(|system| {
            !system.reason.is_terminal()
                && !matches!(system.reason, Reason::WaitingForDependency | Reason::DeliveryFailed)
        }),
    );
    let mut conditions = match (mode, first) {
        (Mode::Delete, None) => {
            vec![condition(READY, false, Reason::Deleting, "everything that was to be removed is removed")]
        }
        (Mode::Delete, Some(first)) if !stalled => {
            vec![condition(READY, false, Reason::Deleting, &causes::ready_message(first, &unready))]
        }
        (_, None) => {
            vec![condition(READY, true, Reason::Reconciled, &with_notices("AWS is as declared", notices))]
        }
        (_, Some(first)) => {
            vec![condition(READY, false, first.reason, &causes::ready_message(first, &unready))]
        }
    };
    let not_ready = format!("not ready: {}", names(&unready));
    if progressing || (mode == Mode::Delete && !stalled) {
        let reason = if mode == Mode::Delete { Reason::Deleting } else { Reason::Progressing };
        conditions.push(condition(RECONCILING, true, reason, &not_ready));
    } else if let (true, Some(first)) = (stalled, first) {
        conditions.push(stalled_condition(first.reason, &not_ready));
    }
    conditions
}

fn with_notices<'a>(message: &'a str, notices: impl IntoIterator<Item = &'a Notice>) -> String {
    let notices = notices.into_iter().map(|notice| notice.message.as_str());
    iter::once(message).chain(notices).collect::<Vec<_>>().join("; ")
}

fn names(systems: &[&NewCondition]) -> String {
    systems.iter().map(|system| system.type_).collect::<Vec<_>>().join(", ")
}

fn with_times(
    conditions: Vec<NewCondition>,
    previous: &VpcFlowMonitorStatus,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let statement = |NewCondition { type_, status, reason, message, .. }| Statement { type_, status, reason, message };
    conditions.into_iter().map(|new| statement(new).dated(&previous.conditions, generation, now)).collect()
}

/// Resources of a system: those that exist, and those to be made. If the system could not be read, they stay as last reported.
fn resources(outcome: &Outcome, previous: &VpcFlowMonitorStatus) -> Vec<ResourceStatus> {
    let Some(report) = &outcome.report else {
        return previous.resources.iter().filter(|old| old.component == outcome.component).cloned().collect();
    };
    let mut resources: Vec<ResourceStatus> = report
        .resources
        .iter()
        .map(|existing| ResourceStatus {
            component: outcome.component,
            kind: existing.kind,
            name: existing.name.clone(),
            arn: existing.arn.clone(),
            state: if existing.retained { ResourceState::Retained } else { ResourceState::InSync },
            message: existing.message.clone(),
        })
        .collect();
    for change in &outcome.remaining {
        let state = match change.action {
            Action::Create => ResourceState::Creating,
            Action::Update | Action::Replace | Action::Adopt => ResourceState::Updating,
            Action::Delete | Action::Retain => ResourceState::Deleting,
        };
        let failure =
            outcome.failures.iter().find(|(failed, _)| failed.as_ref().is_some_and(|failed| same(failed, change)));
        let (state, message) = match failure {
            Some((_, failure)) => (ResourceState::Failed, Some(failure.message.clone())),
            None => (state, outcome.progress.clone().filter(|_| state == ResourceState::Deleting)),
        };
        match resources.iter_mut().find(|known| known.kind == change.kind && known.name == change.name) {
            Some(known) if known.state != ResourceState::Failed => {
                known.state = state;
                known.message = message;
            }
            Some(_) => {}
            None => resources.push(ResourceStatus {
                component: outcome.component,
                kind: change.kind,
                name: change.name.clone(),
                arn: None,
                state,
                message,
            }),
        }
    }
    // AWS promises no order for most of its lists, so another order is no change.
    resources.sort_by(|left, right| (left.kind, &left.name).cmp(&(right.kind, &right.name)));
    resources
}

fn same(left: &Change, right: &Change) -> bool {
    left.kind == right.kind && left.name == right.name
}

#[cfg(test)]
mod tests;
