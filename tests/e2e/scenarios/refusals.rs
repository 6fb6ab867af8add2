//! Errors in a spec that only AWS can detect: the operator reports reason and remedy, and builds everything else unless the VPC is missing.

use serde_json::json;
use vpc_flow_operator::resources::SYSTEMS;

use super::lifecycle::denied;
use testkit::cluster::{Cluster, Operator, is, message, reason};
use testkit::sandbox::Sandbox;

/// Creates a monitor with a change in its spec, and expects one system to be refused with words that help; systems in `waiting` wait
/// for it, and all others become Ready.
async fn refused(test: &str, change: serde_json::Value, condition: &str, expected: (&str, &str), waiting: &[&str]) {
    let namespace = format!("refusals-{test}");
    let (sandbox, cluster) = (Sandbox::new(&namespace).await, Cluster::new(&namespace).await);
    refused_in(&sandbox, &cluster, change, condition, expected, waiting).await;
}

async fn refused_in(
    sandbox: &Sandbox,
    cluster: &Cluster,
    change: serde_json::Value,
    condition: &str,
    (expected_reason, words): (&str, &str),
    waiting: &[&str],
) {
    let operator = Operator::start(cluster, sandbox);
    let mut spec = serde_json::to_value(sandbox.spec()).unwrap();
    merge(&mut spec, change);
    cluster.create("m", serde_json::from_value(spec).unwrap()).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, condition).as_deref(), Some(expected_reason), "{stalled:#?}");
    assert!(message(&stalled, condition).contains(words), "{}", message(&stalled, condition));
    for system in SYSTEMS.iter() {
        let other = system.component.condition();
        if waiting.contains(&other) {
            assert_eq!(reason(&stalled, other).as_deref(), Some("WaitingForDependency"), "{other}");
        } else if other != condition {
            assert!(is(&stalled, other, "True"), "{other}: {}", message(&stalled, other));
        }
    }
    operator.stop().await;
}

fn merge(into: &mut serde_json::Value, change: serde_json::Value) {
    match change {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields {
                merge(&mut into[key], value);
            }
        }
        other => *into = other,
    }
}

#[tokio::test]
async fn nothing_is_made_for_a_vpc_that_does_not_exist() {
    let (sandbox, cluster) = (Sandbox::new("refusals-vpc").await, Cluster::new("refusals-vpc").await);
    let before = sandbox.latest_call().await;
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.vpc_id = "vpc-0000000000000000f".into();
    cluster.create("m", spec).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, "Ready").as_deref(), Some("Rejected"), "{stalled:#?}");
    let ready = message(&stalled, "Ready");
    assert!(ready.contains("spec.vpcId vpc-0000000000000000f is not in account"), "{ready}");
    assert!(
        message(&stalled, "Stalled")
            .ends_with("set the annotation vpcflow.dev/reconcile-requested-at to try again at once")
    );
    cluster.delete("m").await;
    cluster.wait_gone("m").await;
    assert_eq!(sandbox.writes_since(before).await, []);
    operator.stop().await;
}

#[tokio::test]
async fn a_monitor_without_the_right_to_look_its_vpc_up_waits_for_that_right() {
    let (sandbox, cluster) = (Sandbox::new("refusals-look-up").await, Cluster::new("refusals-look-up").await);
    sandbox.emulator.add_fault(denied(&sandbox, "ec2", "DescribeVpcs")).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    let ready = message(&stalled, "Ready");
    assert!(ready.ends_with("(missing permissions: ec2:DescribeVpcs)"), "{ready}");
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;
    cluster.wait_ready("m").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_kms_key_that_the_log_group_cannot_use() {
    let key = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    let change = json!({"cloudWatchLogs": {"kmsKeyArn": key}});
    refused("kms", change, "LogGroupReady", KEY_REFUSED, &WAITING_FOR_LOG_GROUP).await;
}

const WAITING_FOR_LOG_GROUP: [&str; 4] = ["DeliveryRoleReady", "FlowLogsReady", "MetricFiltersReady", "DetectorReady"];
const KEY_REFUSED: (&str, &str) = ("Rejected", "spec.cloudWatchLogs.kmsKeyArn is arn:aws:kms:eu-west-1:");

#[tokio::test]
async fn a_kms_key_whose_policy_does_not_let_the_log_group_in() {
    let (sandbox, cluster) = (Sandbox::new("refusals-policy").await, Cluster::new("refusals-policy").await);
    let key = sandbox.emulator.create_key_for(&sandbox.account, "eu-west-1", &["cloudwatch"]).await.unwrap();
    let change = json!({"cloudWatchLogs": {"kmsKeyArn": key}});
    refused_in(&sandbox, &cluster, change, "LogGroupReady", KEY_REFUSED, &WAITING_FOR_LOG_GROUP).await;
}

#[tokio::test]
async fn lake_formation_without_a_grant() {
    let (sandbox, cluster) = (Sandbox::new("refusals-lake").await, Cluster::new("refusals-lake").await);
    sandbox.emulator.set_modes(&sandbox.account, json!({"lakeFormation": true})).await.unwrap();
    let words = "must grant the same caller Create database on the catalog";
    refused_in(&sandbox, &cluster, json!({}), "AnalyticsReady", ("AccessDenied", words), &[]).await;
}

#[tokio::test]
async fn a_bucket_name_that_is_taken() {
    let (sandbox, other) = (Sandbox::new("refusals-bucket").await, Sandbox::new("refusals-bucket::other").await);
    let location = aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint("eu-west-1".into());
    let create = other.s3().create_bucket().bucket("taken").create_bucket_configuration(location.build());
    create.send().await.unwrap();
    let cluster = Cluster::new("refusals-bucket").await;
    let change = json!({"s3": {"bucketName": "taken"}});
    let waiting = ["FlowLogsReady", "DetectorReady", "AnalyticsReady"];
    refused_in(&sandbox, &cluster, change, "BucketReady", ("Conflict", "spec.s3.bucketName"), &waiting).await;
}

#[tokio::test]
async fn a_topic_in_another_region() {
    let change = json!({"notifications": {"topicArn": "arn:aws:sns:us-east-1:123456789012:alerts"}});
    let waiting = ["AlarmsReady", "DetectorReady"];
    refused("topic", change, "NotificationsReady", ("InvalidSpec", "spec.notifications.topicArn"), &waiting).await;
}

#[tokio::test]
async fn more_trusted_networks_than_a_pattern_holds() {
    let networks: Vec<_> = (0..64).map(|third| format!("203.{third}.{}.{}/30", third * 3, (third % 64) * 4)).collect();
    let change = json!({"detections": {"externalConnections": {"trustedCidrs": networks}}});
    refused(
        "cidrs",
        change,
        "MetricFiltersReady",
        ("InvalidSpec", "spec.detections.externalConnections.trustedCidrs"),
        &[],
    )
    .await;
}
