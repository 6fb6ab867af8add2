//! An overview in every state but `LimitExceeded`, which needs two hundred monitors.

use kube::api::DeleteParams;
use serde_json::json;
use vpc_flow_operator::api::VpcFlowOverview;

use super::gallery::Gallery;
use super::kstatus::Status;
use super::states::failing;
use crate::overviews::{Stage, has};
use crate::scenarios::lifecycle::denied;

#[tokio::test]
async fn every_state_of_an_overview_is_judged_right() {
    let stage = Stage::new("gitops-overview-states").await;
    let here = &stage.here;
    let emulator = &here.emulator;
    let mut gallery = Gallery::of::<VpcFlowOverview>(&stage.cluster, here);
    gallery.placeholders.push((stage.there.account.clone(), "444455556666".to_owned()));
    let operator = stage.start();
    stage.monitor_here("near").await;
    stage.monitor_there("far").await;
    operator.stop().await;

    stage.apply("o", json!({})).await;
    gallery.judge("new", "o", "Progressing", Status::InProgress).await;

    emulator.add_fault(failing(here, "monitoring", "PutDashboard")).await.unwrap();
    let operator = stage.start();
    stage
        .wait("o", "a failure", |it| {
            has(it, "DashboardReady", "False", "AwsError") && has(it, "ForwardingReady", "True", "Reconciled")
        })
        .await;
    operator.stop().await;
    gallery.judge("reconciling", "o", "Progressing", Status::InProgress).await;

    emulator.clear_faults(&here.account).await.unwrap();
    let operator = stage.start();
    stage.wait_ready("o", 2).await;
    operator.stop().await;
    gallery.judge("ready", "o", "Healthy", Status::Current).await;

    stage.apply("o", json!({"tags": {"team": "network"}})).await;
    gallery.judge("outdated", "o", "Progressing", Status::InProgress).await;

    let operator = stage.start_with(|options| options.allowed_roles.0.clear());
    stage
        .wait("o", "a refusal", |it| {
            has(it, "Ready", "False", "AccessDenied") && has(it, "DashboardReady", "True", "Reconciled")
        })
        .await;
    operator.stop().await;
    gallery.judge("access-denied", "o", "Degraded", Status::Failed).await;

    let events = aws_sdk_eventbridge::Client::new(&here.config);
    let topic = stage.overviews.get("o").await.unwrap().status.unwrap().topic_arn.unwrap();
    let bus = topic.replace(":sns:", ":events:").replace("-alerts", "").replacen("vfm-o-", "event-bus/vfm-o-", 1);
    let key = "vpcflow.dev/owner";
    events.untag_resource().resource_arn(&bus).tag_keys(key).send().await.unwrap();
    let operator = stage.start();
    stage
        .wait("o", "a conflict", |it| {
            has(it, "Ready", "False", "Conflict") && has(it, "DashboardReady", "True", "Reconciled")
        })
        .await;
    operator.stop().await;
    gallery.judge("conflict", "o", "Degraded", Status::Failed).await;
    let owner = format!("test/{}/overview/o", stage.cluster.namespace);
    let tag = aws_sdk_eventbridge::types::Tag::builder().key(key).value(owner).build().unwrap();
    events.tag_resource().resource_arn(&bus).tags(tag).send().await.unwrap();
    let operator = stage.start();
    stage.wait_ready("o", 2).await;

    stage.apply("o", json!({"tags": {"team": "network"}, "suspend": true})).await;
    stage.wait("o", "Suspended", |it| has(it, "Ready", "True", "Suspended")).await;
    gallery.judge("suspended", "o", "Suspended", Status::Current).await;
    stage.apply("o", json!({"suspend": true})).await;
    stage.wait("o", "Suspended", |it| has(it, "Ready", "False", "Suspended")).await;
    gallery.judge("suspended-with-differences", "o", "Suspended", Status::InProgress).await;
    stage.apply("o", json!({})).await;
    stage.wait_ready("o", 2).await;

    emulator.add_fault(failing(&stage.there, "events", "DeleteRule")).await.unwrap();
    stage.overviews.delete("o", &DeleteParams::default()).await.unwrap();
    stage
        .wait("o", "a failure", |it| {
            has(it, "Ready", "False", "AwsError") && it.status.as_ref().unwrap().places.len() == 1
        })
        .await;
    operator.stop().await;
    gallery.judge("deleting", "o", "Progressing", Status::Terminating).await;
    emulator.clear_faults(&stage.there.account).await.unwrap();
    emulator.add_fault(denied(&stage.there, "events", "DeleteRule")).await.unwrap();
    let operator = stage.start();
    stage.wait("o", "a refusal", |it| has(it, "Ready", "False", "AccessDenied")).await;
    operator.stop().await;
    gallery.judge("deletion-denied", "o", "Degraded", Status::Terminating).await;
    emulator.clear_faults(&stage.there.account).await.unwrap();
    let operator = stage.start();
    stage.wait_gone("o").await;
    gallery.finish();
    operator.stop().await;
}
