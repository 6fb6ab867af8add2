//! The parts of a rendering of the chart that run the operator: its ServiceAccount, its rules and its arguments.

use std::path::PathBuf;

use devenv::ControlPlane;
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowOverview};

use crate::process::Process;
use crate::scenarios::years::own::control_plane;
use testkit::cluster::{Cluster, install_crds};
use testkit::rights::{
    self, LEASE, RELEASE_NAMESPACE, acting_as_operator, apply, rendering, title, wait_until_allowed,
};
use testkit::sandbox::Sandbox;

/// A verb of a rule.
pub struct Right {
    object: DynamicObject,
    rule: usize,
    pub verb: String,
    /// With its subresource, as in RBAC.
    pub resource: String,
}

impl Right {
    /// The role without this right.
    fn taken_away(&self) -> DynamicObject {
        let mut object = self.object.clone();
        let verbs = object.data["rules"][self.rule]["verbs"].as_array_mut().unwrap();
        verbs.retain(|verb| verb.as_str() != Some(&self.verb));
        // A rule without verbs is none.
        if verbs.is_empty() {
            object.data["rules"].as_array_mut().unwrap().remove(self.rule);
        }
        object
    }

    /// The attributes that ask Kubernetes for the right.
    fn attributes(&self, anywhere: &str) -> ResourceAttributes {
        let rule = &self.object.data["rules"][self.rule];
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (self.resource.as_str(), None),
        };
        ResourceAttributes {
            group: rule["apiGroups"][0].as_str().map(str::to_owned),
            resource: Some(resource.to_owned()),
            subresource,
            verb: Some(self.verb.clone()),
            namespace: Some(self.object.namespace().unwrap_or_else(|| anywhere.to_owned())),
            name: rule["resourceNames"][0].as_str().map(str::to_owned),
            ..ResourceAttributes::default()
        }
    }

    /// Kubernetes' error message if the right is missing.
    pub fn refusal(&self) -> String {
        if self.resource.ends_with("/finalizers") {
            // An admission plugin asks for it.
            return "cannot set blockOwnerDeletion".to_owned();
        }
        format!("cannot {} resource \"{}\"", self.verb, self.resource)
    }

    pub fn title(&self) -> String {
        format!("{}: {} {}", title(&self.object), self.verb, self.resource)
    }
}

/// A control plane with the ServiceAccount and the rules of a rendering.
pub struct Installed {
    name: &'static str,
    _control_plane: ControlPlane,
    client: Client,
    kubeconfig: PathBuf,
    objects: Vec<DynamicObject>,
    /// One for each namespace with monitors.
    pub clusters: Vec<Cluster>,
}

impl Installed {
    /// `name` is the rendering's; `namespaces` are those of the monitors.
    pub async fn new(name: &'static str, namespaces: &[&str]) -> Self {
        let (control_plane, client) = control_plane(&format!("chart-rules-{name}")).await;
        install_crds(&client).await;
        let mut clusters = Vec::new();
        let all: Api<Namespace> = Api::all(client.clone());
        for namespace in std::iter::once(&RELEASE_NAMESPACE).chain(namespaces) {
            let object: Namespace = serde_json::from_value(json!({"metadata": {"name": namespace}})).unwrap();
            all.create(&PostParams::default(), &object).await.unwrap();
        }
        for namespace in namespaces {
            let monitors = Api::namespaced(client.clone(), namespace);
            let (client, operator) = (client.clone(), acting_as_operator(&client, RELEASE_NAMESPACE));
            clusters.push(Cluster { client, operator, namespace: (*namespace).to_owned(), monitors });
        }
        let objects = rendering(name);
        let kinds = ["ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"];
        for object in &objects {
            if kinds.contains(&object.types.as_ref().unwrap().kind.as_str()) {
                apply(&client, object).await;
            }
        }
        let token = rights::token(&client, RELEASE_NAMESPACE).await;
        let kubeconfig = rights::kubeconfig(control_plane.kubeconfig(), &token, &format!("chart-rules-{name}"));
        let installed = Self { name, _control_plane: control_plane, client, kubeconfig, objects, clusters };
        for right in installed.rights() {
            installed.wait(&right, true).await;
        }
        installed
    }

    /// Every verb of every rule that is bound to the operator's account.
    pub fn rights(&self) -> Vec<Right> {
        let bound: Vec<&Value> = self.objects.iter().map(|object| &object.data["roleRef"]["name"]).collect();
        let roles = self.objects.iter().filter(|object| bound.contains(&&Value::from(object.name_any())));
        let mut rights = Vec::new();
        for object in roles {
            for (rule, rules) in object.data["rules"].as_array().into_iter().flatten().enumerate() {
                for resource in rules["resources"].as_array().unwrap() {
                    for verb in rules["verbs"].as_array().unwrap() {
                        let (verb, resource) =
                            (verb.as_str().unwrap().to_owned(), resource.as_str().unwrap().to_owned());
                        rights.push(Right { object: object.clone(), rule, verb, resource });
                    }
                }
            }
        }
        rights
    }

    pub async fn take_away(&self, right: &Right) {
        apply(&self.client, &right.taken_away()).await;
        self.wait(right, false).await;
    }

    pub async fn give_back(&self, right: &Right) {
        apply(&self.client, &right.object).await;
        self.wait(right, true).await;
    }

    async fn wait(&self, right: &Right, allowed: bool) {
        let operator = acting_as_operator(&self.client, RELEASE_NAMESPACE);
        wait_until_allowed(&operator, &right.attributes(&self.clusters[0].namespace), allowed).await;
    }

    /// The operator with the rendering's arguments, but for the port.
    pub fn start(&self, run: usize, sandbox: &Sandbox) -> Process {
        let deployment = self.objects.iter().find(|object| title(object).starts_with("Deployment/")).unwrap();
        let arguments = deployment.data["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
        let arguments = arguments.iter().map(|argument| match argument.as_str().unwrap() {
            address if address.starts_with("--metrics-addr=") => "--metrics-addr=127.0.0.1:0",
            other => other,
        });
        let name = format!("chart-rules-{}-{run}", self.name);
        Process::run(&name, sandbox, sandbox.emulator.endpoint(), &self.kubeconfig, arguments)
    }

    /// Removes the fleets, the monitors and the lease that a killed operator has left.
    pub async fn clean_up(&self) {
        for cluster in &self.clusters {
            let fleets: Api<VpcFlowFleet> = Api::namespaced(self.client.clone(), &cluster.namespace);
            fleets.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
            let overviews: Api<VpcFlowOverview> = Api::namespaced(self.client.clone(), &cluster.namespace);
            let no_finalizers = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            for overview in overviews.list(&ListParams::default()).await.unwrap() {
                let name = overview.name_any();
                // An overview whose deletion has begun may be gone by now.
                let _ = overviews.patch(&name, &PatchParams::default(), &no_finalizers).await;
                let _ = overviews.delete(&name, &DeleteParams::default()).await;
            }
            for monitor in cluster.monitors.list(&ListParams::default()).await.unwrap() {
                let name = monitor.name_any();
                cluster.monitors.patch(&name, &PatchParams::default(), &no_finalizers).await.unwrap();
                // A monitor whose deletion has begun is gone by now.
                let _ = cluster.monitors.delete(&name, &DeleteParams::default()).await;
                cluster.wait_gone(&name).await;
            }
        }
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), RELEASE_NAMESPACE);
        if leases.get_opt(LEASE).await.unwrap().is_some() {
            leases.delete(LEASE, &DeleteParams::default()).await.unwrap();
        }
    }
}
