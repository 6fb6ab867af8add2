//! The Application of the examples: the operator from its chart, and the monitors, in one.

use devenv::{project_root, wait_for};
use serde_json::{Value, json};
use testkit::rights::RELEASE_NAMESPACE;

use crate::programs::argocd::{Application, ArgoCd, example};
use crate::programs::kubernetes::documents;
use crate::programs::operator::Operator;
use crate::scene::{DEADLINE, EXAMPLE, Scene, chart};

const NAMESPACE: &str = EXAMPLE.0;
const MONITOR: &str = EXAMPLE.1;
const CRD: &str = "vpcflowmonitors.vpcflow.dev";

/// The file of the CRD within the chart.
const CRD_FILE: &str = "files/vpcflow.dev_vpcflowmonitors.yaml";

/// The repository with the chart in `chart/` and the monitors of the examples, changed.
async fn commit(scene: &Scene, change: impl FnOnce(&Scene)) -> String {
    scene.git.copy(&chart(), "chart").await;
    scene.write_example_monitors();
    change(scene);
    scene.git.commit("chart and monitors").await
}

/// The Application with its sources in the repository instead of where releases are.
fn application(scene: &Scene) -> Value {
    let mut application = example("vpc-flow-operator", Value::Null);
    let text = std::fs::read_to_string(project_root().join("examples/gitops/argocd/application.yaml")).unwrap();
    let helm = documents(&text)[0]["spec"]["sources"][0]["helm"].clone();
    let mut chart = scene.source("chart");
    chart["helm"] = helm;
    application["spec"]["sources"] = json!([chart, scene.source("monitors")]);
    application
}

async fn installed(scene: &Scene) -> (Application, Operator, ArgoCd) {
    let argocd = ArgoCd::start(&scene.kubernetes, &scene.folder).await;
    let commit = commit(scene, |_| ()).await;
    scene.kubernetes.apply(application(scene)).await;
    let operator = scene.operator().await;
    let application = argocd.application("vpc-flow-operator");
    application.wait_synced(&commit, "Healthy").await;
    (application, operator, argocd)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_comes_first_and_goes_last() {
    let scene = Scene::new("argocd-release").await;
    let (application, operator, _argocd) = installed(&scene).await;
    let deployments = scene.kubernetes.objects(("apps", "v1", "Deployment"), RELEASE_NAMESPACE);
    let deployment = deployments.get("vpc-flow-operator").await.unwrap();
    let monitor = scene.monitors(NAMESPACE).get(MONITOR).await.unwrap();
    let created = |object: &kube::api::DynamicObject| object.metadata.creation_timestamp.clone().unwrap();
    assert!(created(&deployment) <= created(&monitor), "wave 0 is healthy before wave 1 begins");
    assert_eq!(scene.alarms().await.len(), 4);

    // As long as no operator cleans up, nothing of it is deleted.
    operator.stop().await;
    application.delete().await;
    let deleted = wait_for("the monitor's deletion", DEADLINE, async || {
        let monitor = scene.monitors(NAMESPACE).get(MONITOR).await?;
        Ok(monitor.metadata.deletion_timestamp.map(|_| ()))
    });
    deleted.await.unwrap();
    // Argo CD looks at the Application again and again meanwhile.
    for _ in 0..5 {
        application.refreshed().await;
        let deployment = deployments.get("vpc-flow-operator").await.unwrap();
        assert_eq!(deployment.metadata.deletion_timestamp, None);
    }
    assert_eq!(scene.alarms().await.len(), 4);

    let operator = scene.operator().await;
    scene.wait_monitor_gone(NAMESPACE, MONITOR).await;
    application.wait_gone().await;
    assert_eq!(scene.alarms().await, Vec::<String>::new());
    assert!(deployments.get_opt("vpc-flow-operator").await.unwrap().is_none());
    // Without the CRD, monitors of others would be gone too.
    let crd = scene.kubernetes.kubectl(&["get", "crd", CRD]).await;
    assert!(crd.is_ok(), "{crd:?}");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_of_the_crd_comes_before_the_monitors_that_use_it() {
    let scene = Scene::new("argocd-upgrade").await;
    let (application, operator, _argocd) = installed(&scene).await;
    let commit = commit(&scene, |scene| {
        let crd = std::fs::read_to_string(chart().join(CRD_FILE)).unwrap();
        scene.git.write(&format!("chart/{CRD_FILE}"), &with_a_new_field(&crd));
        let monitor = scene.git.read("monitors/shop.yaml");
        scene.git.write("monitors/shop.yaml", &format!("{monitor}  laterField: 7\n"));
    })
    .await;
    application.wait_synced(&commit, "Healthy").await;
    let monitor = scene.monitors(NAMESPACE).get(MONITOR).await.unwrap();
    assert_eq!(monitor.data["spec"]["laterField"], 7);
    operator.stop().await;
}

/// The CRD of a later version.
fn with_a_new_field(crd: &str) -> String {
    let mut crd = documents(crd).remove(0);
    let schema = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    schema["laterField"] = json!({"type": "integer", "description": "A field of a later version."});
    serde_yaml_ng::to_string(&crd).unwrap()
}
