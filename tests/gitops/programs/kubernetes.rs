//! A cluster: API server, controllers and scheduler of Kubernetes, and one node whose kubelet is kwok.

use std::path::Path;
use std::time::Duration;

use devenv::{ControlPlane, Supervised, provided_by, supervised_command, wait_for};
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::{Api, Client, Config};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Folder;

const DEADLINE: Duration = Duration::from_mins(2);

/// The controllers that a GitOps tool needs of a cluster.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,deployment-controller,replicaset-controller,serviceaccount-controller";

pub struct Kubernetes {
    pub client: Client,
    control_plane: ControlPlane,
    _controllers: [Supervised; 3],
}

impl Kubernetes {
    pub async fn start(folder: &Folder) -> Self {
        let folder_of_kubernetes = folder.below("kubernetes");
        let (control_plane, controllers, kwok) = tokio::join!(
            ControlPlane::start(&folder_of_kubernetes),
            provided_by("devenv/control-plane/controllers.sh"),
            provided_by("tools/others/kwok/build.sh"),
        );
        let (control_plane, controllers, kwok) = (control_plane.unwrap(), controllers.unwrap(), kwok.unwrap());
        let kubeconfig = control_plane.kubeconfig().to_owned();
        let spawn = |name: &str, program: &Path, arguments: &[&str]| {
            let mut command = supervised_command(program);
            command.arg("--kubeconfig").arg(&kubeconfig).args(arguments);
            Supervised::spawn(name, command, &folder.path().join(format!("{name}.log"))).unwrap()
        };
        let managers = ["--leader-elect=false", "--secure-port=0", "--authentication-skip-lookup=true"];
        let controllers = [
            spawn(
                "kube-controller-manager",
                &controllers.join("kube-controller-manager"),
                &[&managers[..], &["--controllers", CONTROLLERS]].concat(),
            ),
            spawn("kube-scheduler", &controllers.join("kube-scheduler"), &managers),
            spawn(
                "kwok",
                &kwok.join("kwok"),
                &["--manage-all-nodes", "--server-address=", &stages(&kwok.join("stages"), folder)],
            ),
        ];
        let client = client(&kubeconfig).await;
        let kubernetes = Self { client, control_plane, _controllers: controllers };
        kubernetes.add_node().await;
        kubernetes
    }

    pub fn kubeconfig(&self) -> &Path {
        self.control_plane.kubeconfig()
    }

    /// Runs `kubectl` as an administrator. Returns its standard output, or its standard error if it fails.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.control_plane.kubectl_command().args(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
    }

    async fn add_node(&self) {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node", "labels": {"kubernetes.io/os": "linux"}}});
        nodes.create(&PostParams::default(), &serde_json::from_value(node).unwrap()).await.unwrap();
        // The API server marks a new node as not ready, and a controller that is not needed otherwise takes the mark away.
        let untainted = Patch::Merge(json!({"spec": {"taints": null}}));
        nodes.patch("node", &PatchParams::default(), &untainted).await.unwrap();
        wait_for("kwok to keep the node", DEADLINE, async || {
            let status = nodes.get("node").await?.status.unwrap_or_default();
            let is_ready = status.conditions.iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True");
            Ok(is_ready.then_some(()))
        })
        .await
        .unwrap();
    }

    /// Objects of any kind in a namespace, such as `("argoproj.io", "v1alpha1", "Application")`.
    pub fn objects(&self, kind: (&str, &str, &str), namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(kind.0, kind.1, kind.2));
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    /// Applies an object.
    pub async fn apply(&self, object: Value) {
        testkit::rights::apply(&self.client, &serde_json::from_value(object).unwrap()).await;
    }

    /// Applies all objects in the YAML files of a folder, and waits until its CRDs are served.
    pub async fn apply_files(&self, folder: &Path, namespace: &str) {
        for mut object in objects_of(folder) {
            if object["kind"] == "CustomResourceDefinition" {
                let crd: CustomResourceDefinition = serde_json::from_value(object.clone()).unwrap();
                self.apply(object).await;
                self.wait_served(&crd).await;
            } else {
                object["metadata"]["namespace"] = json!(namespace);
                self.apply(object).await;
            }
        }
    }

    async fn wait_served(&self, crd: &CustomResourceDefinition) {
        let path = format!("/apis/{}/{}/{}", crd.spec.group, crd.spec.versions[0].name, crd.spec.names.plural);
        let served = wait_for("the CRD to be served", DEADLINE, async || {
            Ok(self.kubectl(&["get", "--raw", &path]).await.is_ok().then_some(()))
        });
        served.await.unwrap();
    }

    pub async fn create_namespace(&self, name: &str) {
        self.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await;
    }

    /// Merges into an object.
    pub async fn merge(&self, api: &Api<DynamicObject>, name: &str, change: Value) {
        api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }
}

/// The option that makes nodes and pods ready at once, by kwok's own stages.
fn stages(from: &Path, folder: &Folder) -> String {
    let stages = ["node/fast", "node/heartbeat", "pod/fast"].map(|stage| {
        let objects = objects_of(&from.join(stage));
        let of_stages = objects.iter().filter(|object| object["kind"] == "Stage");
        of_stages.map(|stage| serde_yaml_ng::to_string(stage).unwrap()).collect::<Vec<_>>().join("---\n")
    });
    let config = folder.path().join("kwok.yaml");
    std::fs::write(&config, stages.join("---\n")).unwrap();
    format!("--config={}", config.display())
}

/// The objects in the YAML files of a folder, but for those of kustomize.
pub fn objects_of(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "yaml") && !file.ends_with("kustomization.yaml"));
    files.sort();
    files.iter().flat_map(|file| documents(&std::fs::read_to_string(file).unwrap())).collect()
}

/// The objects of a YAML file.
pub fn documents(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

async fn client(kubeconfig: &Path) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}
