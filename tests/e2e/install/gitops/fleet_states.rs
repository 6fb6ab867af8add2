//! A fleet in every state.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use testkit::sandbox::REGION;
use vpc_flow_operator::api::VpcFlowFleet;

use super::gallery::Gallery;
use super::kstatus::Status;
use super::states::failing;
use crate::fleets::{Stage, ec2, has, make_prod, set_tags, small_with};
use crate::scenarios::lifecycle::denied;

#[tokio::test]
async fn every_state_of_a_fleet_is_judged_right() {
    let stage = Stage::new("gitops-fleet-states").await;
    let sandbox = &stage.here;
    let emulator = &sandbox.emulator;
    let mut gallery = Gallery::of::<VpcFlowFleet>(&stage.cluster, sandbox);
    set_tags(&ec2(&sandbox.config, REGION), &sandbox.vpc_id, &[("env", "prod")]).await;

    stage.apply("f", json!({})).await;
    gallery.judge("new", "f", "Progressing", Status::InProgress).await;

    emulator.add_fault(failing(sandbox, "sns", "CreateTopic")).await.unwrap();
    let operator = stage.start();
    stage.wait_reason("f", "MonitorsNotReady").await;
    operator.stop().await;
    gallery.judge("monitors-not-ready", "f", "Progressing", Status::InProgress).await;

    emulator.clear_faults(&sandbox.account).await.unwrap();
    let operator = stage.start();
    stage.wait_ready("f").await;
    operator.stop().await;
    gallery.judge("ready", "f", "Healthy", Status::Current).await;

    stage.apply("f", json!({"template": small_with("trafficType", json!("SOME"))})).await;
    gallery.judge("outdated", "f", "Progressing", Status::InProgress).await;
    let operator = stage.start();
    stage.wait_reason("f", "InvalidSpec").await;
    gallery.judge("invalid-template", "f", "Degraded", Status::Failed).await;

    let second = make_prod(sandbox).await;
    gallery.placeholders.push((second.replace("vpc-", ""), "0123456789abcdef1".to_owned()));
    stage.apply("f", json!({"maxMonitors": 1})).await;
    stage.wait_reason("f", "LimitExceeded").await;
    gallery.judge("limit", "f", "Degraded", Status::Failed).await;
    stage.apply("f", json!({})).await;
    stage.wait_ready("f").await;

    let topic = format!("arn:aws:sns:{REGION}:{}:missing", sandbox.account);
    stage.apply("f", json!({"template": small_with("notifications", json!({"topicArn": topic}))})).await;
    stage.wait_reason("f", "RolloutStopped").await;
    gallery.judge("rollout-stopped", "f", "Degraded", Status::Failed).await;
    stage.apply("f", json!({})).await;
    stage.wait_ready("f").await;

    stage.apply("f", json!({"suspend": true})).await;
    stage.wait("f", "Suspended", |fleet| has(fleet, "Ready", "True", "Suspended")).await;
    gallery.judge("suspended", "f", "Suspended", Status::Current).await;
    let third = make_prod(sandbox).await;
    stage.search("f", "third").await;
    stage.wait_reason("f", "Suspended").await;
    gallery.judge("suspended-with-differences", "f", "Suspended", Status::InProgress).await;
    set_tags(&ec2(&sandbox.config, REGION), &third, &[("env", "dev")]).await;
    stage.apply("f", json!({})).await;
    stage.wait_ready("f").await;

    emulator.add_fault(denied(sandbox, "ec2", "DescribeVpcs")).await.unwrap();
    stage.search("f", "denied").await;
    stage.wait_reason("f", "AccessDenied").await;
    gallery.judge("access-denied", "f", "Degraded", Status::Failed).await;
    emulator.clear_faults(&sandbox.account).await.unwrap();
    stage.search("f", "granted").await;
    stage.wait_ready("f").await;

    // As Argo CD deletes. There is no garbage collector beside this API server, which would delete the monitors first.
    stage.fleets.delete("f", &DeleteParams::foreground()).await.unwrap();
    gallery.judge("deleting", "f", "Progressing", Status::Terminating).await;
    let no_finalizers = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    stage.fleets.patch("f", &PatchParams::default(), &no_finalizers).await.unwrap();
    gallery.finish();
    stage.clear(operator).await;
}
