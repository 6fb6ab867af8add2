//! A status that somebody has edited.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::spec::{DeletionPolicy, Subscription, SubscriptionProtocol, TagValue};
use vpc_flow_operator::api::status::VpcFlowMonitorStatus;

use super::strangers::Strangers;
use super::{Stage, is_empty};
use testkit::cluster::message;

/// As `kubectl edit --subresource=status` does.
async fn edit(stage: &Stage, status: Value) {
    let patch = Patch::Merge(json!({"status": status}));
    let parameters = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    stage.cluster.monitors.patch_status("m", &parameters, &patch).await.unwrap();
}

/// The status without the request that was last handled.
fn reported(monitor: &VpcFlowMonitor) -> VpcFlowMonitorStatus {
    VpcFlowMonitorStatus { last_handled_reconcile_at: None, ..monitor.status.clone().unwrap() }
}

#[tokio::test]
async fn what_it_names_of_others_is_not_touched_and_it_is_mended() {
    let stage = Stage::new("hostile-status").await;
    let strangers = Strangers::move_in(&stage.sandbox).await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    spec.notifications.subscriptions = vec![Subscription {
        protocol: SubscriptionProtocol::Sms,
        endpoint: "+491701234567".into(),
        subscription_role_arn: None,
    }];
    spec.tags.insert("team".into(), TagValue("network".into()));
    stage.cluster.create("m", spec).await;
    let ready = stage.cluster.wait_ready("m").await;
    let monitor = stage.sandbox.named_monitor("hostile-status", "m", ready.spec.clone());

    // Additions of people to our resources: a subscription, a saved query, a tag.
    let sns = aws_sdk_sns::Client::new(&stage.sandbox.config);
    sns.subscribe().topic_arn(monitor.topic_arn()).protocol("sms").endpoint("+491709999999").send().await.unwrap();
    let athena = aws_sdk_athena::Client::new(&stage.sandbox.config);
    let query = athena.create_named_query().name("mine").database("finance").query_string("SELECT 1");
    query.work_group(monitor.names.workgroup()).send().await.unwrap();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&stage.sandbox.config);
    let definition = logs.put_query_definition().name(format!("{}/mine", monitor.names.base()));
    definition.query_string("fields @message").send().await.unwrap();
    let tag = aws_sdk_sns::types::Tag::builder().key("cost-centre").value("7").build().unwrap();
    sns.tag_resource().resource_arn(monitor.topic_arn()).tags(tag).send().await.unwrap();
    stage.cluster.reconcile_now("m", "before").await;
    let (before, ready) = (stage.inventory().await, stage.cluster.monitors.get("m").await.unwrap());

    let entry = |component: &str, kind: &str, name: &str, state: &str| json!({"component": component, "type": kind, "name": name, "state": state});
    let mut resources = serde_json::to_value(&ready.status.as_ref().unwrap().resources).unwrap();
    let forged = [
        entry("Bucket", "AWS::S3::Bucket", &strangers.bucket, "Deleting"),
        entry("Bucket", "AWS::S3::Bucket", "../../NOT A BUCKET/*", "InSync"),
        entry("LogGroup", "AWS::Logs::LogGroup", &strangers.log_group, "Deleting"),
        entry("LogGroup", "AWS::Logs::LogGroup", "*", "InSync"),
        entry("Dashboard", "AWS::Logs::LogGroup", &strangers.log_group, "InSync"),
        entry("Analytics", "AWS::Glue::Database", &strangers.database, "Updating"),
        entry("Analytics", "AWS::Glue::Table", "finance.orders", "Deleting"),
        entry("Analytics", "AWS::Athena::NamedQuery", "mine", "Deleting"),
        entry("Analytics", "AWS::Logs::QueryDefinition", &format!("{}/mine", monitor.names.base()), "Deleting"),
        entry("Notifications", "AWS::SNS::Topic", &strangers.topic_arn, "Deleting"),
        entry("Notifications", "AWS::SNS::Subscription", "sms:+491709999999", "InSync"),
        entry("Detector", "AWS::Lambda::Function", "theirs", "Failed"),
        entry("FlowLogs", "AWS::EC2::FlowLog", "fl-0123456789abcdef0", "Deleting"),
    ];
    resources.as_array_mut().unwrap().extend(forged);
    let mut conditions = serde_json::to_value(&ready.status.as_ref().unwrap().conditions).unwrap();
    conditions
        .as_array_mut()
        .unwrap()
        .push(json!({"type": "Forged", "status": "True", "reason": "Edited", "message": "x",
        "lastTransitionTime": "2026-01-01T00:00:00Z"}));
    let forged = json!({"owner": "test/other/team", "resources": resources, "conditions": conditions, "observedGeneration": 99,
        "alarms": [], "flowLogs": null, "links": {"dashboard": "https://example.com/phishing"}, "summary": null});
    edit(&stage, forged).await;

    stage.cluster.reconcile_now("m", "edited").await;
    // The operator sees a moment later that entries are gone from the status.
    let mended = stage.cluster.reconcile_now("m", "again").await;
    assert_eq!(reported(&mended), reported(&ready));
    assert_eq!(stage.inventory().await, before);
    let writes = stage.sandbox.latest_call().await;
    stage.cluster.reconcile_now("m", "at rest").await;
    assert_eq!(stage.sandbox.writes_since(writes).await, []);

    stage.delete("m").await;
    assert_eq!(strangers.of(&stage.inventory().await), strangers.of(&before));
    stage.operator.stop().await;
}

#[tokio::test]
async fn another_account_in_it_is_reported_with_the_remedy() {
    let stage = Stage::new("hostile-status-account").await;
    stage.cluster.create("m", stage.sandbox.spec()).await;
    stage.cluster.wait_ready("m").await;
    let before = stage.inventory().await;
    edit(&stage, json!({"accountId": "999999999999", "region": "us-east-1"})).await;
    stage.cluster.change("m", json!({"aggregationInterval": 600})).await;
    let reported = message(&stage.wait_stalled("m").await, "Ready");
    assert!(reported.contains("999999999999") && reported.contains("kubectl edit --subresource=status"), "{reported}");
    assert_eq!(stage.inventory().await, before);

    edit(&stage, json!({"accountId": stage.sandbox.account, "region": null})).await;
    stage.cluster.change("m", json!({"aggregationInterval": 60})).await;
    let ready = stage.cluster.wait_ready("m").await;
    assert_eq!(ready.status.unwrap().region.as_deref(), Some("eu-west-1"));
    assert_eq!(stage.inventory().await, before);
    stage.operator.stop().await;
}

#[tokio::test]
async fn an_emptied_one_is_filled_again_and_all_of_ours_goes_with_the_monitor() {
    let stage = Stage::new("hostile-status-empty").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    stage.cluster.create("m", spec).await;
    let ready = stage.cluster.wait_ready("m").await;
    edit(&stage, Value::Null).await;
    let before = stage.sandbox.latest_call().await;
    let mended = stage.cluster.reconcile_now("m", "emptied").await;
    assert_eq!(reported(&mended).resources, reported(&ready).resources);
    assert_eq!(stage.sandbox.writes_since(before).await, []);
    edit(&stage, Value::Null).await;
    stage.delete("m").await;
    assert!(is_empty(&stage.inventory().await));
    stage.operator.stop().await;
}

#[tokio::test]
async fn garbage_is_refused_by_the_api_server() {
    let stage = Stage::new("hostile-status-garbage").await;
    stage.cluster.create("m", stage.sandbox.spec()).await;
    stage.cluster.wait_ready("m").await;
    let entry = |component: &str, kind: &str, state: &str| json!({"resources": [{"component": component, "type": kind, "name": "x", "state": state}]});
    for garbage in [
        entry("Nonsense", "AWS::S3::Bucket", "InSync"),
        entry("Bucket", "AWS::EC2::Instance", "InSync"),
        entry("Bucket", "AWS::S3::Bucket", "Exploded"),
        json!({"resources": [{"component": "Bucket", "type": "AWS::S3::Bucket", "name": "", "state": "InSync"}]}),
        json!({"conditions": "none"}),
        json!({"conditions": [{"type": "Ready", "status": "True", "reason": "x", "message": "", "lastTransitionTime": "yesterday"}]}),
        json!({"accountId": 7}),
    ] {
        let patch = Patch::Merge(json!({"status": garbage}));
        let refused = stage.cluster.monitors.patch_status("m", &PatchParams::default(), &patch).await;
        assert!(refused.is_err(), "{garbage}");
    }
    stage.operator.stop().await;
}
