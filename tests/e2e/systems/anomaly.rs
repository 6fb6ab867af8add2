//! Alarms by what is usual.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{MetricCharacteristics, SingleMetricAnomalyDetector, Tag};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vpc_flow_operator::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::{Component, ResourceKind, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::common::alarm_kind::AlarmKind;
use vpc_flow_operator::resources::common::detections::Detection;

use devenv::Fault;
use testkit::breach::{breach, count, sent};
use testkit::sandbox::{REGION, Sandbox, details, own_tags, record};

pub(super) const ALARMS: &[Component] = &[Component::Notifications, Component::Alarms];
pub(super) const HIGH: Detection = Detection::HighDataTransfer;
pub(super) const KIND: AlarmKind = AlarmKind::Detection(HIGH);

pub(super) fn with_mode(sandbox: &Sandbox, mode: AnomalyMode) -> VpcFlowMonitorSpec {
    let mut spec = sandbox.spec();
    spec.detections.high_data_transfer.anomaly.mode = mode;
    spec
}

pub(super) async fn teach(sandbox: &Sandbox, monitor: &Monitor, state: &str, upper: f64) {
    sandbox.emulator.teach(&sandbox.account, REGION, &HIGH.metric_name(monitor), state, upper).await.unwrap();
}

/// Makes the band so many days older.
pub(super) async fn pass_days(sandbox: &Sandbox, monitor: &Monitor, days: i64) {
    let since = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let since = Timestamp::from_second(since.as_second()).unwrap().to_string();
    let arn = monitor.account_region.arn("cloudwatch", format!("alarm:{}", KIND.band_name(monitor)));
    let tag = Tag::builder().key("vpcflow.dev/band-since").value(since).build();
    Client::new(&sandbox.config).tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
}

/// The whole account, but for the states of alarms, which move in time.
async fn without_states(sandbox: &Sandbox) -> Value {
    let mut inventory = sandbox.inventory().await;
    for (_, alarm) in inventory["alarms"].as_object_mut().unwrap() {
        alarm["state"] = Value::Null;
    }
    inventory
}

fn alarm<'a>(inventory: &'a Value, name: &str) -> &'a Value {
    &inventory["alarms"][name]
}

#[tokio::test]
async fn are_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("anomaly::created").await;
    let mut spec = with_mode(&sandbox, AnomalyMode::Both);
    spec.detections.high_data_transfer.anomaly.timezone = "Europe/Berlin".to_owned();
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, ALARMS).await;
    sandbox.assert_at_rest(&monitor, ALARMS).await;

    let (account, base, vpc) = (&sandbox.account, monitor.names.base(), &sandbox.vpc_id);
    let (name, band, verdict) = (KIND.alarm_name(&monitor), KIND.band_name(&monitor), KIND.verdict_name(&monitor));
    let topic = format!("arn:aws:sns:eu-west-1:{account}:{base}-alerts");
    let inventory = sandbox.inventory().await;
    let threshold = alarm(&inventory, &name);
    assert_eq!((&threshold["AlarmActions"], &threshold["OKActions"]), (&json!([]), &json!([])));
    let mut found = alarm(&inventory, &band).clone();
    let tags = found["tags"].as_object_mut().unwrap();
    let since: Timestamp = tags.remove("vpcflow.dev/band-since").unwrap().as_str().unwrap().parse().unwrap();
    assert!(Timestamp::now().duration_since(since) < SignedDuration::from_mins(5));
    assert_eq!(tags.remove("vpcflow.dev/band-counts").unwrap().as_str().unwrap().len(), 10);
    let metric = json!({"Namespace": "VPC/FlowLogs", "MetricName": HIGH.metric_name(&monitor)});
    assert_eq!(
        found,
        json!({
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{band}"),
            "AlarmDescription": format!(
                "High data transfer in VPC {vpc}: above what is usual at this hour, by a band of width 3. It notifies nobody by itself: {verdict} \
                 decides. Managed by VpcFlowMonitor network/production."
            ),
            "ActionsEnabled": true,
            "AlarmActions": [],
            "OKActions": [],
            "InsufficientDataActions": [],
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanUpperThreshold",
            "TreatMissingData": "notBreaching",
            "ThresholdMetricId": "band",
            "Metrics": [
                {"Id": "m", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum"}, "ReturnData": true},
                {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 3)", "ReturnData": true},
            ],
            "state": "INSUFFICIENT_DATA",
            "tags": own_tags(),
        })
    );
    let found = alarm(&inventory, &verdict);
    assert_eq!(
        *found,
        json!({
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{verdict}"),
            "AlarmDescription": format!(
                "High data transfer in VPC {vpc}: above the threshold of 10 flows, and above what is usual. Until the band has learnt for 14 days, the \
                 threshold alone decides. The saved query Top talkers has the source; find the program there that sends the data. All steps: \
                 https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/docs/alarms.md#high-data-transfer. Managed by VpcFlowMonitor \
                 network/production."
            ),
            "AlarmRule": format!("ALARM(\"{name}\")"),
            "ActionsEnabled": true,
            "AlarmActions": [topic],
            "OKActions": [topic],
            "InsufficientDataActions": [],
            "state": "OK",
            "tags": own_tags(),
        })
    );
    let model = &inventory["anomalyModels"][format!("VPC/FlowLogs/{}/Sum", HIGH.metric_name(&monitor))];
    assert_eq!(model["Configuration"], json!({"ExcludedTimeRanges": [], "MetricTimezone": "Europe/Berlin"}));
    assert_eq!(model["MetricCharacteristics"], json!({"PeriodicSpikes": false}));
}

#[tokio::test]
async fn a_cold_monitor_notifies_as_before_and_the_band_takes_part_once_it_has_learnt() {
    let sandbox = Sandbox::new("anomaly::life").await;
    let mut monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    monitor.recorded_modes = [(HIGH.in_spec().into_owned(), EffectiveMode::Static)].into();
    sandbox.converge(&monitor, ALARMS).await;
    let notified = [KIND.verdict_name(&monitor)];
    let breach = async |flows| breach(&sandbox.config, &monitor, HIGH, flows).await;
    let decides = async || {
        let outcomes = sandbox.pass(&monitor, ALARMS).await;
        let status = details(&outcomes).detections[0].clone();
        (status.effective, status.model.unwrap(), outcomes[1].applied.clone())
    };
    assert_eq!(breach(1000.0).await, notified, "cold");
    assert_eq!(decides().await, (EffectiveMode::Static, "PENDING_TRAINING".to_owned(), vec![]));

    teach(&sandbox, &monitor, "TRAINED", 2000.0).await;
    pass_days(&sandbox, &monitor, 13).await;
    assert_eq!(decides().await, (EffectiveMode::Static, "TRAINED".to_owned(), vec![]));
    assert_eq!(breach(1000.0).await, notified, "trained too early to be believed");

    pass_days(&sandbox, &monitor, 14).await;
    let (effective, _, changes) = decides().await;
    assert_eq!(effective, EffectiveMode::Both);
    assert_eq!(changes.len(), 1, "it flips once: {changes:#?}");
    assert!(changes[0].by_time && changes[0].kind == ResourceKind::CompositeAlarm, "{changes:#?}");
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    assert_eq!(breach(1000.0).await, Vec::<String>::new(), "silent in a learnt peak");
    assert_eq!(breach(3000.0).await, notified, "above it");

    teach(&sandbox, &monitor, "PENDING_TRAINING", 2000.0).await;
    assert_eq!(breach(1000.0).await, notified, "without an opinion it silences nothing, before any pass");
    assert_eq!(decides().await.0, EffectiveMode::Static);
    assert_eq!(breach(1000.0).await, notified);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn each_mode_notifies_as_it_says() {
    let sandbox = Sandbox::new("anomaly::modes").await;
    for (mode, quiet, usual_above, unusual_below) in
        [(AnomalyMode::Either, 0, 1, 1), (AnomalyMode::Both, 0, 0, 0), (AnomalyMode::Band, 0, 0, 1)]
    {
        // The threshold is 10 flows. The band ends at 20, and then at 5.
        let monitor = sandbox.monitor(with_mode(&sandbox, mode));
        sandbox.converge(&monitor, ALARMS).await;
        teach(&sandbox, &monitor, "TRAINED", 20.0).await;
        pass_days(&sandbox, &monitor, 15).await;
        sandbox.converge(&monitor, ALARMS).await;
        let breach = async |flows| breach(&sandbox.config, &monitor, HIGH, flows).await.len();
        assert_eq!(breach(4.0).await, quiet, "{mode:?}");
        assert_eq!(breach(15.0).await, usual_above, "{mode:?}");
        teach(&sandbox, &monitor, "TRAINED", 5.0).await;
        assert_eq!(breach(7.0).await, unusual_below, "{mode:?}");
        assert_eq!(breach(30.0).await, 1, "{mode:?}");
    }
}

#[tokio::test]
async fn off_both_off_ends_as_it_began() {
    let sandbox = Sandbox::new("anomaly::back").await;
    let (off, both) = (sandbox.monitor(sandbox.spec()), sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both)));
    sandbox.converge(&off, ALARMS).await;
    let before = without_states(&sandbox).await;
    sandbox.converge(&both, ALARMS).await;
    teach(&sandbox, &both, "TRAINED", 2000.0).await;
    pass_days(&sandbox, &both, 15).await;
    sandbox.converge(&both, ALARMS).await;
    assert_ne!(without_states(&sandbox).await, before);

    let changes = sandbox.converge(&off, ALARMS).await;
    let kinds: Vec<_> = changes.iter().map(|change| (change.action, change.kind)).collect();
    assert_eq!(
        kinds,
        [
            (Action::Delete, ResourceKind::CompositeAlarm),
            (Action::Delete, ResourceKind::Alarm),
            (Action::Delete, ResourceKind::AnomalyModel),
        ],
        "once the alarm on the threshold notifies again"
    );
    assert_eq!(without_states(&sandbox).await, before);
    sandbox.assert_at_rest(&off, ALARMS).await;
    assert_eq!(breach(&sandbox.config, &off, HIGH, 1000.0).await, [KIND.alarm_name(&off)]);
}

#[tokio::test]
async fn a_switch_during_a_breach_sends_no_message_of_its_own() {
    let sandbox = Sandbox::new("anomaly::switch").await;
    let (off, both) = (sandbox.monitor(sandbox.spec()), sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both)));
    sandbox.converge(&off, ALARMS).await;
    count(&sandbox.config, &off, HIGH, 1000.0).await;
    let once = [KIND.alarm_name(&off)];
    assert_eq!(sent(&sandbox.config).await, once);
    for monitor in [&both, &off, &both] {
        sandbox.converge(monitor, ALARMS).await;
        assert_eq!(sent(&sandbox.config).await, once);
    }
    count(&sandbox.config, &off, HIGH, -1000.0).await;
    assert_eq!(breach(&sandbox.config, &off, HIGH, 1000.0).await, [KIND.verdict_name(&off)]);
}

#[tokio::test]
async fn no_model_is_left_after_a_deletion_though_it_comes_back_once() {
    let sandbox = Sandbox::new("anomaly::deleted").await;
    let mut monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    sandbox.converge(&monitor, ALARMS).await;
    let name = format!("VPC/FlowLogs/{}", HIGH.metric_name(&monitor));
    record(&mut monitor, Component::Alarms, ResourceKind::AnomalyModel, &name);
    sandbox.remove(&monitor, ALARMS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["alarms"], &inventory["anomalyModels"]), (&json!({}), &json!({})));

    // As if an alarm of somebody else had made it again: the record of its name is enough to find it.
    let metric =
        SingleMetricAnomalyDetector::builder().namespace("VPC/FlowLogs").metric_name(HIGH.metric_name(&monitor));
    let detector = metric.stat("Sum").build();
    let cloudwatch = Client::new(&sandbox.config);
    cloudwatch.put_anomaly_detector().single_metric_anomaly_detector(detector).send().await.unwrap();
    sandbox.remove(&monitor, ALARMS).await;
    assert_eq!(sandbox.inventory().await["anomalyModels"], json!({}));
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("anomaly::drift").await;
    let monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    sandbox.converge(&monitor, ALARMS).await;
    let before = without_states(&sandbox).await;
    let cloudwatch = Client::new(&sandbox.config);
    let (band, verdict) = (KIND.band_name(&monitor), KIND.verdict_name(&monitor));
    cloudwatch.put_composite_alarm().alarm_name(&verdict).alarm_rule("FALSE").send().await.unwrap();
    assert_eq!(breach(&sandbox.config, &monitor, HIGH, 1000.0).await, Vec::<String>::new());
    let changes = sandbox.converge(&monitor, ALARMS).await;
    let actions: Vec<_> = changes.iter().map(|change| (change.action, change.kind)).collect();
    assert_eq!(
        actions,
        [
            (Action::Update, ResourceKind::Alarm),
            (Action::Update, ResourceKind::CompositeAlarm),
            (Action::Update, ResourceKind::Alarm),
        ],
        "the alarm notifies in the meantime"
    );
    assert_eq!(without_states(&sandbox).await, before);

    cloudwatch.disable_alarm_actions().alarm_names(&verdict).send().await.unwrap();
    sandbox.converge(&monitor, ALARMS).await;
    assert_eq!(without_states(&sandbox).await, before);

    let metric =
        SingleMetricAnomalyDetector::builder().namespace("VPC/FlowLogs").metric_name(HIGH.metric_name(&monitor));
    let detector = metric.stat("Sum").build();
    let spikes = MetricCharacteristics::builder().periodic_spikes(true).build();
    let request = cloudwatch.put_anomaly_detector().single_metric_anomaly_detector(detector.clone());
    request.metric_characteristics(spikes).send().await.unwrap();
    cloudwatch.set_alarm_state().alarm_name(&band).state_value("OK".into()).state_reason("test").send().await.unwrap();
    let changes = sandbox.converge(&monitor, ALARMS).await;
    assert_eq!(changes.iter().map(|change| change.kind).collect::<Vec<_>>(), [ResourceKind::AnomalyModel]);
    cloudwatch.delete_anomaly_detector().single_metric_anomaly_detector(detector).send().await.unwrap();
    let changes = sandbox.converge(&monitor, ALARMS).await;
    let actions: Vec<_> = changes.iter().map(|change| (change.action, change.kind)).collect();
    assert_eq!(actions, [(Action::Create, ResourceKind::AnomalyModel)]);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn a_composite_alarm_of_others_is_a_conflict() {
    let sandbox = Sandbox::new("anomaly::conflict").await;
    let monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    let verdict = KIND.verdict_name(&monitor);
    let cloudwatch = Client::new(&sandbox.config);
    cloudwatch.put_composite_alarm().alarm_name(&verdict).alarm_rule("FALSE").send().await.unwrap();
    let theirs = alarm(&sandbox.inventory().await, &verdict).clone();

    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    assert_eq!(outcomes[1].conflicts.len(), 1, "{outcomes:#?}");
    let conflict = outcomes[1].conflicts[0].to_string();
    assert!(
        conflict.contains(&format!("composite alarm {verdict}")) && conflict.contains("adoptionPolicy"),
        "{conflict}"
    );
    assert_eq!(breach(&sandbox.config, &monitor, HIGH, 1000.0).await, [KIND.alarm_name(&monitor)]);
    sandbox.tear_down(&monitor, ALARMS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["alarms"], json!({ &verdict: theirs }));
    assert_eq!(inventory["anomalyModels"], json!({}));
}

#[tokio::test]
async fn a_region_without_room_for_a_model_leaves_the_threshold() {
    let sandbox = Sandbox::new("anomaly::full").await;
    let monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    let fault = sandbox.fault("monitoring", "PutAnomalyDetector", "LimitExceededException", "The maximum was reached.");
    // The SDK takes this code for throttling, and tries again.
    sandbox.emulator.add_fault(Fault { times: None, ..fault }).await.unwrap();
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    let failures = &outcomes[1].failures;
    assert_eq!(failures.len(), 1, "{outcomes:#?}");
    assert_eq!(failures[0].1.reason, Reason::Rejected);
    assert!(failures[0].1.message.contains("set anomaly.mode to Disabled"), "{}", failures[0].1.message);
    assert_eq!(sandbox.inventory().await["alarms"].as_object().unwrap().len(), 4, "the alarms on thresholds are made");
    assert_eq!(breach(&sandbox.config, &monitor, HIGH, 1000.0).await, [KIND.alarm_name(&monitor)]);
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    sandbox.converge(&monitor, ALARMS).await;
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn a_change_of_what_is_counted_lets_the_band_learn_anew() {
    let sandbox = Sandbox::new("anomaly::counted").await;
    let mut spec = with_mode(&sandbox, AnomalyMode::Both);
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    teach(&sandbox, &monitor, "TRAINED", 2000.0).await;
    pass_days(&sandbox, &monitor, 15).await;
    sandbox.converge(&monitor, ALARMS).await;
    spec.detections.high_data_transfer.min_bytes = 20_000_000;
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    let status = details(&sandbox.pass(&monitor, ALARMS).await).detections[0].clone();
    assert_eq!(status.effective, EffectiveMode::Static);
    let key = format!("VPC/FlowLogs/{}/Sum", HIGH.metric_name(&monitor));
    let ranges = sandbox.inventory().await["anomalyModels"][&key]["Configuration"]["ExcludedTimeRanges"].clone();
    assert_eq!(ranges.as_array().unwrap().len(), 1, "the 14 days before: {ranges}");

    spec.detections.namespace = "Other".to_owned();
    sandbox.converge(&sandbox.monitor(spec), ALARMS).await;
    let models: Vec<_> = sandbox.inventory().await["anomalyModels"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(models, [key.replace("VPC/FlowLogs", "Other")], "the model of the old metric is gone");
}
