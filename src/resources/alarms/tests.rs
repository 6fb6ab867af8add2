use proptest::prelude::*;
use serde_json::json;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, Statistic};

use super::alarm::normalise;
use super::*;
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
        Seen { kind, alarm, band: None, verdict: None, models: Vec::new() }
    };
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    Observed { at, kinds: AlarmKind::ALL.map(as_wanted).to_vec(), mute_rules: Vec::new() }
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
    assert_eq!(Alarms::diff(&monitor, Goal::Absent(Removal::MonitorDeleted), &observed).steps.len(), 3);
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
