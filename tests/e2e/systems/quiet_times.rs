//! Quiet times.

use aws_sdk_cloudwatch::Client;
use serde_json::json;
use vpc_flow_operator::api::anomaly_mode::AnomalyMode;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::QuietTime;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::common::alarm_kind::AlarmKind;
use vpc_flow_operator::resources::common::detections::Detection;

use super::anomaly::{ALARMS, HIGH, KIND};
use testkit::breach::breach;
use testkit::sandbox::{Sandbox, own_tags, record};

pub(super) fn quiet_time(schedule: &str, detections: &[&str]) -> QuietTime {
    QuietTime {
        name: "backup".to_owned(),
        schedule: schedule.to_owned(),
        duration: "PT1H".to_owned(),
        timezone: "UTC".to_owned(),
        detections: detections.iter().map(ToString::to_string).collect(),
    }
}

#[tokio::test]
async fn quiet_times_mute_the_alarms_of_detections_alone() {
    let sandbox = Sandbox::new("quiet_times::life").await;
    let mut spec = sandbox.spec();
    spec.notifications.quiet_times = vec![quiet_time("cron(* * * * *)", &["highDataTransfer"])];
    let mut monitor = sandbox.monitor(spec.clone());
    let name = format!("{}-backup", monitor.names.base());
    record(&mut monitor, Component::Alarms, ResourceKind::AlarmMuteRule, &name);
    sandbox.converge(&monitor, ALARMS).await;
    sandbox.assert_at_rest(&monitor, ALARMS).await;
    let arn = format!("arn:aws:cloudwatch:eu-west-1:{}:alarm-mute-rule:{name}", sandbox.account);
    let schedule = json!({"Expression": "cron(* * * * *)", "Duration": "PT1H", "Timezone": "UTC"});
    let declared = json!({
        "AlarmMuteRuleArn": arn,
        "Description": "Quiet time backup. Managed by VpcFlowMonitor network/production.",
        "Rule": {"Schedule": schedule},
        "MuteTargets": {"AlarmNames": [KIND.alarm_name(&monitor)]},
        "MuteType": "RECURRING",
        "tags": own_tags(),
    });
    assert_eq!(sandbox.inventory().await["alarmMuteRules"], json!({ &name: declared }));
    assert_eq!(breach(&sandbox.config, &monitor, HIGH, 1000.0).await, Vec::<String>::new());
    let rejected = Detection::RejectedConnections;
    spec.detections.rejected_connections.evaluation_periods = 1;
    spec.detections.high_data_transfer.anomaly.mode = AnomalyMode::Both;
    let with_band = Monitor { spec: spec.clone(), ..monitor.clone() };
    sandbox.converge(&with_band, ALARMS).await;
    assert_eq!(
        breach(&sandbox.config, &with_band, HIGH, 1000.0).await,
        Vec::<String>::new(),
        "the composite alarm too"
    );
    let loud = AlarmKind::Detection(rejected).alarm_name(&monitor);
    assert_eq!(breach(&sandbox.config, &with_band, rejected, 1000.0).await, [loud]);

    let cloudwatch = Client::new(&sandbox.config);
    cloudwatch.delete_alarm_mute_rule().alarm_mute_rule_name(&name).send().await.unwrap();
    sandbox.converge(&with_band, ALARMS).await;
    cloudwatch.untag_resource().resource_arn(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    sandbox.converge(&with_band, ALARMS).await;
    assert_eq!(sandbox.inventory().await["alarmMuteRules"][&name]["tags"], own_tags());

    spec.notifications.quiet_times.clear();
    sandbox.converge(&Monitor { spec, ..with_band }, ALARMS).await;
    assert_eq!(sandbox.inventory().await["alarmMuteRules"], json!({}));
}

#[tokio::test]
async fn an_alarm_of_others_is_never_muted() {
    let sandbox = Sandbox::new("quiet_times::foreign_alarm").await;
    let mut spec = sandbox.spec();
    spec.notifications.quiet_times = vec![quiet_time("cron(0 2 * * *)", &[])];
    let monitor = sandbox.monitor(spec);
    let theirs = KIND.alarm_name(&monitor);
    let request =
        Client::new(&sandbox.config).put_metric_alarm().alarm_name(&theirs).namespace("theirs").metric_name("m");
    let request = request.statistic("Sum".into()).period(60).evaluation_periods(1).threshold(1.0);
    request.comparison_operator("GreaterThanThreshold".into()).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    assert_eq!(outcomes[1].conflicts.len(), 1, "{outcomes:#?}");
    let rule = format!("{}-backup", monitor.names.base());
    let muted = sandbox.inventory().await["alarmMuteRules"][&rule]["MuteTargets"]["AlarmNames"].clone();
    let muted = muted.as_array().unwrap();
    assert_eq!((muted.len(), muted.contains(&json!(theirs))), (2, false), "{muted:?}");
}

#[tokio::test]
async fn quiet_times_of_others_are_conflicts_and_those_of_a_deleted_monitor_go() {
    let sandbox = Sandbox::new("quiet_times::conflict").await;
    let mut spec = sandbox.spec();
    spec.notifications.quiet_times = vec![quiet_time("cron(0 2 * * *)", &[])];
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, ALARMS).await;
    let name = format!("{}-backup", monitor.names.base());
    let targets = sandbox.inventory().await["alarmMuteRules"][&name]["MuteTargets"]["AlarmNames"].clone();
    assert_eq!(targets.as_array().unwrap().len(), 3, "no quiet time mutes the errors of the detector: {targets}");
    let arn = format!("arn:aws:cloudwatch:eu-west-1:{}:alarm-mute-rule:{name}", sandbox.account);
    let cloudwatch = Client::new(&sandbox.config);
    let keys = ["vpcflow.dev/owner", "vpcflow.dev/managed-by"].map(str::to_owned).to_vec();
    cloudwatch.untag_resource().resource_arn(&arn).set_tag_keys(Some(keys.clone())).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, ALARMS).await;
    assert!(outcomes[1].conflicts[0].to_string().contains("alarm mute rule"), "{outcomes:#?}");
    sandbox.tear_down(&monitor, ALARMS).await;
    assert!(sandbox.inventory().await["alarmMuteRules"].get(&name).is_some());
    cloudwatch.delete_alarm_mute_rule().alarm_mute_rule_name(&name).send().await.unwrap();

    sandbox.converge(&monitor, ALARMS).await;
    sandbox.remove(&monitor, ALARMS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!((&inventory["alarms"], &inventory["alarmMuteRules"]), (&json!({}), &json!({})));

    spec.notifications.quiet_times[0].duration = "P16D".to_owned();
    let outcomes = sandbox.pass(&sandbox.monitor(spec), ALARMS).await;
    assert_eq!(outcomes[1].failures[0].1.reason, Reason::InvalidSpec, "{outcomes:#?}");
    assert_eq!(sandbox.inventory().await["alarms"].as_object().unwrap().len(), 4, "the alarms are made");
}
