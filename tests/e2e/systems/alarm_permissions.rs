//! Bands and quiet times under the printed policies, and without the permissions that they need.

use aws_sdk_cloudwatch::Client;
use serde_json::{Value, json};
use vpc_flow_operator::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::engine::{Action, Outcome};
use vpc_flow_operator::permissions::{Feature, Options, policies};

use super::anomaly::{ALARMS, KIND, pass_days, teach, with_mode};
use super::quiet_times::quiet_time;
use testkit::sandbox::{Sandbox, details, record};

/// The printed policies with these features.
fn printed(sandbox: &Sandbox, features: &[Feature]) -> Vec<Value> {
    policies(&Options { features: features.to_vec(), ..sandbox.printed(Caller::Operator) })
}

fn with_bands() -> Vec<Feature> {
    [&Feature::DEFAULT[..], &[Feature::AnomalyBands]].concat()
}

#[tokio::test]
async fn a_band_lives_under_the_printed_policies() {
    let mut sandbox = Sandbox::new("alarm_permissions::bands").await;
    sandbox.bind(&printed(&sandbox, &with_bands())).await;
    let (off, both) = (sandbox.monitor(sandbox.spec()), sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both)));
    sandbox.converge(&both, ALARMS).await;
    teach(&sandbox, &both, "TRAINED", 2000.0).await;
    pass_days(&sandbox, &both, 15).await;
    sandbox.converge(&both, ALARMS).await;
    let effective = details(&sandbox.pass(&both, ALARMS).await).detections[0].effective;
    assert_eq!(effective, EffectiveMode::Both);
    sandbox.assert_at_rest(&both, ALARMS).await;
    let changes = sandbox.converge(&off, ALARMS).await;
    assert!(changes.iter().any(|change| change.kind == ResourceKind::CompositeAlarm), "{changes:#?}");
    sandbox.remove(&off, ALARMS).await;
    assert_eq!(sandbox.inventory().await["alarms"], json!({}));
}

#[tokio::test]
async fn a_permission_that_hides_composite_alarms_is_named() {
    let mut sandbox = Sandbox::new("alarm_permissions::hidden").await;
    let mut narrow = printed(&sandbox, &with_bands());
    for statement in narrow.iter_mut().flat_map(|policy| policy["Statement"].as_array_mut().unwrap()) {
        if statement["Resource"] == json!(["*"]) {
            statement["Action"].as_array_mut().unwrap().retain(|action| action != "cloudwatch:DescribeAlarms");
        }
    }
    sandbox.bind(&narrow).await;
    let monitor = sandbox.monitor(with_mode(&sandbox, AnomalyMode::Both));
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    let failure = &outcomes[1].failures[0].1;
    assert!(failure.message.contains("cloudwatch:DescribeAlarms on *"), "{failure:#?}");
}

/// The messages of the alarms' failures, which are all about permissions.
fn denials(outcomes: &[Outcome]) -> String {
    let failures = &outcomes.iter().find(|outcome| outcome.component == Component::Alarms).unwrap().failures;
    assert!(failures.iter().all(|(_, failure)| failure.reason == Reason::AccessDenied), "{failures:#?}");
    let messages: Vec<_> = failures.iter().map(|(_, failure)| failure.to_string()).collect();
    messages.join("\n")
}

#[tokio::test]
async fn a_missing_optional_permission_holds_up_no_other_alarm() {
    let mut sandbox = Sandbox::new("alarm_permissions::missing").await;
    sandbox.bind(&printed(&sandbox, &Feature::DEFAULT)).await;
    let mut spec = with_mode(&sandbox, AnomalyMode::Both);
    spec.notifications.quiet_times = vec![quiet_time("cron(0 2 * * *)", &[])];
    let mut monitor = sandbox.monitor(spec);
    let denied = denials(&sandbox.pass(&monitor, ALARMS).await);
    for part in [
        "spec.detections.highDataTransfer.anomaly: anomaly model ",
        "missing permissions: cloudwatch:DescribeAnomalyDetectors",
        "spec.notifications.quietTimes: alarm mute rule ",
        "missing permissions: cloudwatch:GetAlarmMuteRule",
    ] {
        assert!(denied.contains(part), "{part}: {denied}");
    }
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["alarms"].as_object().unwrap().len(), 4, "every alarm on a threshold: {inventory}");

    // Their drift is repaired too.
    let name = KIND.alarm_name(&monitor);
    Client::new(&sandbox.config).delete_alarms().alarm_names(&name).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    let applied: Vec<_> = outcomes[1].applied.iter().map(|change| (change.action, change.name.as_str())).collect();
    assert_eq!(applied, [(Action::Create, name.as_str())]);
    assert_eq!(denials(&outcomes), denied, "in the same words");

    // A deletion does not wait for what was never made.
    sandbox.remove(&monitor, ALARMS).await;
    assert_eq!(sandbox.inventory().await["alarms"], json!({}));

    sandbox.bind(&policies(&sandbox.printed(Caller::Operator))).await;
    sandbox.converge(&monitor, ALARMS).await;
    sandbox.assert_at_rest(&monitor, ALARMS).await;

    // It does for what was made.
    let rule = format!("{}-backup", monitor.names.base());
    record(&mut monitor, Component::Alarms, ResourceKind::AlarmMuteRule, &rule);
    sandbox.bind(&printed(&sandbox, &with_bands())).await;
    let outcomes = sandbox.tear_down(&monitor, ALARMS).await;
    assert!(denials(&outcomes).contains("cloudwatch:GetAlarmMuteRule"), "{outcomes:#?}");
    assert!(sandbox.inventory().await["alarmMuteRules"].get(&rule).is_some());
    sandbox.bind(&policies(&sandbox.printed(Caller::Operator))).await;
    sandbox.remove(&monitor, ALARMS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["alarms"], &inventory["alarmMuteRules"]), (&json!({}), &json!({})));
}
