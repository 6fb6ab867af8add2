//! Events and conditions report changes and causes: short, and all of them.

use serde_json::json;
use testkit::cluster::{Cluster, Operator, is, message};
use testkit::sandbox::Sandbox;

use super::lifecycle::denied;

/// Longest note of an event without failures, in characters.
const NOTE: usize = 300;

#[tokio::test]
async fn events_are_short_and_show_only_the_change() {
    let (sandbox, cluster) = (Sandbox::new("reports::events").await, Cluster::new("reports-events").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    let created = cluster.events().await;
    assert!(created.iter().all(|(_, note)| note.chars().count() < NOTE), "{created:#?}");
    assert!(created.iter().any(|(_, note)| note.contains(" saved queries")), "{created:#?}");

    let rejected = json!({"rejectedConnections": {"threshold": 5}});
    cluster.change("m", json!({"detections": rejected, "tags": {"example.com/team": "network"}})).await;
    cluster.wait_ready("m").await;
    let events = cluster.events().await;
    let updated: Vec<_> =
        events.iter().filter(|(reason, _)| reason == "Updated").map(|(_, note)| note.as_str()).collect();
    assert!(updated.iter().all(|note| note.chars().count() < NOTE), "{updated:#?}");
    let alarm = updated.iter().find(|note| note.contains("threshold: 50 → 5")).unwrap();
    assert!(!alarm.contains("description"), "the description repeats the threshold: {alarm}");
    let topic = updated.iter().find(|note| note.starts_with("topic ")).unwrap();
    assert!(topic.contains(r#"tags["example.com/team"]: none → network"#), "{topic}");
    assert!(!topic.contains("vpcflow.dev/owner"), "it has not changed: {topic}");
    operator.stop().await;
}

#[tokio::test]
async fn a_change_of_the_spec_is_never_reported_as_a_repair() {
    let (sandbox, cluster) = (Sandbox::new("reports::renamed").await, Cluster::new("reports-renamed").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    cluster.change("m", json!({"cloudWatchLogs": {"logGroupName": "/renamed"}})).await;
    cluster.wait_ready("m").await;
    cluster.reconcile_now("m", "after").await;
    let events = cluster.events().await;
    let of_role = |reason: &str| {
        events.iter().any(|(known, note)| known == reason && note.contains("-delivery") && note.contains("Resource"))
    };
    assert!(of_role("Updated"), "the role loses the former log group: {events:#?}");
    assert!(events.iter().all(|(reason, _)| reason != "Repaired"), "{events:#?}");
    operator.stop().await;
}

#[tokio::test]
async fn ready_names_every_cause_and_all_missing_permissions() {
    let (sandbox, cluster) = (Sandbox::new("reports::causes").await, Cluster::new("reports-causes").await);
    for (service, operation) in [("iam", "CreateRole"), ("sns", "CreateTopic")] {
        sandbox.emulator.add_fault(denied(&sandbox, service, operation)).await.unwrap();
    }
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    let ready = message(&stalled, "Ready");
    assert!(ready.starts_with("DeliveryRoleReady: role "), "{ready}");
    assert!(ready.contains("(also: NotificationsReady: AccessDenied)"), "{ready}");
    let (_, together) = ready.split_once("; missing permissions in all: ").unwrap();
    assert!(together.contains("iam:CreateRole") && together.contains("sns:CreateTopic"), "{ready}");
    assert_eq!(message(&cluster.reconcile_now("m", "again").await, "Ready"), ready, "it stays the same at rest");
    operator.stop().await;
}
