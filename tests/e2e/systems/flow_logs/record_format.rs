//! A change of the records' format: readers are updated after the flow logs.

use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;

use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, Operator, is, reason};
use testkit::sandbox::Sandbox;

/// The format that each reader of records expects: patterns of the metric filters, format of the function, columns of the table.
fn readers(inventory: &Value) -> Vec<Value> {
    let all = |kind: &str| inventory[kind].as_object().unwrap().values().cloned().collect::<Vec<_>>();
    let filters = all("logGroups").into_iter().flat_map(|group| {
        group["metricFilters"]
            .as_object()
            .unwrap()
            .values()
            .map(|filter| filter["filterPattern"].clone())
            .collect::<Vec<_>>()
    });
    let formats = all("functions").into_iter().map(|function| function["environment"]["LOG_FORMAT"].clone());
    let columns = all("databases").into_iter().flat_map(|database| {
        database["tables"].as_object().unwrap().values().map(|table| table["columns"].clone()).collect::<Vec<_>>()
    });
    filters.chain(formats).chain(columns).collect()
}

#[tokio::test]
async fn readers_keep_to_the_old_format_until_aws_takes_the_new_flow_log() {
    let (sandbox, cluster) = (Sandbox::new("record_format").await, Cluster::new("record-format").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    let before = readers(&sandbox.inventory().await);

    sandbox.emulator.add_fault(denied(&sandbox, "ec2", "CreateFlowLogs")).await.unwrap();
    let fields = json!(["srcaddr", "dstaddr", "bytes", "action", "log-status"]);
    let change = json!({
        "cloudWatchLogs": {"fields": fields},
        "s3": {"fields": fields},
        "detections": {"rejectedConnections": {"threshold": 7}},
        "detector": {"logRetentionDays": 30},
    });
    cluster.change("m", change).await;
    let waits = |monitor: &VpcFlowMonitor| {
        let is_waiting = |condition: &&str| reason(monitor, condition).as_deref() == Some("WaitingForDependency");
        is(monitor, "FlowLogsReady", "False")
            && ["MetricFiltersReady", "DetectorReady", "AnalyticsReady"].iter().all(is_waiting)
    };
    cluster.wait("m", "the readers to wait for the flow logs", waits).await;
    // Nothing else waits: neither the alarms nor the other changes of the readers.
    cluster.wait("m", "the alarms", |monitor| is(monitor, "AlarmsReady", "True")).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(readers(&inventory), before);
    let group =
        inventory["logGroups"].as_object().unwrap().iter().find(|(name, _)| name.starts_with("/aws/lambda/")).unwrap();
    assert_eq!(group.1["retention"], 30);

    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;
    cluster.wait_ready("m").await;
    let after = readers(&sandbox.inventory().await);
    assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{after:#?}");
    operator.stop().await;
}

#[tokio::test]
async fn readers_change_after_the_flow_log_and_not_for_its_sake_alone() {
    let (sandbox, cluster) = (Sandbox::new("record_format::order").await, Cluster::new("record-format-order").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    let before = sandbox.latest_call().await;
    cluster
        .change("m", json!({"cloudWatchLogs": {"fields": ["srcaddr", "dstaddr", "bytes", "action", "log-status"]}}))
        .await;
    cluster.wait_ready("m").await;
    let writes = sandbox.writes_since(before).await;
    let at = |operation: &str| writes.iter().position(|call| call.operation == operation).unwrap();
    let last_flow_log = writes.iter().rposition(|call| call.operation == "CreateFlowLogs").unwrap();
    assert!(last_flow_log < at("PutMetricFilter") && last_flow_log < at("UpdateFunctionConfiguration"), "{writes:#?}");

    // Another pattern over the same fields waits for no flow log.
    sandbox.emulator.add_fault(denied(&sandbox, "ec2", "CreateFlowLogs")).await.unwrap();
    let change = json!({"aggregationInterval": 600, "detections": {"highDataTransfer": {"minBytes": 77}}});
    cluster.change("m", change).await;
    let goes_on =
        |monitor: &VpcFlowMonitor| is(monitor, "FlowLogsReady", "False") && is(monitor, "MetricFiltersReady", "True");
    cluster.wait("m", "the detections, without the flow logs", goes_on).await;
    operator.stop().await;
}
