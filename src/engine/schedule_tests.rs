//! The removal of superseded resources.

use super::any_system::{AnySystem, Assessment, empty};
use super::change::{Action, Change};
use super::failure::Failure;
use super::outcome::{Assessed, Outcome};
use super::report::{Report, SystemHealth};
use super::schedule::{Schedule, Work};
use super::step::{AnyCall, Applied, Call, Step};
use super::system::Direction;
use crate::api::conditions::Reason;
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::monitor::Monitor;

struct Nothing;

impl Call for Nothing {
    async fn run(&self, _aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        Ok(Applied::Done)
    }
}

fn step(action: Action, kind: ResourceKind, name: &str) -> Step<AnyCall> {
    Step::new(Change::new(action, kind, name), AnyCall::new(Nothing))
}

fn deletion(kind: ResourceKind) -> Step<AnyCall> {
    step(Action::Delete, kind, "former")
}

fn assessed(system: AnySystem, steps: Vec<Step<AnyCall>>, health: SystemHealth) -> Assessed {
    let report = Report { health, ..Report::default() };
    let assessment = Assessment { wanted: true, steps, report, ..Assessment::default() };
    Assessed { system, earlier: Vec::new(), result: Ok(assessment) }
}

/// Works through a schedule in which every creation fails. Returns the outcomes, and the names of what was removed.
fn work_off(assessed: Vec<Assessed>) -> (Vec<Outcome>, Vec<String>) {
    let mut schedule = Schedule::new(assessed, Direction::Build);
    let (mut working, mut removed) = (Vec::new(), Vec::new());
    loop {
        working.extend(schedule.ready());
        let Some(Work { steps, mut outcome, .. }) = working.pop() else { break };
        for Step { change, .. } in steps {
            if change.creates() {
                outcome.failures.push((Some(change), Failure::new(Reason::Rejected, "no")));
            } else {
                outcome.remaining.retain(|remaining| *remaining != change);
                removed.push(change.to_string());
            }
        }
        schedule.finished(outcome);
    }
    removed.sort();
    (schedule.into_outcomes(), removed)
}

/// Flow logs and a detector that wait for each other, the role that the flow logs need, and the bucket that the detector needs.
fn systems(of_detector: Vec<Step<AnyCall>>, health: SystemHealth) -> Vec<Assessed> {
    const NOTHING: &[Component] = &[];
    let good = || SystemHealth::Good;
    let flow_logs = empty(Component::FlowLogs, &[Component::DeliveryRole], &[Component::Detector]);
    let detector = empty(Component::Detector, &[Component::Bucket], &[Component::FlowLogs]);
    let role = empty(Component::DeliveryRole, NOTHING, NOTHING);
    let bucket = empty(Component::Bucket, NOTHING, NOTHING);
    vec![
        assessed(bucket, vec![deletion(ResourceKind::BucketEvents)], good()),
        assessed(role, vec![deletion(ResourceKind::Role)], good()),
        assessed(flow_logs, vec![deletion(ResourceKind::FlowLog)], good()),
        assessed(detector, of_detector, health),
    ]
}

fn waits(outcomes: &[Outcome]) -> Vec<&[Component]> {
    outcomes.iter().map(|outcome| &outcome.waits_for[..]).collect()
}

#[test]
fn systems_that_wait_for_each_other_to_move_both_remove_what_they_superseded() {
    let subscription = deletion(ResourceKind::SubscriptionFilter);
    let (outcomes, removed) = work_off(systems(vec![subscription], SystemHealth::Good));
    assert_eq!(removed, ["events of bucket former", "flow log former", "role former", "subscription filter former"]);
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
}

#[test]
fn until_a_system_has_moved_nothing_goes_that_it_uses_nor_what_that_needs() {
    let fails =
        || vec![step(Action::Create, ResourceKind::EventRule, "new"), deletion(ResourceKind::SubscriptionFilter)];
    let cases = [
        (fails(), SystemHealth::Good),
        (Vec::new(), SystemHealth::Pending("Lambda is updating it".into())),
        (Vec::new(), SystemHealth::Waiting("both sources feed it".into(), std::time::Duration::from_secs(1))),
    ];
    for (of_detector, health) in cases {
        let (outcomes, removed) = work_off(systems(of_detector, health.clone()));
        assert_eq!(removed, [""; 0], "{health:?}");
        let (detector, flow_logs) = (&[Component::Detector][..], &[Component::FlowLogs][..]);
        assert_eq!(waits(&outcomes), [detector, flow_logs, detector, &[]], "{health:?}");
    }
}

#[test]
fn what_stands_alone_goes_whatever_else_fails() {
    let filter = |action, name| step(action, ResourceKind::MetricFilter, name);
    let alone = |name| Step { stands_alone: true, ..filter(Action::Delete, name) };
    let system = empty(Component::MetricFilters, &[], &[]);
    let steps = vec![
        filter(Action::Create, "new"),
        alone("switched off"),
        alone("new"),
        filter(Action::Delete, "on a former log group"),
    ];
    let (outcomes, removed) = work_off(vec![assessed(system, steps, SystemHealth::Good)]);
    assert_eq!(removed, ["metric filter switched off"]);
    assert_eq!(outcomes[0].remaining.len(), 3);
}
