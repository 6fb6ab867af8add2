//! The cluster, the git server and the AWS account that a test has to itself.

use std::path::PathBuf;
use std::time::Duration;

use devenv::{project_root, wait_for};
use kube::Api;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use testkit::cluster::install_crds;
use testkit::rights::{RELEASE_NAMESPACE, SERVICE_ACCOUNT, rendering};
use testkit::sandbox::{REGION, Sandbox};

use crate::programs::Folder;
use crate::programs::git::{BRANCH, Git};
use crate::programs::kubernetes::Kubernetes;
use crate::programs::operator::Operator;

pub const DEADLINE: Duration = Duration::from_mins(2);

/// The VPC of the examples.
const EXAMPLE_VPC: &str = "vpc-0123456789abcdef0";

/// The namespace and the name of the examples' monitor.
pub const EXAMPLE: (&str, &str) = ("network", "shop-gitops");

/// A cluster of its own, a git server, and an AWS account.
pub struct Scene {
    pub sandbox: Sandbox,
    pub git: Git,
    pub kubernetes: Kubernetes,
    pub folder: Folder,
}

impl Scene {
    /// `name` must be unique among all tests.
    pub async fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let kubernetes = Kubernetes::start(&folder).await;
        let git = Git::start(&folder.below("git")).await;
        Self { sandbox: Sandbox::new(name).await, git, kubernetes, folder }
    }

    /// Installs the chart's objects but for the Deployment: the CRDs, and the operator's ServiceAccount with its rights.
    pub async fn install_crds_and_rights(&self) {
        install_crds(&self.kubernetes.client).await;
        self.kubernetes.create_namespace(RELEASE_NAMESPACE).await;
        for object in rendering("default") {
            if object.types.as_ref().is_some_and(|types| types.kind != "Deployment") {
                testkit::rights::apply(&self.kubernetes.client, &object).await;
            }
        }
    }

    /// A source of an Application: a folder of the repository.
    pub fn source(&self, path: &str) -> Value {
        json!({"repoURL": self.git.url(), "targetRevision": BRANCH, "path": path})
    }

    /// Starts the operator with the rights of the release, once these are there.
    pub async fn operator(&self) -> Operator {
        self.operator_with(&[]).await
    }

    /// The same, with further arguments.
    pub async fn operator_with(&self, arguments: &[&str]) -> Operator {
        let accounts = self.kubernetes.objects(("", "v1", "ServiceAccount"), RELEASE_NAMESPACE);
        let there = wait_for("the operator's ServiceAccount", DEADLINE, async || {
            Ok(accounts.get_opt(SERVICE_ACCOUNT).await?.map(|_| ()))
        });
        there.await.unwrap();
        Operator::start(self, arguments).await
    }

    /// Copies the monitors of the examples into the repository, for the sandbox's VPC.
    pub fn write_example_monitors(&self) {
        for file in std::fs::read_dir(project_root().join("examples/gitops/monitors")).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap().replace(EXAMPLE_VPC, &self.sandbox.vpc_id);
            self.git.write(&format!("monitors/{}", file.file_name().unwrap().display()), &text);
        }
    }

    pub fn monitors(&self, namespace: &str) -> Api<DynamicObject> {
        self.kubernetes.objects(("vpcflow.dev", "v1alpha1", "VpcFlowMonitor"), namespace)
    }

    /// Waits until the monitor is gone.
    pub async fn wait_monitor_gone(&self, namespace: &str, name: &str) {
        let monitors = self.monitors(namespace);
        let gone = wait_for("the monitor to be gone", DEADLINE, async || {
            Ok(monitors.get_opt(name).await?.is_none().then_some(()))
        });
        gone.await.unwrap();
    }

    /// The names of the alarms in AWS, which go with their monitor.
    pub async fn alarms(&self) -> Vec<String> {
        let inventory = self.sandbox.inventory().await;
        inventory["alarms"].as_object().unwrap().keys().cloned().collect()
    }
}

/// A monitor as a file, with these fields beside the VPC.
pub fn monitor(sandbox: &Sandbox, namespace: &str, spec: &Value) -> String {
    let mut all = json!({"vpcId": sandbox.vpc_id, "region": REGION});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let object = json!({
        "apiVersion": "vpcflow.dev/v1alpha1", "kind": "VpcFlowMonitor",
        "metadata": {"name": "shop", "namespace": namespace}, "spec": all,
    });
    serde_yaml_ng::to_string(&object).unwrap()
}

/// The folder of the chart.
pub fn chart() -> PathBuf {
    project_root().join("charts/vpc-flow-operator")
}
