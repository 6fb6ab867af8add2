//! A change that gets stuck halfway loses nothing: the old resources stay until everything has moved away from them.

use serde_json::{Value, json};
use vpc_flow_operator::api::spec::DeletionPolicy;

use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, Operator, is, reason};
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn a_bucket_stays_until_its_flow_log_has_moved() {
    let (sandbox, cluster) = (Sandbox::new("superseded::bucket").await, Cluster::new("superseded-bucket").await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    cluster.create("m", spec).await;
    let old = cluster.wait_ready("m").await.status.unwrap().summary.unwrap().bucket;

    sandbox.emulator.add_fault(denied(&sandbox, "ec2", "CreateFlowLogs")).await.unwrap();
    let new = format!("renamed-{}", sandbox.account);
    cluster.change("m", json!({"s3": {"bucketName": new}})).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, "BucketReady").as_deref(), Some("WaitingForDependency"));
    let buckets = &sandbox.inventory().await["buckets"];
    assert!(buckets.get(&old).is_some() && buckets.get(&new).is_some(), "{buckets:#}");

    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;
    cluster.wait_ready("m").await;
    let buckets = &sandbox.inventory().await["buckets"];
    assert!(buckets.get(&old).is_none() && buckets.get(&new).is_some(), "{buckets:#}");
    operator.stop().await;
}

/// The destination's status in every flow log.
fn delivery(inventory: &Value) -> Vec<&Value> {
    let flow_logs = inventory["flowLogs"].as_object().unwrap().values();
    flow_logs.map(|flow_log| &flow_log["DeliverLogsStatus"]).collect()
}

#[tokio::test]
async fn records_go_on_to_a_log_group_that_cannot_be_left_and_none_may_go_to_one_of_others() {
    let (sandbox, cluster) = (Sandbox::new("superseded::group").await, Cluster::new("superseded-group").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let old = cluster.wait_ready("m").await.status.unwrap().summary.unwrap().log_group;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.create_log_group().log_group_name("/theirs").send().await.unwrap();

    cluster.change("m", json!({"cloudWatchLogs": {"logGroupName": "/theirs"}})).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, "LogGroupReady").as_deref(), Some("Conflict"));
    let inventory = sandbox.inventory().await;
    assert_eq!(delivery(&inventory), ["SUCCESS", "SUCCESS"]);
    assert!(!inventory["roles"].to_string().contains("/theirs"), "{}", inventory["roles"]);
    assert_eq!(inventory["logGroups"]["/theirs"]["metricFilters"], json!({}));

    sandbox.emulator.add_fault(denied(&sandbox, "ec2", "CreateFlowLogs")).await.unwrap();
    cluster.change("m", json!({"cloudWatchLogs": {"logGroupName": "/new"}})).await;
    let refused = |monitor: &_| reason(monitor, "FlowLogsReady").as_deref() == Some("AccessDenied");
    cluster.wait("m", "the refusal", |monitor| refused(monitor) && is(monitor, "Stalled", "True")).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(delivery(&inventory), ["SUCCESS", "SUCCESS"]);
    for group in [old.as_str(), "/new"] {
        assert_eq!(inventory["logGroups"][group]["metricFilters"].as_object().unwrap().len(), 3, "{group}");
        assert_eq!(inventory["logGroups"][group]["subscriptionFilters"].as_object().unwrap().len(), 1, "{group}");
    }

    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;
    cluster.wait_ready("m").await;
    devenv::wait_for("the role to forget the former group", std::time::Duration::from_mins(1), async || {
        let inventory = sandbox.inventory().await;
        Ok((!inventory["roles"].to_string().contains(&old)).then_some(()))
    })
    .await
    .unwrap();
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["logGroups"][&old]["metricFilters"], json!({}));
    assert_eq!(inventory["logGroups"][&old]["tags"]["vpcflow.dev/retained-by"], "test/superseded-group/m");
    operator.stop().await;
}

#[tokio::test]
async fn a_database_stays_while_the_new_one_cannot_be_had() {
    let (sandbox, cluster) = (Sandbox::new("superseded::db").await, Cluster::new("superseded-db").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    let before = sandbox.inventory().await;
    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let input = aws_sdk_glue::types::DatabaseInput::builder().name("theirs").build().unwrap();
    glue.create_database().database_input(input).send().await.unwrap();
    cluster.change("m", json!({"analytics": {"database": "theirs"}})).await;
    let conflict = |monitor: &_| reason(monitor, "AnalyticsReady").as_deref() == Some("Conflict");
    cluster.wait("m", "the conflict", |monitor| conflict(monitor) && is(monitor, "Stalled", "True")).await;
    let mut after = sandbox.inventory().await;
    after["databases"].as_object_mut().unwrap().remove("theirs");
    assert_eq!(after["databases"], before["databases"]);
    assert_eq!(after["workgroups"], before["workgroups"]);
    operator.stop().await;
}
