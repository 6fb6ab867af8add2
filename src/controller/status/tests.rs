use super::*;
use crate::api::Component;
use crate::api::ResourceKind;
use crate::api::status::{Notice, NoticeReason};
use crate::aws::{AwsError, operations as ops};
use crate::engine::{Conflict, Existing, Report};
use crate::monitor::fixtures;

fn outcome(component: Component) -> Outcome {
    Outcome { report: Some(Report::default()), ..Outcome::new(component) }
}

fn status_of(mode: Mode, outcomes: &[Outcome], previous: &VpcFlowMonitorStatus) -> VpcFlowMonitorStatus {
    let monitor = fixtures::monitor();
    let input = StatusInput { mode, monitor: &monitor, generation: Some(3), outcomes, previous, now: Timestamp::now() };
    status(input)
}

fn summary(status: &VpcFlowMonitorStatus) -> Vec<(&str, &str, &str)> {
    let reported = |condition: &'_ Condition| [READY, RECONCILING, STALLED].contains(&condition.type_.as_str());
    status
        .conditions
        .iter()
        .filter(|condition| reported(condition))
        .map(|condition| (condition.type_.as_str(), condition.status.as_str(), condition.reason.as_str()))
        .collect()
}

fn failed(component: Component, reason: Reason) -> Outcome {
    let failure = Failure::new(reason, "because");
    Outcome { failures: vec![(None, failure)], ..outcome(component) }
}

#[test]
fn a_failure_begins_with_the_resources_that_it_is_about() {
    let failure = |name: &str, message: &str| {
        let failure = Failure::new(Reason::Rejected, message).about(ResourceKind::Alarm, name);
        (Some(Change::new(Action::Create, ResourceKind::Alarm, name)), failure)
    };
    let mut failures: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| failure(name, "no room")).into();
    failures.push(failure("a", "no name"));
    failures.push((None, Failure::new(Reason::InvalidSpec, "spec.x: no number")));
    let remaining = vec![Change::new(Action::Create, ResourceKind::Alarm, "a")];
    let status = status_of(
        Mode::Keep,
        &[Outcome { failures, remaining, ..outcome(Component::Alarms) }],
        &VpcFlowMonitorStatus::default(),
    );
    let alarms = status.conditions.iter().find(|condition| condition.type_ == "AlarmsReady").unwrap();
    assert_eq!(alarms.message, "alarm a, alarm b, alarm c and 2 more: no room; alarm a: no name; spec.x: no number");
    assert_eq!(status.resources[0].message.as_deref(), Some("no room"));
}

#[test]
fn conditions_follow_the_outcomes() {
    let waiting = Outcome { waits_for: vec![Component::DeliveryRole], ..outcome(Component::FlowLogs) };
    let working = Outcome {
        remaining: vec![Change::new(Action::Create, ResourceKind::Bucket, "b")],
        ..outcome(Component::Bucket)
    };
    let conflict = Outcome {
        conflicts: vec![Conflict {
            kind: ResourceKind::Bucket,
            name: "b".into(),
            problem: "not ours".into(),
            only_removal: false,
        }],
        ..outcome(Component::Bucket)
    };
    let not_delivering = Outcome {
        report: Some(Report { health: SystemHealth::Failing(Reason::DeliveryFailed, "x".into()), ..Report::default() }),
        ..outcome(Component::FlowLogs)
    };
    let good = || outcome(Component::LogGroup);
    let cases = vec![
        (Mode::Keep, vec![good()], vec![("Ready", "True", "Reconciled")]),
        (
            Mode::Keep,
            vec![good(), working.clone()],
            vec![("Ready", "False", "Progressing"), ("Reconciling", "True", "Progressing")],
        ),
        (
            Mode::Keep,
            vec![failed(Component::DeliveryRole, Reason::AccessDenied), waiting.clone()],
            vec![("Ready", "False", "AccessDenied"), ("Stalled", "True", "AccessDenied")],
        ),
        (
            Mode::Keep,
            vec![failed(Component::DeliveryRole, Reason::AccessDenied), working.clone()],
            vec![("Ready", "False", "AccessDenied"), ("Reconciling", "True", "Progressing")],
        ),
        (Mode::Keep, vec![conflict], vec![("Ready", "False", "Conflict"), ("Stalled", "True", "Conflict")]),
        (Mode::Keep, vec![not_delivering], vec![("Ready", "False", "DeliveryFailed")]),
        (
            Mode::Keep,
            vec![failed(Component::DeliveryRole, Reason::Throttled), waiting],
            vec![("Ready", "False", "Throttled"), ("Reconciling", "True", "Progressing")],
        ),
        (Mode::Suspended, vec![good()], vec![("Ready", "True", "Suspended")]),
        (Mode::Suspended, vec![working.clone()], vec![("Ready", "False", "Suspended")]),
        (Mode::DeleteSuspended, vec![good()], vec![("Ready", "False", "Suspended")]),
        (Mode::Delete, vec![working], vec![("Ready", "False", "Deleting"), ("Reconciling", "True", "Deleting")]),
    ];
    for (mode, outcomes, expected) in cases {
        let status = status_of(mode, &outcomes, &VpcFlowMonitorStatus::default());
        assert_eq!(summary(&status), expected, "{mode:?} {outcomes:#?}");
    }
}

#[test]
fn what_works_and_goes_by_itself_later_is_ready_and_says_so() {
    let later = SystemHealth::Waiting("the former source goes later".into(), std::time::Duration::from_mins(1));
    let report = Report { health: later, ..Report::default() };
    let outcomes = [Outcome { report: Some(report), ..outcome(Component::Detector) }];
    let status = status_of(Mode::Keep, &outcomes, &VpcFlowMonitorStatus::default());
    assert_eq!(summary(&status), [(READY, "True", "Reconciled")]);
    let detector = status.conditions.iter().find(|condition| condition.type_ == "DetectorReady").unwrap();
    assert_eq!(detector.message, "as declared; the former source goes later");
}

#[test]
fn a_suspended_monitor_that_was_never_made_does_not_differ_from_its_spec() {
    let change = |action, kind| Change::new(action, kind, "x");
    let new = |component, kind| Outcome { remaining: vec![change(Action::Create, kind)], ..outcome(component) };
    let resources = vec![Existing::new(ResourceKind::Bucket, "x", "arn")];
    let differing = Outcome {
        report: Some(Report { resources, ..Report::default() }),
        remaining: vec![change(Action::Update, ResourceKind::Bucket)],
        ..outcome(Component::Bucket)
    };
    let group = || new(Component::LogGroup, ResourceKind::LogGroup);
    let bucket = || new(Component::Bucket, ResourceKind::Bucket);
    for (outcomes, ready) in [
        (vec![group()], "LogGroupReady is not made yet; nothing is changed while spec.suspend is true"),
        (
            vec![bucket(), group()],
            "BucketReady, LogGroupReady are not made yet; nothing is changed while spec.suspend is true",
        ),
        (vec![differing.clone()], "BucketReady differs; nothing is changed while spec.suspend is true"),
        (vec![differing, group()], "BucketReady, LogGroupReady differ; nothing is changed while spec.suspend is true"),
    ] {
        let status = status_of(Mode::Suspended, &outcomes, &VpcFlowMonitorStatus::default());
        let message = |type_: &str| {
            status.conditions.iter().find(|it| it.type_ == type_).map(|it| it.message.clone()).unwrap_or_default()
        };
        assert_eq!(message(READY), ready);
        let group = message("LogGroupReady");
        assert!(group.is_empty() || group == "not made yet: log group x", "{group}");
    }
}

#[test]
fn the_same_findings_give_the_same_status() {
    let outcomes = [outcome(Component::LogGroup), failed(Component::DeliveryRole, Reason::AwsError)];
    let first = status_of(Mode::Keep, &outcomes, &VpcFlowMonitorStatus::default());
    assert_eq!(status_of(Mode::Keep, &outcomes, &first), first);
}

#[test]
fn trouble_lasts_until_it_was_tried_again() {
    let before = status_of(
        Mode::Keep,
        &[failed(Component::DeliveryRole, Reason::AccessDenied)],
        &VpcFlowMonitorStatus::default(),
    );
    let untried = Outcome {
        remaining: vec![Change::new(Action::Create, ResourceKind::Role, "r")],
        ..outcome(Component::DeliveryRole)
    };
    let during = status_of(Mode::Keep, std::slice::from_ref(&untried), &before);
    assert_eq!(during.conditions, before.conditions);
    let waiting = Outcome { waits_for: vec![Component::LogGroup], ..untried.clone() };
    assert_eq!(summary(&status_of(Mode::Keep, &[waiting], &before))[0], ("Ready", "False", "WaitingForDependency"));
    // Trouble of a former spec does not count.
    let mut of_former_spec = before;
    of_former_spec.conditions.iter_mut().for_each(|condition| condition.observed_generation = Some(2));
    assert_eq!(summary(&status_of(Mode::Keep, &[untried], &of_former_spec))[0], ("Ready", "False", "Progressing"));
}

#[test]
fn a_disabled_system_has_no_condition() {
    let disabled = Outcome { wanted: false, ..outcome(Component::Dashboard) };
    let status = status_of(Mode::Keep, &[disabled], &VpcFlowMonitorStatus::default());
    assert_eq!(status.conditions.len(), 1);
}

#[test]
fn what_could_not_be_looked_at_is_not_forgotten() {
    let mut seen = outcome(Component::LogGroup);
    seen.report =
        Some(Report { resources: vec![Existing::new(ResourceKind::LogGroup, "/g", "arn")], ..Report::default() });
    let before = status_of(Mode::Keep, &[seen], &VpcFlowMonitorStatus::default());
    assert_eq!(before.resources.len(), 1);
    let unseen = Outcome { report: None, ..failed(Component::LogGroup, Reason::AwsError) };
    assert_eq!(status_of(Mode::Keep, &[unseen], &before).resources, before.resources);
}

#[test]
fn a_failed_change_is_reported_at_its_resource() {
    let change = Change::new(Action::Create, ResourceKind::Bucket, "b");
    let mut outcome = outcome(Component::Bucket);
    outcome.failures.push((Some(change.clone()), Failure::new(Reason::Rejected, "taken")));
    outcome.remaining.push(change);
    let status = status_of(Mode::Keep, &[outcome], &VpcFlowMonitorStatus::default());
    assert_eq!(status.resources[0].state, ResourceState::Failed);
    assert_eq!(status.resources[0].message.as_deref(), Some("taken"));
}

#[test]
fn an_unreachable_account_leaves_the_rest_as_reported() {
    let before = status_of(Mode::Keep, &[outcome(Component::LogGroup)], &VpcFlowMonitorStatus::default());
    let failure = Failure::new(Reason::AwsError, "no way");
    let status = unreachable(&failure, Some(4), &before, Timestamp::now());
    assert_eq!(summary(&status), [("Ready", "False", "AwsError"), ("Reconciling", "True", "AwsError")]);
    assert!(status.conditions.iter().any(|condition| condition.type_ == "LogGroupReady"));
}

#[test]
fn a_notice_is_in_the_messages_of_its_system_and_of_ready() {
    let (component, reason) = (Component::FlowLogs, NoticeReason::VpcWatchedTwice);
    let notice = Notice { component, reason, message: "also by x".into() };
    let report = Report { notices: vec![notice], ..Report::default() };
    let seen = Outcome { report: Some(report), ..outcome(Component::FlowLogs) };
    let status = status_of(Mode::Keep, std::slice::from_ref(&seen), &VpcFlowMonitorStatus::default());
    let messages: Vec<_> = status.conditions.iter().map(|condition| condition.message.as_str()).collect();
    assert_eq!(messages, ["AWS is as declared; also by x", "as declared; also by x"]);
    assert_eq!(status.notices[0].component, Component::FlowLogs);
    let unseen = Outcome { report: None, ..seen };
    assert_eq!(status_of(Mode::Keep, &[unseen], &status).notices, status.notices, "what was not read is not forgotten");
}

#[test]
fn ready_names_every_cause_and_all_missing_permissions() {
    let denied = |component, operation| {
        let error = AwsError::reported(operation, "AccessDenied", "no");
        Outcome { failures: vec![(None, Failure::from(error))], ..outcome(component) }
    };
    let message = |outcomes: &[Outcome]| {
        let status = status_of(Mode::Keep, outcomes, &VpcFlowMonitorStatus::default());
        status.conditions[0].message.clone()
    };
    let waiting = Outcome { waits_for: vec![Component::LogGroup], ..outcome(Component::FlowLogs) };
    let group = denied(Component::LogGroup, ops::PUT_RETENTION_POLICY);
    let alone = "LogGroupReady: CloudWatch Logs PutRetentionPolicy: AccessDenied: no (missing permissions: logs:PutRetentionPolicy)";
    assert_eq!(message(&[group.clone(), waiting.clone()]), alone);
    let detector = denied(Component::Detector, ops::DELETE_FUNCTION);
    let rejected = failed(Component::Bucket, Reason::Throttled);
    let outcomes = [rejected, group, waiting, detector];
    assert_eq!(
        message(&outcomes),
        format!(
            "{alone} (also: BucketReady: Throttled, DetectorReady: AccessDenied); missing permissions in all: \
             lambda:DeleteFunction, logs:PutRetentionPolicy"
        )
    );

    let before = status_of(Mode::Keep, &outcomes, &VpcFlowMonitorStatus::default());
    let untried =
        |component, kind| Outcome { remaining: vec![Change::new(Action::Create, kind, "a")], ..outcome(component) };
    let untried = [
        untried(Component::Bucket, ResourceKind::Bucket),
        untried(Component::LogGroup, ResourceKind::LogGroup),
        untried(Component::Detector, ResourceKind::Function),
    ];
    assert_eq!(status_of(Mode::Keep, &untried, &before).conditions[0].message, before.conditions[0].message);
}
