//! Lists as long as they may be.

use serde_json::json;
use vpc_flow_operator::api::FlowLogField;
use vpc_flow_operator::api::spec::{DeletionPolicy, Subscription, SubscriptionProtocol};

use super::{Stage, is_empty};
use crate::install::admission::submit;

#[tokio::test]
async fn the_longest_lists_are_built_kept_and_removed() {
    let stage = Stage::new("hostile-limits").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let fields: Vec<_> =
        FlowLogField::ALL.iter().copied().filter(|field| !FlowLogField::OF_TAGS.contains(field)).collect();
    spec.s3.fields = fields.iter().copied().take(60).collect();
    spec.cloud_watch_logs.fields = spec.s3.fields.clone();
    spec.notifications.subscriptions = (0..50)
        .map(|number| Subscription {
            protocol: SubscriptionProtocol::Sqs,
            endpoint: format!("arn:aws:sqs:eu-west-1:{}:queue-{number}", stage.sandbox.account),
            subscription_role_arn: None,
        })
        .collect();
    spec.detector.sensitive_ports = (1..=64).collect();
    spec.detector.rules.unusual_protocol.expected_protocols = (0..32).collect();
    spec.detections.external_connections.trusted_cidrs = (0..12).map(|third| format!("203.0.{third}.0/24")).collect();
    stage.cluster.create("m", spec).await;
    stage.cluster.wait_ready("m").await;
    let topics = stage.inventory().await["topics"].clone();
    let (_, topic) = topics.as_object().unwrap().iter().next().unwrap();
    assert_eq!(topic["subscriptions"].as_array().unwrap().len(), 50);
    let before = stage.sandbox.latest_call().await;
    stage.cluster.reconcile_now("m", "at rest").await;
    assert_eq!(stage.sandbox.writes_since(before).await, []);

    // All others of the 50 are taken out at once.
    let one =
        json!([{"protocol": "sqs", "endpoint": format!("arn:aws:sqs:eu-west-1:{}:queue-7", stage.sandbox.account)}]);
    stage.cluster.change("m", json!({"notifications": {"subscriptions": one}})).await;
    stage.cluster.wait_ready("m").await;
    let topics = stage.inventory().await["topics"].clone();
    let (_, topic) = topics.as_object().unwrap().iter().next().unwrap();
    assert_eq!(topic["subscriptions"].as_array().unwrap().len(), 1, "{topic:#}");
    stage.delete("m").await;
    assert!(is_empty(&stage.inventory().await));
    stage.operator.stop().await;
}

#[tokio::test]
async fn one_more_is_refused_with_the_field() {
    let cluster = testkit::cluster::Cluster::new("hostile-too-many").await;
    let endpoints: Vec<_> =
        (0..51).map(|number| json!({"protocol": "email", "endpoint": format!("a{number}@example.com")})).collect();
    let cidrs: Vec<_> = (0..65).map(|third| format!("203.0.{third}.0/24")).collect();
    for (spec, field) in [
        (json!({"notifications": {"subscriptions": endpoints}}), "spec.notifications.subscriptions"),
        (json!({"detections": {"externalConnections": {"trustedCidrs": cidrs}}}), "trustedCidrs"),
        (json!({"cloudWatchLogs": {"logGroupName": "a".repeat(513)}}), "spec.cloudWatchLogs.logGroupName"),
        (json!({"s3": {"bucketName": "a".repeat(64)}}), "spec.s3.bucketName"),
        (json!({"s3": {"prefix": "a".repeat(257)}}), "spec.s3.prefix"),
        (json!({"analytics": {"database": "a".repeat(129)}}), "spec.analytics.database"),
        (json!({"detections": {"namespace": "a".repeat(256)}}), "spec.detections.namespace"),
        (json!({"detector": {"sensitivePorts": (1..=65).collect::<Vec<_>>()}}), "spec.detector.sensitivePorts"),
    ] {
        let refused = submit(&cluster, "m", spec).await;
        assert!(refused.as_ref().is_err_and(|error| error.contains(field)), "{field}: {refused:?}");
    }
}
