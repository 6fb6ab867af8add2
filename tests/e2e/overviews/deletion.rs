//! The end of an overview.

use serde_json::json;

use super::{Stage, has};

#[tokio::test]
async fn delete_leaves_nothing_and_touches_no_monitor() {
    let stage = Stage::new("overview-delete").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    let made = stage.left().await;
    for kind in ["eventBuses", "eventRules", "topics", "dashboards", "roles"] {
        assert!(made.iter().any(|it| it.contains(kind)), "{kind}: {made:?}");
    }
    // Gone before the overview: its place is known from the status.
    stage.cluster.delete("far").await;
    stage.cluster.wait_gone("far").await;
    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
}

#[tokio::test]
async fn retain_leaves_all_and_an_overview_of_the_name_takes_it_back() {
    let stage = Stage::new("overview-retain").await;
    let operator = stage.start();
    stage.monitor_here("near").await;
    stage.apply("all", json!({"deletionPolicy": "Retain"})).await;
    stage.wait_ready("all", 1).await;
    let made = stage.left().await;
    stage.delete("all").await;
    assert_eq!(stage.left().await, made);
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    assert_eq!(stage.left().await, made);
    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_reached_holds_back_the_deletion_and_says_so() {
    let stage = Stage::new("overview-delete-unreachable").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    operator.stop().await;
    // The namespace may no longer use the role.
    let operator = stage.start_with(|options| options.allowed_roles.0.clear());
    stage.overviews.delete("all", &kube::api::DeleteParams::default()).await.unwrap();
    let waiting = stage.wait("all", "a refusal", |overview| has(overview, "Ready", "False", "AccessDenied")).await;
    let status = waiting.status.unwrap();
    assert!(status.places[0].message.as_ref().unwrap().contains("--allowed-role"), "{status:#?}");
    operator.stop().await;
    let operator = stage.start();
    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
}
