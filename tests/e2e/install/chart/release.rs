//! A release from its installation to its end.

use std::path::Path;

use devenv::ControlPlane;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::PostParams;
use kube::{Api, Client, CustomResourceExt, ResourceExt};
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;

use super::helm::{Helm, chart};
use crate::scenarios::years::own::control_plane;
use testkit::rights::{RELEASE_NAMESPACE, rendering, title};

const RELEASE: &str = "vpc-flow-operator";
/// A column of the CRD that the previous chart does not have.
const NEW_COLUMN: &str = "Message";

struct World {
    _control_plane: ControlPlane,
    client: Client,
    helm: Helm,
    chart: String,
}

impl World {
    async fn new(test: &str) -> Self {
        let (control_plane, client) = control_plane(test).await;
        let helm = Helm::new(control_plane.kubeconfig(), test).await;
        let chart = chart().to_str().unwrap().to_owned();
        Self { _control_plane: control_plane, client, helm, chart }
    }

    /// A command of Helm for the release.
    async fn helm(&self, command: &[&str], options: &[&str]) -> Result<String, String> {
        self.helm.run(&[command, &["--namespace", RELEASE_NAMESPACE], options].concat()).await
    }

    async fn install(&self, chart: &str, options: &[&str]) -> Result<String, String> {
        self.helm(&["install", RELEASE, chart, "--create-namespace"], options).await
    }

    async fn upgrade(&self, options: &[&str]) -> Result<String, String> {
        self.helm(&["upgrade", RELEASE, &self.chart], options).await
    }

    async fn uninstall(&self) {
        self.helm(&["uninstall", RELEASE], &[]).await.unwrap();
    }

    async fn crd(&self) -> Option<CustomResourceDefinition> {
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        crds.get_opt(&VpcFlowMonitor::crd().name_any()).await.unwrap()
    }

    async fn has_new_column(&self) -> bool {
        let versions = self.crd().await.unwrap().spec.versions;
        versions[0].additional_printer_columns.iter().flatten().any(|column| column.name == NEW_COLUMN)
    }

    /// The monitor of a namespace, by its identity.
    async fn monitor(&self, namespace: &str) -> Option<String> {
        let monitors: Api<VpcFlowMonitor> = Api::namespaced(self.client.clone(), namespace);
        monitors.get_opt("m").await.unwrap().and_then(|monitor| monitor.uid())
    }

    async fn deployment(&self) -> Option<Deployment> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), RELEASE_NAMESPACE);
        deployments.get_opt(RELEASE).await.unwrap()
    }

    async fn create_namespace(&self, name: &str) {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": name}})).unwrap();
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    }

    /// Waits until the deletion of the CRD is finished.
    async fn wait_gone(&self) {
        devenv::wait_for("the CRD to be gone", crate::process::DEADLINE, async || {
            Ok(self.crd().await.is_none().then_some(()))
        })
        .await
        .unwrap();
    }
}

/// Turns the chart into a previous version: its CRD lacks a column, and its operator a flag.
fn make_previous(chart: &Path) {
    let file = chart.join("files/vpcflow.dev_vpcflowmonitors.yaml");
    let mut crd: Value = serde_yaml_ng::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let columns = crd["spec"]["versions"][0]["additionalPrinterColumns"].as_array_mut().unwrap();
    columns.retain(|column| column["name"] != NEW_COLUMN);
    let text = serde_yaml_ng::to_string(&crd).unwrap();
    std::fs::write(&file, text).unwrap();
    let file = chart.join("values.yaml");
    let values = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, values.replace("concurrency: 4", "concurrency: 2")).unwrap();
}

fn monitors(spec: &Value) -> Value {
    json!({"monitors": [
        {"name": "m", "namespace": "kept", "spec": spec},
        {"name": "m", "namespace": "loose", "keep": false, "spec": spec},
    ]})
}

#[tokio::test]
async fn a_release_is_installed_upgraded_rolled_back_and_uninstalled() {
    let world = World::new("chart-release").await;
    for namespace in ["kept", "loose"] {
        world.create_namespace(namespace).await;
    }
    let with_monitors = world.helm.values("monitors.json", &monitors(&json!({"vpcId": "vpc-0a0a0a0a"})));

    // Monitors cannot come before their kind.
    let refused = world.install(&world.chart, &["--values", &with_monitors]).await.unwrap_err();
    assert!(refused.contains("install without `monitors` first"), "{refused}");
    assert!(world.crd().await.is_none());

    let previous = world.helm.package("0.0.9", make_previous).await;
    let notes = world.install(&previous, &["--set", "clusterName=test"]).await.unwrap();
    assert!(notes.contains("rollout status deployment/vpc-flow-operator"), "{notes}");
    let crd = world.crd().await.unwrap().uid();
    assert!(!world.has_new_column().await);

    // The CRD checks the spec of a monitor; the schema of the values does not.
    let misspelt =
        world.helm.values("misspelt.json", &monitors(&json!({"vpcId": "vpc-0a0a0a0a", "regoin": "eu-west-1"})));
    let refused = world.upgrade(&["--reset-then-reuse-values", "--values", &misspelt]).await.unwrap_err();
    assert!(refused.contains("regoin"), "{refused}");

    world.upgrade(&["--reset-then-reuse-values", "--values", &with_monitors]).await.unwrap();
    assert_eq!(world.crd().await.unwrap().uid(), crd);
    assert!(world.has_new_column().await, "an upgrade brings the CRD up to date");
    let arguments = |deployment: Deployment| serde_json::to_value(deployment).unwrap().to_string();
    let upgraded = arguments(world.deployment().await.unwrap());
    assert!(upgraded.contains("--concurrency=4") && upgraded.contains("--cluster-name=test"), "{upgraded}");
    let kept = world.monitor("kept").await.unwrap();
    world.monitor("loose").await.unwrap();

    world.helm(&["rollback", RELEASE, "1"], &[]).await.unwrap();
    assert!(!world.has_new_column().await);
    assert!(arguments(world.deployment().await.unwrap()).contains("--concurrency=2"));
    assert_eq!(world.crd().await.unwrap().uid(), crd);
    assert_eq!(world.monitor("kept").await.as_ref(), Some(&kept), "no slip ends the monitoring of a VPC");
    assert_eq!(world.monitor("loose").await, None);

    world.upgrade(&["--reset-then-reuse-values", "--values", &with_monitors]).await.unwrap();
    assert_eq!(world.monitor("kept").await.as_ref(), Some(&kept));
    world.uninstall().await;
    assert!(world.deployment().await.is_none());
    assert_eq!(world.crd().await.unwrap().uid(), crd);
    assert_eq!(world.monitor("kept").await.as_ref(), Some(&kept));
    assert_eq!(world.monitor("loose").await, None);

    // A new release takes over the kept objects, including the monitors.
    world.install(&world.chart, &["--values", &with_monitors]).await.unwrap();
    assert_eq!(world.crd().await.unwrap().uid(), crd);
    assert_eq!(world.monitor("kept").await.as_ref(), Some(&kept));

    world.upgrade(&["--reset-then-reuse-values", "--set", "crds.keep=false"]).await.unwrap();
    assert_eq!(world.monitor("kept").await, Some(kept));
    world.uninstall().await;
    world.wait_gone().await;
}

/// This version of Kubernetes accepts every object that the chart can render.
#[tokio::test]
async fn every_value_makes_objects_that_kubernetes_takes() {
    let world = World::new("chart-values").await;
    for namespace in ["network", "team-a", "team-b"] {
        world.create_namespace(namespace).await;
    }
    world.install(&world.chart, &[]).await.unwrap();
    // The first is also the last: no value of one upgrade prevents another.
    for name in ["default", "minimal", "namespaces", "fleets", "production", "host-network", "default"] {
        let values = chart().join(format!("ci/{name}-values.yaml"));
        let options = ["--reset-values", "--values", values.to_str().unwrap()];
        world.upgrade(&options).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let manifest = world.helm(&["get", "manifest", RELEASE], &[]).await.unwrap();
        for object in rendering(name) {
            let kind = title(&object).split('/').next().unwrap().to_owned();
            assert!(manifest.contains(&format!("kind: {kind}")), "{name} lacks {}", title(&object));
        }
    }
}
