//! An Application of monitors, beside an operator that somebody else has installed.

use serde_json::{Value, json};

use crate::programs::argocd::{Application, ArgoCd, State, example};
use crate::programs::git::Git;
use crate::programs::operator::Operator;
use crate::scene::{DEADLINE, Scene, monitor};

const NAMESPACE: &str = "shop";

/// A day of Argo CD's resyncs, each three minutes.
const RESYNCS: usize = 480;

/// The Application `monitors` with one monitor, Synced and Healthy.
async fn healthy(scene: &Scene) -> (Application, Operator, ArgoCd) {
    scene.install_crds_and_rights().await;
    let argocd = ArgoCd::start(&scene.kubernetes, &scene.folder).await;
    let operator = scene.operator().await;
    let commit = change(scene, &json!({})).await;
    let mut application = example("monitors", json!([scene.source("monitors")]));
    application["spec"]["destination"]["namespace"] = json!(NAMESPACE);
    scene.kubernetes.apply(application).await;
    let application = argocd.application("monitors");
    application.wait_synced(&commit, "Healthy").await;
    (application, operator, argocd)
}

/// Commits the monitor with this spec beside its VPC.
async fn change(scene: &Scene, spec: &Value) -> String {
    let git: &Git = &scene.git;
    git.write("monitors/shop.yaml", &monitor(&scene.sandbox, NAMESPACE, spec));
    // An Application may have no objects only if it says so.
    git.write("monitors/namespace.yaml", &format!("apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {NAMESPACE}\n"));
    git.commit("the monitor").await
}

#[tokio::test(flavor = "multi_thread")]
async fn health_follows_the_monitor_and_drift_in_the_cluster_is_corrected() {
    let scene = Scene::new("argocd-health").await;
    let (application, operator, _argocd) = healthy(&scene).await;

    let suspended = change(&scene, &json!({"suspend": true})).await;
    application.wait_synced(&suspended, "Suspended").await;
    let resumed = change(&scene, &json!({})).await;
    application.wait_synced(&resumed, "Healthy").await;

    // A key that does not exist: nothing helps before somebody changes the spec.
    let key = format!("arn:aws:kms:eu-west-1:{}:key/00000000-0000-0000-0000-000000000000", scene.sandbox.account);
    let broken = change(&scene, &json!({"cloudWatchLogs": {"kmsKeyArn": key}})).await;
    application.wait_synced(&broken, "Degraded").await;
    let mended = change(&scene, &json!({})).await;
    application.wait_synced(&mended, "Healthy").await;

    // Without an operator a change is never Healthy.
    operator.stop().await;
    let unseen = change(&scene, &json!({"aggregationInterval": 600})).await;
    application.wait_synced(&unseen, "Progressing").await;
    let operator = scene.operator().await;
    application.wait_synced(&unseen, "Healthy").await;

    let monitors = scene.monitors(NAMESPACE);
    scene.kubernetes.merge(&monitors, "shop", json!({"spec": {"aggregationInterval": 60}})).await;
    let corrected = devenv::wait_for("Argo CD to correct the drift", DEADLINE, async || {
        let interval = monitors.get("shop").await?.data["spec"]["aggregationInterval"].clone();
        Ok((interval == 600).then_some(()))
    });
    corrected.await.unwrap();
    application.wait_synced(&unseen, "Healthy").await;
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_resyncs_finds_no_difference_however_it_was_applied() {
    let scene = Scene::new("argocd-resyncs").await;
    let (application, operator, _argocd) = healthy(&scene).await;
    for options in [json!(["CreateNamespace=true"]), json!(["CreateNamespace=true", "ServerSideApply=true"])] {
        application.merge(json!({"spec": {"syncPolicy": {"syncOptions": options}}})).await;
        let commit = change(&scene, &json!({"tags": {"applied": options.to_string().len().to_string()}})).await;
        application.wait_synced(&commit, "Healthy").await;
        let before = application.last_sync().await;
        for resync in 0..RESYNCS / 2 {
            let state = application.refreshed().await;
            assert!(state.is("Synced", "Healthy"), "resync {resync} with {options}: {state:?}");
        }
        assert_eq!(application.last_sync().await, before, "nothing was applied again");
    }
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_goes_with_its_file_and_with_its_application() {
    let scene = Scene::new("argocd-prune").await;
    let (application, operator, _argocd) = healthy(&scene).await;
    assert_eq!(scene.alarms().await.len(), 4);
    scene.git.remove("monitors/shop.yaml");
    let pruned = scene.git.commit("no monitor").await;
    application.wait_synced(&pruned, "Healthy").await;
    scene.wait_monitor_gone(NAMESPACE, "shop").await;
    assert_eq!(scene.alarms().await, Vec::<String>::new());

    let back = change(&scene, &json!({})).await;
    application.wait_synced(&back, "Healthy").await;
    assert_eq!(scene.alarms().await.len(), 4);
    application.delete().await;
    application.wait_gone().await;
    scene.wait_monitor_gone(NAMESPACE, "shop").await;
    assert_eq!(scene.alarms().await, Vec::<String>::new());
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_revision_names_the_field_and_holds_back_neither_the_next_nor_a_deletion() {
    let scene = Scene::new("argocd-refused").await;
    let (application, operator, _argocd) = healthy(&scene).await;
    let wrong = json!({"trafficType": "SOME"});
    let refused = change(&scene, &wrong).await;
    application.refresh().await;
    let is_told = |state: &State| state.message.contains("spec.trafficType: Unsupported value");
    application.wait("the refusal", |state| state.revision == refused && is_told(state)).await;
    let monitor = scene.monitors(NAMESPACE).get("shop").await.unwrap();
    assert_eq!(monitor.data["spec"]["trafficType"], "ALL", "the monitor stays as it was");

    let mended = change(&scene, &json!({"trafficType": "REJECT"})).await;
    // By Argo CD's defaults each retry would apply the refused revision again.
    let took = application.wait_synced(&mended, "Healthy").await;
    eprintln!("a mended revision is in the cluster after {took:?}");

    let refused = change(&scene, &wrong).await;
    application.refresh().await;
    application
        .wait("the refusal", |state| state.revision == refused && state.phase == "Running" && is_told(state))
        .await;
    // A deletion waits for the end of the retries.
    application.terminate_operation().await;
    application.delete().await;
    let took = application.wait_gone().await;
    eprintln!("an Application whose sync was ended is gone after {took:?}");
    scene.wait_monitor_gone(NAMESPACE, "shop").await;
    operator.stop().await;
}
