use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, StateValue, Statistic};
use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::resources::common::alarm_kind::AlarmKind;
use vpc_flow_operator::resources::common::detections::Detection;

use testkit::sandbox::{Sandbox, details, own_tags};

const REJECTED: AlarmKind = AlarmKind::Detection(Detection::RejectedConnections);
const HIGH: AlarmKind = AlarmKind::Detection(Detection::HighDataTransfer);

const ALARMS: &[Component] = &[Component::Notifications, Component::Alarms];

async fn alarms(sandbox: &Sandbox) -> Value {
    sandbox.inventory().await["alarms"].clone()
}

#[tokio::test]
async fn are_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("alarms::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ALARMS).await;

    let (account, base, vpc) = (&sandbox.account, monitor.names.base(), &sandbox.vpc_id);
    let topic = format!("arn:aws:sns:eu-west-1:{account}:{base}-alerts");
    let found = alarms(&sandbox).await;
    assert_eq!(found.as_object().unwrap().len(), 4);
    let page = "https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/docs/alarms.md";
    let of_detection = |title: &str, name: &str, threshold: f64, periods: u32, steps: &str| {
        let within = if periods == 1 { "a period".to_owned() } else { format!("each of {periods} periods") };
        json!({
            "AlarmDescription": format!(
                "{title} in VPC {vpc}: more than {threshold} flows in {within} of 300 seconds. The saved query {steps}. Managed by \
                 VpcFlowMonitor network/production."
            ),
            "Namespace": "VPC/FlowLogs",
            "MetricName": format!("{name}-{base}"),
            "Dimensions": [],
            "EvaluationPeriods": periods,
            "Threshold": threshold,
        })
    };
    let of_detector = json!({
        "AlarmDescription": format!(
            "Errors of the detector in VPC {vpc}: more than 0 failed invocations in a period of 300 seconds. Read the log \
             group /aws/lambda/{base}-detector: it has the reason. All steps: {page}#detector-errors. Managed by VpcFlowMonitor network/production."
        ),
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": format!("{base}-detector")}],
        "EvaluationPeriods": 1,
        "Threshold": 0.0,
    });
    let step = |step: &str, slug: &str| format!("{step}. All steps: {page}#{slug}");
    let rejected =
        step("Rejected by source and port has the sources; one inside the VPC is urgent", "rejected-connections");
    let transfer = step("Top talkers has the source; find the program there that sends the data", "high-data-transfer");
    let ports = "External conversations has the addresses and ports; close the ports that should not be public, or trust the networks";
    let external = step(ports, "external-connections");
    for (slug, own) in [
        ("rejected-connections", of_detection("Rejected connections", "RejectedConnections", 50.0, 2, &rejected)),
        ("high-data-transfer", of_detection("High data transfer", "HighDataTransfer", 10.0, 1, &transfer)),
        ("external-connections", of_detection("External connections", "ExternalConnections", 100.0, 2, &external)),
        ("detector-errors", of_detector),
    ] {
        let mut expected = json!({
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{base}-{slug}"),
            "ActionsEnabled": true,
            "AlarmActions": [topic],
            "OKActions": [topic],
            "InsufficientDataActions": [],
            "Statistic": "Sum",
            "Period": 300,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "state": "INSUFFICIENT_DATA",
            "tags": own_tags(),
        });
        expected.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        let mut alarm = found[format!("{base}-{slug}")].clone();
        // As many as there are periods, where nothing is said.
        if let Some(points) = alarm.as_object_mut().unwrap().remove("DatapointsToAlarm") {
            assert_eq!(points, expected["EvaluationPeriods"]);
        }
        assert_eq!(alarm, expected);
    }
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn states_are_reported() {
    let sandbox = Sandbox::new("alarms::states").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ALARMS).await;
    let firing = [HIGH, AlarmKind::DetectorErrors].map(|kind| kind.alarm_name(&monitor));
    for name in &firing {
        let alarm = Client::new(&sandbox.config).set_alarm_state().alarm_name(name).state_value(StateValue::Alarm);
        alarm.state_reason("test").send().await.unwrap();
    }
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    let reported = &details(&outcomes).alarms;
    assert_eq!(reported.len(), 4);
    let reported: Vec<_> =
        reported.iter().filter(|alarm| alarm.state == "ALARM").map(|alarm| alarm.name.as_str()).collect();
    assert_eq!(reported, firing);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn every_field_of_the_spec_changes_what_it_should() {
    let sandbox = Sandbox::new("alarms::spec").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), ALARMS).await;

    let rejected = &mut spec.detections.rejected_connections;
    (rejected.threshold, rejected.evaluation_periods, rejected.period_seconds) = (0.1, 3, 60);
    let monitor = sandbox.monitor(spec.clone());
    let changes = sandbox.converge(&monitor, ALARMS).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let paths: Vec<_> = changes[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["datapointsToAlarm", "description", "evaluationPeriods", "periodSeconds", "threshold"]);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    let alarm = &alarms(&sandbox).await[REJECTED.alarm_name(&monitor)];
    assert_eq!(
        (&alarm["Threshold"], &alarm["EvaluationPeriods"], &alarm["Period"]),
        (&json!(0.1), &json!(3), &json!(60))
    );

    spec.detections.rejected_connections.datapoints_to_alarm = Some(2);
    let monitor = sandbox.monitor(spec.clone());
    let changes = sandbox.converge(&monitor, ALARMS).await;
    let paths: Vec<_> = changes[0].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(paths, ["datapointsToAlarm", "description"]);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    let alarm = &alarms(&sandbox).await[REJECTED.alarm_name(&monitor)];
    assert_eq!((&alarm["EvaluationPeriods"], &alarm["DatapointsToAlarm"]), (&json!(3), &json!(2)));
    assert!(alarm["AlarmDescription"].as_str().unwrap().contains(" in 2 of 3 periods of 60 seconds"), "{alarm}");
    spec.detections.rejected_connections.datapoints_to_alarm = None;

    spec.detections.namespace = "Network".into();
    spec.notifications.notify_on_recovery = false;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    for (name, alarm) in alarms(&sandbox).await.as_object().unwrap() {
        let is_lambdas = *name == AlarmKind::DetectorErrors.alarm_name(&monitor);
        assert_eq!(alarm["Namespace"], if is_lambdas { "AWS/Lambda" } else { "Network" });
        assert_eq!(alarm["OKActions"], json!([]));
        assert_eq!(alarm["tags"]["team"], "network");
    }
    sandbox.assert_at_rest(&monitor, ALARMS).await;

    let topic = format!("arn:aws:sns:eu-west-1:{}:soc", sandbox.account);
    aws_sdk_sns::Client::new(&sandbox.config).create_topic().name("soc").send().await.unwrap();
    spec.notifications.topic_arn = Some(topic.clone());
    spec.detections.external_connections.enabled = false;
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    let found = alarms(&sandbox).await;
    assert_eq!(found.as_object().unwrap().len(), 3);
    assert!(found.as_object().unwrap().values().all(|alarm| alarm["AlarmActions"] == json!([topic])));

    spec.detections.rejected_connections.enabled = false;
    spec.detections.high_data_transfer.enabled = false;
    sandbox.converge(&sandbox.monitor(spec.clone()), ALARMS).await;
    let left: Vec<_> = alarms(&sandbox).await.as_object().unwrap().keys().cloned().collect();
    assert_eq!(left, [AlarmKind::DetectorErrors.alarm_name(&monitor)]);

    spec.detector.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), ALARMS).await;
    assert_eq!(alarms(&sandbox).await, json!({}));
}

#[tokio::test]
async fn without_the_detector_there_is_no_alarm_on_its_errors() {
    let sandbox = Sandbox::new("alarms::detector_disabled").await;
    let mut spec = sandbox.spec();
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    let name = AlarmKind::DetectorErrors.alarm_name(&monitor);
    let mut rest = alarms(&sandbox).await;
    assert!(rest.as_object_mut().unwrap().remove(&name).is_some());

    spec.detector.enabled = false;
    let monitor = sandbox.monitor(spec);
    let changes = sandbox.converge(&monitor, ALARMS).await;
    let reported: Vec<_> = changes.iter().map(|change| (change.action, change.name.as_str())).collect();
    assert_eq!(reported, [(Action::Delete, name.as_str())]);
    assert_eq!(alarms(&sandbox).await, rest);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("alarms::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ALARMS).await;
    let before = alarms(&sandbox).await;

    let cloudwatch = Client::new(&sandbox.config);
    let [rejected, high, external, errors] = AlarmKind::ALL.map(|kind| kind.alarm_name(&monitor));
    cloudwatch
        .put_metric_alarm()
        .alarm_name(&rejected)
        .alarm_description("changed")
        .namespace("Other")
        .metric_name("Other")
        .statistic(Statistic::Average)
        .comparison_operator(ComparisonOperator::LessThanThreshold)
        .threshold(1.0)
        .period(60)
        .evaluation_periods(4)
        .datapoints_to_alarm(2)
        .treat_missing_data("breaching")
        .actions_enabled(false)
        .send()
        .await
        .unwrap();
    // The same alarm on another function.
    let other = Dimension::builder().name("FunctionName").value("other").build();
    cloudwatch
        .put_metric_alarm()
        .alarm_name(&errors)
        .namespace("AWS/Lambda")
        .metric_name("Errors")
        .dimensions(other)
        .statistic(Statistic::Sum)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .threshold(0.0)
        .period(300)
        .evaluation_periods(1)
        .treat_missing_data("notBreaching")
        .send()
        .await
        .unwrap();
    cloudwatch.disable_alarm_actions().alarm_names(&high).send().await.unwrap();
    let arn = HIGH.alarm_arn(&monitor);
    cloudwatch.untag_resource().resource_arn(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    cloudwatch.delete_alarms().alarm_names(&external).send().await.unwrap();
    assert_ne!(alarms(&sandbox).await, before);

    let changes = sandbox.converge(&monitor, ALARMS).await;
    let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
    assert_eq!(
        actions,
        [Action::Update, Action::Update, Action::Update, Action::Create, Action::Update],
        "{changes:#?}"
    );
    let of_errors: Vec<_> = changes[4].fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(of_errors, ["alarmActions[0]", "description", "dimensions.FunctionName", "okActions[0]"]);
    // An update keeps an alarm's state, and a new one starts without; here all are new.
    assert_eq!(alarms(&sandbox).await, before);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn alarms_that_are_not_ours_are_conflicts_and_untouched_unless_adopted() {
    let sandbox = Sandbox::new("alarms::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let name = REJECTED.alarm_name(&monitor);
    let cloudwatch = Client::new(&sandbox.config);
    cloudwatch
        .put_metric_alarm()
        .alarm_name(&name)
        .namespace("Other")
        .metric_name("Other")
        .statistic(Statistic::Sum)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .threshold(1.0)
        .period(60)
        .evaluation_periods(1)
        .send()
        .await
        .unwrap();
    let before = alarms(&sandbox).await[&name].clone();

    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    assert!(outcomes[1].conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    assert_eq!(outcomes[1].applied.len(), 3, "the others are made: {outcomes:#?}");
    sandbox.remove(&monitor, ALARMS).await;
    assert_eq!(alarms(&sandbox).await, json!({&name: before}));

    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let adopting = sandbox.monitor(spec);
    let changes = sandbox.converge(&adopting, ALARMS).await;
    assert!(changes.iter().any(|change| change.action == Action::Adopt && change.name == name), "{changes:#?}");
    sandbox.assert_at_rest(&adopting, ALARMS).await;
}

#[tokio::test]
async fn go_on_delete_and_stay_marked_on_retain() {
    let sandbox = Sandbox::new("alarms::delete").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    sandbox.converge(&retaining, ALARMS).await;
    sandbox.remove(&retaining, ALARMS).await;
    for alarm in alarms(&sandbox).await.as_object().unwrap().values() {
        assert_eq!(alarm["tags"]["vpcflow.dev/retained-by"], "test/network/production");
        assert!(alarm["tags"].get("vpcflow.dev/owner").is_none());
    }

    for (policy, steps) in [(DeletionPolicy::RetainData, 5), (DeletionPolicy::Delete, 5)] {
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec.clone());
        let changes = sandbox.converge(&monitor, ALARMS).await;
        assert_eq!(changes.len(), steps, "taken back by tags alone, or made anew: {changes:#?}");
        sandbox.remove(&monitor, ALARMS).await;
        assert_eq!(alarms(&sandbox).await, json!({}));
    }
}

#[tokio::test]
async fn two_monitors_do_not_meet() {
    let sandbox = Sandbox::new("alarms::two").await;
    let (one, two) = (sandbox.monitor(sandbox.spec()), sandbox.named_monitor("network", "staging", sandbox.spec()));
    sandbox.converge(&one, ALARMS).await;
    sandbox.converge(&two, ALARMS).await;
    assert_eq!(alarms(&sandbox).await.as_object().unwrap().len(), 8);
    sandbox.remove(&two, ALARMS).await;
    sandbox.assert_at_rest(&one, ALARMS).await;
}
