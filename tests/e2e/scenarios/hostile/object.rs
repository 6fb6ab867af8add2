//! A Kubernetes object that people handle carelessly.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use vpc_flow_operator::api::FINALIZER;
use vpc_flow_operator::api::spec::DeletionPolicy;

use super::{Stage, is_empty};
use testkit::cluster::is;

#[tokio::test]
async fn a_finalizer_taken_off_is_put_back() {
    let stage = Stage::new("hostile-finalizer").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    stage.cluster.create("m", spec).await;
    stage.cluster.wait_ready("m").await;
    let off = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    stage.cluster.monitors.patch("m", &PatchParams::default(), &off).await.unwrap();
    let has_it = |monitor: &vpc_flow_operator::api::VpcFlowMonitor| {
        monitor.metadata.finalizers.as_ref().is_some_and(|all| all.iter().any(|each| each == FINALIZER))
    };
    stage.cluster.wait("m", "the finalizer", has_it).await;
    stage.delete("m").await;
    assert!(is_empty(&stage.inventory().await));
    stage.operator.stop().await;
}

#[tokio::test]
async fn what_a_monitor_forced_away_has_left_is_taken_back_by_one_of_its_name() {
    let Stage { sandbox, cluster, operator } = Stage::new("hostile-forced").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    cluster.create("m", spec.clone()).await;
    cluster.wait_ready("m").await;
    let before = sandbox.inventory().await;
    operator.stop().await;
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    let off = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    cluster.monitors.patch("m", &PatchParams::default(), &off).await.unwrap();
    cluster.wait_gone("m").await;

    let operator = testkit::cluster::Operator::start(&cluster, &sandbox);
    cluster.create("m", spec).await;
    cluster.wait_ready("m").await;
    assert_eq!(sandbox.inventory().await, before);
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    assert!(is_empty(&sandbox.inventory().await));
    operator.stop().await;
}

/// All annotations together have at most 256 KiB.
const ANNOTATION_BYTES: usize = 200 * 1024;

#[tokio::test]
async fn junk_in_labels_and_annotations_changes_nothing() {
    let stage = Stage::new("hostile-junk").await;
    stage.cluster.create("m", stage.sandbox.spec()).await;
    let ready = stage.cluster.wait_ready("m").await;
    let (inventory, before) = (stage.inventory().await, stage.sandbox.latest_call().await);
    let junk = json!({"metadata": {
        "labels": {"app.kubernetes.io/name": "x".repeat(63), "vpcflow.dev/owner": "somebody", "a.b/c": ""},
        "annotations": {"junk": "\u{202e}\u{1f4a3}${x}{{ y }}'\";--\n".repeat(ANNOTATION_BYTES / 32), "vpcflow.dev/owner": "test/other/m",
            "vpcflow.dev/cleanup": "true", "aws:x": ""},
    }});
    let too_much = json!({"metadata": {"annotations": {"junk": "x".repeat(1024 * 1024)}}});
    let refused = stage.cluster.monitors.patch("m", &PatchParams::default(), &Patch::Merge(too_much)).await;
    assert!(refused.is_err_and(|error| error.to_string().contains("annotations")));
    // The keys that Kubernetes takes; it refuses `aws:x`.
    let refused = stage.cluster.monitors.patch("m", &PatchParams::default(), &Patch::Merge(&junk)).await;
    assert!(refused.is_err());
    let mut accepted = junk;
    accepted["metadata"]["annotations"].as_object_mut().unwrap().remove("aws:x");
    stage.cluster.monitors.patch("m", &PatchParams::default(), &Patch::Merge(&accepted)).await.unwrap();
    let after = stage.cluster.reconcile_now("m", "\u{202e}'; --").await;
    assert!(is(&after, "Ready", "True"));
    let systems = |monitor: &vpc_flow_operator::api::VpcFlowMonitor| monitor.status.clone().unwrap().resources;
    assert_eq!(systems(&after), systems(&ready));
    assert_eq!(stage.inventory().await, inventory);
    assert_eq!(stage.sandbox.writes_since(before).await, []);
    stage.operator.stop().await;
}
