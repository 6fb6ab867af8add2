//! Drift, conflicts and accounts that fail.

use kube::api::{Patch, PatchParams};
use serde_json::json;
use vpc_flow_operator::api::VpcFlowOverview;

use super::{Stage, THERE, has, in_region, message};

async fn reconcile_now(stage: &Stage, token: &str) -> VpcFlowOverview {
    let patch = json!({"metadata": {"annotations": {"vpcflow.dev/reconcile-requested-at": token}}});
    stage.overviews.patch("all", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    stage
        .wait("all", "the requested pass", |overview| {
            let handled = overview.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
            handled == Some(token) && has(overview, "Ready", "True", "Reconciled")
        })
        .await
}

#[tokio::test]
async fn drift_is_repaired_in_all_accounts() {
    let stage = Stage::new("overview-drift").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    stage.apply("all", json!({})).await;
    let overview = stage.wait_ready("all", 1).await;
    let before = inventories(&stage).await;
    let base = overview.status.unwrap().topic_arn.unwrap().rsplit(':').next().unwrap().replace("-alerts", "");
    let here = aws_sdk_eventbridge::Client::new(&stage.here.config);
    here.remove_permission().event_bus_name(&base).remove_all_permissions(true).send().await.unwrap();
    let rule = format!("{base}-alarms");
    here.disable_rule().name(&rule).event_bus_name(&base).send().await.unwrap();
    let there = aws_sdk_eventbridge::Client::new(&in_region(&stage.there.config, THERE));
    let forward = format!("{base}-forward-1");
    there.remove_targets().rule(&forward).ids("overview").send().await.unwrap();
    there.delete_rule().name(&forward).send().await.unwrap();
    let iam = aws_sdk_iam::Client::new(&stage.there.config);
    iam.delete_role_policy().role_name(format!("{base}-forward")).policy_name("forward").send().await.unwrap();
    assert_ne!(inventories(&stage).await, before);
    reconcile_now(&stage, "drift").await;
    assert_eq!(inventories(&stage).await, before);
    let events = stage.cluster.events().await;
    assert!(events.iter().any(|(reason, _)| reason == "Created"), "{events:#?}");
    stage.delete("all").await;
    operator.stop().await;
}

async fn inventories(stage: &Stage) -> Vec<serde_json::Value> {
    let emulator = &stage.here.emulator;
    let home = emulator.inventory(&stage.here.account, testkit::sandbox::REGION).await.unwrap();
    let there = emulator.inventory(&stage.there.account, THERE).await.unwrap();
    let kinds = ["eventBuses", "eventRules", "topics", "dashboards", "roles"];
    [home, there].iter().flat_map(|all| kinds.map(|kind| all[kind].clone())).collect()
}

#[tokio::test]
async fn a_place_that_fails_holds_up_no_other() {
    let stage = Stage::new("overview-place-fails").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    stage.monitor_here("near").await;
    operator.stop().await;
    let operator = stage.start_with(|options| options.allowed_roles.0.clear());
    stage.apply("all", json!({})).await;
    let overview =
        stage.wait("all", "a refusal", |overview| has(overview, "ForwardingReady", "False", "AccessDenied")).await;
    assert!(message(&overview, "ForwardingReady").contains(&stage.there.account), "{overview:#?}");
    let is_ready = |overview: &VpcFlowOverview| has(overview, "DashboardReady", "True", "Reconciled");
    stage.wait("all", "the dashboard", is_ready).await;
    let left = stage.left().await;
    let here = left.iter().filter(|it| it.starts_with(&stage.here.account));
    assert!(here.clone().any(|it| it.contains("-forward-1")), "{left:?}");
    assert_eq!(here.count(), left.len());
    operator.stop().await;
    let operator = stage.start();
    stage.wait_ready("all", 2).await;
    stage.delete("all").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_suspended_overview_changes_nothing() {
    let stage = Stage::new("overview-suspended").await;
    let operator = stage.start();
    stage.monitor_here("near").await;
    stage.apply("all", json!({"suspend": true})).await;
    let overview = stage.wait("all", "suspension", |overview| has(overview, "Ready", "False", "Suspended")).await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    assert!(message(&overview, "ForwardingReady").contains("event bus"), "{overview:#?}");
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    stage.delete("all").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_resource_of_others_is_a_conflict_and_stays() {
    let stage = Stage::new("overview-conflict").await;
    let operator = stage.start();
    stage.apply("all", json!({})).await;
    let ready = stage.wait_ready("all", 0).await;
    let topic = ready.status.unwrap().topic_arn.unwrap();
    let base = topic.rsplit(':').next().unwrap().replace("-alerts", "");
    stage.delete("all").await;
    let events = aws_sdk_eventbridge::Client::new(&stage.here.config);
    events.create_event_bus().name(&base).send().await.unwrap();
    stage.apply("all", json!({})).await;
    let overview = stage.wait("all", "a conflict", |overview| has(overview, "Ready", "False", "Conflict")).await;
    assert!(message(&overview, "Ready").contains("event bus"), "{overview:#?}");
    stage.delete("all").await;
    assert_eq!(stage.left().await.len(), 1, "the bus of others");
    operator.stop().await;
}
