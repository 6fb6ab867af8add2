use proptest::prelude::*;
use serde_json::json;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, Statistic};

use super::alarm::normalise;
use super::*;
use crate::api::status::{ResourceState, ResourceStatus};
use crate::aws::operations::{self as ops, Operation};
use crate::engine::Action;
use crate::monitor::{Tags, fixtures};
use crate::resources::common::detections::Detection;

const REJECTED: AlarmKind = AlarmKind::Detection(Detection::RejectedConnections);
const HIGH: AlarmKind = AlarmKind::Detection(Detection::HighDataTransfer);

fn as_wanted(monitor: &Monitor) -> Observed {
    let as_wanted = |kind| {
        let alarm = wanted(monitor, kind);
        let state = AlarmStatus { name: alarm.name.clone(), state: "OK".to_owned(), since: None };
        let alarm = Some(FoundAlarm { alarm, state, tags: monitor.tags.clone() });
        Seen { kind, alarm, band: None, verdict: None, models: Ok(Vec::new()) }
    };
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    Observed { at, kinds: AlarmKind::ALL.map(as_wanted).to_vec(), mute_rules: Vec::new() }
}

pub(super) fn denied(operation: &'static Operation) -> Unread {
    let error = AwsError::reported(operation, "AccessDenied", "not authorized");
    unread::unless_denied::<()>(Err(error)).unwrap().unwrap_err()
}

pub(super) fn recorded(kind: ResourceKind, name: &str) -> ResourceStatus {
    let (component, state) = (Component::Alarms, ResourceState::InSync);
    ResourceStatus { component, kind, name: name.to_owned(), arn: None, state, message: None }
}

fn difference(monitor: &Monitor, observed: &Observed) -> Diff<AnyCall> {
    let desired = Alarms::desired(monitor).unwrap();
    let goal = desired.as_ref().map_or(Goal::Absent(Removal::SwitchedOff), Goal::Present);
    Alarms::diff(monitor, goal, observed)
}

#[test]
fn the_default_alarm_is_the_contracts() {
    let monitor = fixtures::monitor();
    let base = monitor.names.base();
    let topic = format!("arn:aws:sns:eu-west-1:123456789012:{base}-alerts");
    let alarm = wanted(&monitor, REJECTED);
    assert_eq!(
        serde_json::to_value(alarm).unwrap(),
        json!({
            "description": "Rejected connections in VPC vpc-0123456789abcdef0: more than 50 flows in each of 2 periods of 300 seconds. \
                            The saved query Rejected by source and port has the sources; one inside the VPC is urgent. All steps: \
                            https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/docs/alarms.md#rejected-connections. \
                            Managed by VpcFlowMonitor network/production.",
            "namespace": "VPC/FlowLogs",
            "metricName": format!("RejectedConnections-{base}"),
            "dimensions": {},
            "statistic": "Sum",
            "comparison": "GreaterThanThreshold",
            "threshold": 50.0,
            "periodSeconds": 300,
            "evaluationPeriods": 2,
            "datapointsToAlarm": 2,
            "missingData": "notBreaching",
            "actionsEnabled": true,
            "alarmActions": [topic],
            "okActions": [topic],
            "insufficientDataActions": [],
            "others": [],
        })
    );
}

#[test]
fn the_detectors_first_error_raises_an_alarm() {
    let monitor = fixtures::monitor();
    let base = monitor.names.base();
    let topic = format!("arn:aws:sns:eu-west-1:123456789012:{base}-alerts");
    assert_eq!(
        serde_json::to_value(wanted(&monitor, AlarmKind::DetectorErrors)).unwrap(),
        json!({
            "description": format!(
                "Errors of the detector in VPC vpc-0123456789abcdef0: more than 0 failed invocations in a period of 300 \
                 seconds. Read the log group /aws/lambda/{base}-detector: it has the reason. All steps: \
                 https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/docs/alarms.md#detector-errors. Managed by \
                 VpcFlowMonitor network/production."
            ),
            "namespace": "AWS/Lambda",
            "metricName": "Errors",
            "dimensions": {"FunctionName": format!("{base}-detector")},
            "statistic": "Sum",
            "comparison": "GreaterThanThreshold",
            "threshold": 0.0,
            "periodSeconds": 300,
            "evaluationPeriods": 1,
            "datapointsToAlarm": 1,
            "missingData": "notBreaching",
            "actionsEnabled": true,
            "alarmActions": [topic],
            "okActions": [topic],
            "insufficientDataActions": [],
            "others": [],
        })
    );
}

#[test]
fn an_existing_topic_is_notified_and_recovery_only_on_demand() {
    let mut monitor = fixtures::monitor();
    monitor.spec.notifications.topic_arn = Some("arn:aws:sns:eu-west-1:999999999999:soc".to_owned());
    monitor.spec.notifications.notify_on_recovery = false;
    let alarm = wanted(&monitor, HIGH);
    assert_eq!(alarm.alarm_actions, ["arn:aws:sns:eu-west-1:999999999999:soc"]);
    assert!(alarm.ok_actions.is_empty());
}

#[test]
fn what_is_disabled_loses_its_alarm_alone() {
    type Disable = fn(&mut Monitor);
    let cases: [(Disable, AlarmKind); 2] = [
        (|monitor| monitor.spec.detections.high_data_transfer.enabled = false, HIGH),
        (|monitor| monitor.spec.detector.enabled = false, AlarmKind::DetectorErrors),
    ];
    for (disable, kind) in cases {
        let mut monitor = fixtures::monitor();
        let observed = as_wanted(&monitor);
        disable(&mut monitor);
        let diff = difference(&monitor, &observed);
        let changes: Vec<_> = diff.steps.iter().map(|step| (step.change.action, step.change.name.clone())).collect();
        assert_eq!(changes, [(Action::Delete, kind.alarm_name(&monitor))]);
    }
}

#[test]
fn with_all_disabled_there_is_no_desired_state() {
    let mut monitor = fixtures::monitor();
    let observed = as_wanted(&monitor);
    monitor.spec.detections.rejected_connections.enabled = false;
    monitor.spec.detections.high_data_transfer.enabled = false;
    monitor.spec.detections.external_connections.enabled = false;
    assert!(Alarms::desired(&monitor).unwrap().is_some());
    monitor.spec.detector.enabled = false;
    assert_eq!(Alarms::desired(&monitor).unwrap(), None);
    assert_eq!(difference(&monitor, &observed).steps.len(), 4);
}

#[test]
fn members_that_we_never_set_are_drift() {
    use aws_sdk_cloudwatch::types::StandardUnit;
    let monitor = fixtures::monitor();
    let alarm = wanted(&monitor, REJECTED);
    let as_aws_has_it = || {
        MetricAlarm::builder()
            .alarm_name(&alarm.name)
            .alarm_description(&alarm.description)
            .namespace(&alarm.namespace)
            .metric_name(&alarm.metric_name)
            .statistic(Statistic::Sum)
            .comparison_operator(ComparisonOperator::GreaterThanThreshold)
            .threshold(alarm.threshold)
            .period(alarm.period_seconds)
            .evaluation_periods(alarm.evaluation_periods)
            .treat_missing_data("notBreaching")
            .actions_enabled(true)
            .alarm_actions(monitor.topic_arn())
            .ok_actions(monitor.topic_arn())
    };
    assert_eq!(normalise(&as_aws_has_it().build(), Tags::new()).alarm, alarm);
    assert_eq!(normalise(&as_aws_has_it().datapoints_to_alarm(2).build(), Tags::new()).alarm, alarm);
    for drifted in [
        as_aws_has_it().datapoints_to_alarm(1).build(),
        as_aws_has_it().unit(StandardUnit::Bytes).build(),
        as_aws_has_it().dimensions(Dimension::builder().name("a").value("b").build()).build(),
    ] {
        assert_ne!(normalise(&drifted, Tags::new()).alarm, alarm, "{drifted:?}");
    }
}

#[test]
fn what_is_not_ours_is_a_conflict() {
    let monitor = fixtures::monitor();
    let mut observed = as_wanted(&monitor);
    observed.kinds[0].alarm.as_mut().unwrap().tags.clear();
    let diff = difference(&monitor, &observed);
    assert!(diff.steps.is_empty());
    assert_eq!(diff.conflicts[0].name, AlarmKind::ALL[0].alarm_name(&monitor));
    assert_eq!(Alarms::diff(&monitor, Goal::Absent(Removal::OwnerDeleted), &observed).steps.len(), 3);
}

#[test]
fn a_quiet_time_never_names_an_alarm_of_somebody_else() {
    let mut monitor = fixtures::monitor();
    let quiet_time = json!({"name": "backup", "schedule": "cron(0 2 * * *)", "duration": "PT1H"});
    monitor.spec.notifications.quiet_times = vec![serde_json::from_value(quiet_time).unwrap()];
    let mut observed = as_wanted(&monitor);
    let name = format!("{}-backup", monitor.names.base());
    observed.mute_rules = vec![(name.clone(), Ok(None))];
    let rejected = REJECTED.alarm_name(&monitor);
    let muted = |observed: &Observed| {
        let alarms_of = |kind: AlarmKind| {
            let seen = observed.kinds.iter().find(|seen| seen.kind == kind).unwrap();
            alarms_of_ours(&monitor, seen, &bands::diff(&monitor, &wanted(&monitor, kind), seen, observed.at))
        };
        serde_json::to_value(&MuteRule::wanted(&monitor, alarms_of)[0]).unwrap()["alarms"].clone()
    };
    assert!(muted(&observed).as_array().unwrap().contains(&json!(rejected)));
    observed.kinds[0].alarm.as_mut().unwrap().tags.clear();
    let others = muted(&observed);
    assert_eq!(others.as_array().unwrap().len(), 2, "{others}");
    assert!(!others.as_array().unwrap().contains(&json!(rejected)), "{others}");
    let diff = difference(&monitor, &observed);
    assert_eq!(
        (diff.steps.len(), diff.conflicts.len()),
        (1, 1),
        "the quiet time of the other alarms is made: {diff:?}"
    );
}

#[test]
fn a_quiet_time_that_may_not_be_read_holds_up_no_alarm() {
    let mut monitor = fixtures::monitor();
    let quiet_time = json!({"name": "backup", "schedule": "cron(0 2 * * *)", "duration": "PT1H"});
    monitor.spec.notifications.quiet_times = vec![serde_json::from_value(quiet_time).unwrap()];
    let name = format!("{}-backup", monitor.names.base());
    let denied = Err(denied(ops::GET_ALARM_MUTE_RULE));
    let mut observed = Observed { mute_rules: vec![(name.clone(), denied)], ..as_wanted(&monitor) };
    for seen in &mut observed.kinds {
        seen.alarm = None;
    }
    let diff = difference(&monitor, &observed);
    assert_eq!(diff.steps.len(), 4, "{diff:?}");
    assert_eq!(diff.invalid[0].reason, Reason::AccessDenied);
    let problem = diff.invalid[0].to_string();
    assert!(problem.starts_with("spec.notifications.quietTimes: ") && problem.contains("cloudwatch:GetAlarmMuteRule"));

    // A deletion waits only for a mute rule that was made.
    let deleted =
        |monitor: &Monitor| Alarms::diff(monitor, Goal::Absent(Removal::OwnerDeleted), &observed).invalid.len();
    let reported =
        |monitor: &Monitor| Alarms::report(monitor, Goal::Absent(Removal::OwnerDeleted), &observed).resources;
    assert_eq!((deleted(&monitor), reported(&monitor).len()), (0, 0));
    monitor.recorded.push(recorded(ResourceKind::AlarmMuteRule, &name));
    assert_eq!(deleted(&monitor), 1);
    assert_eq!(reported(&monitor)[0].name, name, "the status keeps it");
}

proptest! {
    #[test]
    fn any_limits_are_at_rest_once_put(threshold in 0.0_f64..1e12, periods in 1_i32..100, minutes in 1_i32..60) {
        let mut monitor = fixtures::monitor();
        let spec = &mut monitor.spec.detections.external_connections;
        (spec.threshold, spec.evaluation_periods, spec.period_seconds) = (threshold, periods, minutes * 60);
        prop_assert!(difference(&monitor, &as_wanted(&monitor)).steps.is_empty());
        let before = as_wanted(&fixtures::monitor());
        prop_assert_eq!(difference(&monitor, &before).steps.len(), 1);
    }
}

#[test]
fn the_alarm_of_a_refused_detection_stays_and_a_new_one_is_not_made() {
    let with = |when: &str, threshold: f64| {
        let mut monitor = fixtures::monitor();
        let tests = json!([
            {"name": "hit", "matches": true, "record": {"dstport": 445}},
            {"name": "miss", "matches": false, "record": {"dstport": 446}},
        ]);
        let custom = json!({"name": "smb-out", "when": when, "threshold": threshold, "tests": tests});
        monitor.spec.detections.custom = vec![serde_json::from_value(custom).unwrap()];
        monitor.spec.notifications.quiet_times = vec![
            serde_json::from_value(
                json!({"name": "q", "schedule": "cron(0 2 * * *)", "duration": "PT1H", "detections": ["smb-out"]}),
            )
            .unwrap(),
        ];
        monitor
    };
    let accepted = with("dstport == 445", 5.0);
    let kind = AlarmKind::declared(&accepted)[3];
    let alarm = wanted(&accepted, kind);
    let state = AlarmStatus { name: alarm.name.clone(), state: "OK".to_owned(), since: None };
    let found = FoundAlarm { alarm, state, tags: accepted.tags.clone() };
    let seen = |alarm: Option<FoundAlarm>| {
        let mut observed = as_wanted(&accepted);
        observed.kinds.push(Seen { kind, alarm, band: None, verdict: None, models: Ok(Vec::new()) });
        observed.mute_rules = vec![(format!("{}-q", accepted.names.base()), Ok(None))];
        observed
    };
    let names = |diff: &Diff<AnyCall>| diff.steps.iter().map(|step| step.change.name.clone()).collect::<Vec<_>>();
    let (alarm_name, mute_rule) = (kind.alarm_name(&accepted), format!("{}-q", accepted.names.base()));
    assert_eq!(names(&difference(&accepted, &seen(None))), [alarm_name.clone(), mute_rule.clone()]);
    for when in ["dstport == 445 || srcport == 445", "dstport == 446"] {
        let refused = with(when, 7.0);
        let diff = difference(&refused, &seen(Some(found.clone())));
        assert_eq!(names(&diff), std::slice::from_ref(&mute_rule), "{when}");
        assert!(diff.invalid[0].problem.ends_with("; until then its alarm stays as it is"), "{:?}", diff.invalid);
        let diff = difference(&refused, &seen(None));
        assert_eq!(names(&diff), [""; 0], "{when}");
        assert!(diff.invalid[0].problem.ends_with("; until then it has no alarm"), "{:?}", diff.invalid);
    }
}
