//! A monitor in every state.

use devenv::Fault;
use kube::api::DeleteParams;
use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitor;

use super::gallery::Gallery;
use super::kstatus::Status;
use crate::scenarios::lifecycle::denied;
use testkit::cluster::{Cluster, Operator, is, reason};
use testkit::sandbox::Sandbox;

/// AWS fails, and it is worth trying again.
pub fn failing(sandbox: &Sandbox, service: &str, operation: &str) -> Fault {
    Fault { status: 500, times: None, ..sandbox.fault(service, operation, "InternalError", "try again") }
}

fn is_reconciling(monitor: &VpcFlowMonitor) -> bool {
    is(monitor, "Reconciling", "True") && reason(monitor, "Ready").as_deref() == Some("AwsError")
}

fn is_stalled(monitor: &VpcFlowMonitor) -> bool {
    is(monitor, "Stalled", "True")
}

#[tokio::test]
async fn every_state_is_judged_right() {
    let (sandbox, cluster) = (Sandbox::new("gitops::states").await, Cluster::new("gitops-states").await);
    let emulator = &sandbox.emulator;
    let mut gallery = Gallery::of::<VpcFlowMonitor>(&cluster, &sandbox);

    cluster.create("m", sandbox.spec()).await;
    gallery.judge("new", "m", "Progressing", Status::InProgress).await;

    emulator.add_fault(failing(&sandbox, "logs", "CreateLogGroup")).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.wait("m", "Reconciling", is_reconciling).await;
    operator.stop().await;
    gallery.judge("reconciling", "m", "Progressing", Status::InProgress).await;

    emulator.clear_faults(&sandbox.account).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.wait_ready("m").await;
    operator.stop().await;
    gallery.judge("ready", "m", "Healthy", Status::Current).await;

    cluster.change("m", json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    gallery.judge("outdated", "m", "Progressing", Status::InProgress).await;

    emulator.add_fault(denied(&sandbox, "logs", "PutRetentionPolicy")).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.wait("m", "Stalled", is_stalled).await;
    gallery.judge("access-denied", "m", "Degraded", Status::Failed).await;
    emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;

    let group = format!("/aws/vpc/flowlogs/{}/m", cluster.namespace);
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.log_group_name = Some(group);
    cluster.create("other", spec).await;
    cluster.wait("other", "Stalled", is_stalled).await;
    gallery.judge("conflict", "other", "Degraded", Status::Failed).await;
    cluster.monitors.delete("other", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("other").await;

    // A key that the delivery service may not use: everything is made, and no record arrives.
    let key = format!("arn:aws:kms:eu-west-1:{}:key/00000000-0000-0000-0000-000000000000", sandbox.account);
    cluster.change("m", json!({"s3": {"kmsKeyArn": key}})).await;
    let undelivered = |monitor: &VpcFlowMonitor| {
        reason(monitor, "Ready").as_deref() == Some("DeliveryFailed") && !is(monitor, "Reconciling", "True")
    };
    cluster.wait("m", "DeliveryFailed", undelivered).await;
    gallery.judge("delivery-failed", "m", "Degraded", Status::InProgress).await;
    cluster.change("m", json!({"s3": {"kmsKeyArn": null}})).await;
    cluster.wait_ready("m").await;

    cluster.change("m", json!({"suspend": true})).await;
    let is_suspended = |monitor: &VpcFlowMonitor| {
        is(monitor, "Ready", "True") && reason(monitor, "Ready").as_deref() == Some("Suspended")
    };
    cluster.wait("m", "Suspended", is_suspended).await;
    gallery.judge("suspended", "m", "Suspended", Status::Current).await;

    cluster.change("m", json!({"cloudWatchLogs": {"retentionDays": 30}})).await;
    let is_held_back = |monitor: &VpcFlowMonitor| {
        is(monitor, "Ready", "False") && reason(monitor, "Ready").as_deref() == Some("Suspended")
    };
    cluster.wait("m", "Suspended", is_held_back).await;
    gallery.judge("suspended-with-differences", "m", "Suspended", Status::InProgress).await;
    cluster.change("m", json!({"suspend": false})).await;
    cluster.wait_ready("m").await;

    judge_deletion(&mut gallery, &cluster).await;
    operator.stop().await;
    gallery.finish();
}

async fn judge_deletion(gallery: &mut Gallery<'_>, cluster: &Cluster) {
    let sandbox = gallery.sandbox;
    let emulator = &sandbox.emulator;
    let is_deleting = |monitor: &VpcFlowMonitor| monitor.metadata.deletion_timestamp.is_some();
    emulator.add_fault(failing(sandbox, "ec2", "DeleteFlowLogs")).await.unwrap();
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    let is_waiting = |monitor: &VpcFlowMonitor| {
        is_deleting(monitor)
            && is(monitor, "Reconciling", "True")
            && reason(monitor, "FlowLogsReady").as_deref() == Some("AwsError")
    };
    cluster.wait("m", "the deletion to wait for AWS", is_waiting).await;
    gallery.judge("deleting", "m", "Progressing", Status::Terminating).await;

    emulator.clear_faults(&sandbox.account).await.unwrap();
    emulator.add_fault(denied(sandbox, "ec2", "DeleteFlowLogs")).await.unwrap();
    cluster.wait("m", "the deletion to be Stalled", |monitor| is_deleting(monitor) && is_stalled(monitor)).await;
    gallery.judge("deletion-denied", "m", "Degraded", Status::Terminating).await;
    emulator.clear_faults(&sandbox.account).await.unwrap();
    let patch = json!({"metadata": {"annotations": {"vpcflow.dev/reconcile-requested-at": "granted-too"}}});
    let patch = kube::api::Patch::Merge(patch);
    cluster.monitors.patch("m", &kube::api::PatchParams::default(), &patch).await.unwrap();
    cluster.wait_gone("m").await;
}
