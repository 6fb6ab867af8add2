use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{ComparisonOperator, StateValue, Statistic};
use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use vpc_flow_operator::engine::{Action, Outcome};
use vpc_flow_operator::resources::detections::Detection;

use crate::support::Sandbox;

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
    assert_eq!(found.as_object().unwrap().len(), 3);
    for (slug, title, metric, threshold, periods, within) in [
        ("rejected-connections", "Rejected connections", "RejectedConnections", 50.0, 2, "each of 2 periods"),
        ("high-data-transfer", "High data transfer", "HighDataTransfer", 10.0, 1, "a period"),
        ("external-connections", "External connections", "ExternalConnections", 100.0, 2, "each of 2 periods"),
    ] {
        let expected = json!({
            "AlarmArn": format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{base}-{slug}"),
            "AlarmDescription": format!(
                "{title} in VPC {vpc}: more than {threshold} flows in {within} of 300 seconds. Kept by VpcFlowMonitor network/production."
            ),
            "ActionsEnabled": true,
            "AlarmActions": [topic],
            "OKActions": [topic],
            "InsufficientDataActions": [],
            "MetricName": format!("{metric}-{base}"),
            "Namespace": "VPC/FlowLogs",
            "Statistic": "Sum",
            "Dimensions": [],
            "Period": 300,
            "EvaluationPeriods": periods,
            "Threshold": threshold,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            "state": "INSUFFICIENT_DATA",
            "tags": {"vpcflow.dev/owner": "test/network/production", "vpcflow.dev/managed-by": "vpc-flow-operator"},
        });
        let mut alarm = found[format!("{base}-{slug}")].clone();
        // As many as there are periods, where nothing is said.
        if let Some(points) = alarm.as_object_mut().unwrap().remove("DatapointsToAlarm") {
            assert_eq!(points, periods);
        }
        assert_eq!(alarm, expected);
    }
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn states_are_told() {
    let sandbox = Sandbox::new("alarms::states").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ALARMS).await;
    let name = Detection::HighDataTransfer.alarm_name(&monitor);
    let cloudwatch = Client::new(&sandbox.config);
    cloudwatch
        .set_alarm_state()
        .alarm_name(&name)
        .state_value(StateValue::Alarm)
        .state_reason("test")
        .send()
        .await
        .unwrap();
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    let told = &outcomes[1].report.as_ref().unwrap().alarms;
    assert_eq!(told.len(), 3);
    assert!(told.iter().any(|alarm| alarm.name == name && alarm.state == "ALARM"), "{told:?}");
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
    assert_eq!(paths, ["description", "evaluationPeriods", "periodSeconds", "threshold"]);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    let alarm = &alarms(&sandbox).await[Detection::RejectedConnections.alarm_name(&monitor)];
    assert_eq!(
        (&alarm["Threshold"], &alarm["EvaluationPeriods"], &alarm["Period"]),
        (&json!(0.1), &json!(3), &json!(60))
    );

    spec.detections.namespace = "Network".into();
    spec.notifications.notify_on_recovery = false;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    for alarm in alarms(&sandbox).await.as_object().unwrap().values() {
        assert_eq!(alarm["Namespace"], "Network");
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
    assert_eq!(found.as_object().unwrap().len(), 2);
    assert!(found.as_object().unwrap().values().all(|alarm| alarm["AlarmActions"] == json!([topic])));

    spec.detections.rejected_connections.enabled = false;
    spec.detections.high_data_transfer.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), ALARMS).await;
    assert_eq!(alarms(&sandbox).await, json!({}));
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("alarms::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, ALARMS).await;
    let before = alarms(&sandbox).await;

    let cloudwatch = Client::new(&sandbox.config);
    let [rejected, high, external] = Detection::ALL.map(|detection| detection.alarm_name(&monitor));
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
    cloudwatch.disable_alarm_actions().alarm_names(&high).send().await.unwrap();
    let arn = Detection::HighDataTransfer.alarm_arn(&monitor);
    cloudwatch.untag_resource().resource_arn(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    cloudwatch.delete_alarms().alarm_names(&external).send().await.unwrap();
    assert_ne!(alarms(&sandbox).await, before);

    let changes = sandbox.converge(&monitor, ALARMS).await;
    let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
    assert_eq!(actions, [Action::Update, Action::Update, Action::Update, Action::Create], "{changes:#?}");
    // An update keeps an alarm's state, and a new one starts without; here all are new.
    assert_eq!(alarms(&sandbox).await, before);
    sandbox.assert_at_rest(&monitor, ALARMS).await;
}

#[tokio::test]
async fn alarms_that_are_not_ours_are_conflicts_and_untouched_unless_adopted() {
    let sandbox = Sandbox::new("alarms::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let name = Detection::RejectedConnections.alarm_name(&monitor);
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
    assert_eq!(outcomes[1].applied.len(), 2, "the other two are made: {outcomes:#?}");
    assert!(sandbox.tear_down(&monitor, ALARMS).await.iter().all(Outcome::is_settled));
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
    assert!(sandbox.tear_down(&retaining, ALARMS).await.iter().all(Outcome::is_settled));
    for alarm in alarms(&sandbox).await.as_object().unwrap().values() {
        assert_eq!(alarm["tags"]["vpcflow.dev/retained-by"], "test/network/production");
        assert!(alarm["tags"].get("vpcflow.dev/owner").is_none());
    }

    for (policy, steps) in [(DeletionPolicy::RetainData, 4), (DeletionPolicy::Delete, 4)] {
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec.clone());
        let changes = sandbox.converge(&monitor, ALARMS).await;
        assert_eq!(changes.len(), steps, "taken back by tags alone, or made anew: {changes:#?}");
        assert!(sandbox.tear_down(&monitor, ALARMS).await.iter().all(Outcome::is_settled));
        assert_eq!(alarms(&sandbox).await, json!({}));
    }
}

#[tokio::test]
async fn two_monitors_do_not_meet() {
    let sandbox = Sandbox::new("alarms::two").await;
    let (one, two) = (sandbox.monitor(sandbox.spec()), sandbox.named_monitor("network", "staging", sandbox.spec()));
    sandbox.converge(&one, ALARMS).await;
    sandbox.converge(&two, ALARMS).await;
    assert_eq!(alarms(&sandbox).await.as_object().unwrap().len(), 6);
    assert!(sandbox.tear_down(&two, ALARMS).await.iter().all(Outcome::is_settled));
    sandbox.assert_at_rest(&one, ALARMS).await;
}
