//! The CRD is another one than the operator's: later, earlier, or looser for a while.

use devenv::ControlPlane;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::{Api, Client, CustomResourceExt, ResourceExt};
use rustix::process::Signal;
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;

use super::own::control_plane;
use crate::process::{Process, Start};
use testkit::cluster::{Cluster, install_crds, is, message, reason};
use testkit::sandbox::Sandbox;

struct World {
    _control_plane: ControlPlane,
    client: Client,
    sandbox: Sandbox,
    cluster: Cluster,
    objects: Api<DynamicObject>,
    kubeconfig: std::path::PathBuf,
    namespace: &'static str,
}

impl World {
    async fn new(namespace: &'static str) -> Self {
        let (control_plane, client) = control_plane(namespace).await;
        let sandbox = Sandbox::new(namespace).await;
        let cluster = Cluster::at(client.clone(), namespace).await;
        let kind = ApiResource::erase::<VpcFlowMonitor>(&());
        let objects = Api::namespaced_with(client.clone(), namespace, &kind);
        let kubeconfig = control_plane.kubeconfig().to_owned();
        Self { _control_plane: control_plane, client, sandbox, cluster, objects, kubeconfig, namespace }
    }

    async fn start(&self, name: &str) -> Process {
        Process::start(&Start { kubeconfig: Some(&self.kubeconfig), ..Start::new(name, &self.cluster, &self.sandbox) })
            .await
    }

    /// Gives the version of the CRD another schema, and waits until it takes effect.
    async fn change_schema(&self, change: impl FnOnce(&mut Value), probe: &Value, is_stored: bool) {
        let crds: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let name = VpcFlowMonitor::crd().name_any();
        let mut crd = serde_json::to_value(crds.get(&name).await.unwrap()).unwrap();
        change(&mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]);
        let crd: CustomResourceDefinition = serde_json::from_value(crd).unwrap();
        crds.replace(&name, &PostParams::default(), &crd).await.unwrap();
        self.accepts(probe, is_stored).await;
    }

    /// Waits until the API server stores a field, or refuses or leaves it out: a schema takes effect a moment after it is written.
    async fn accepts(&self, spec: &Value, is_stored: bool) {
        let try_only = PostParams { dry_run: true, ..PostParams::default() };
        devenv::wait_for("the schema to hold", crate::process::DEADLINE, async || {
            let stored = self.objects.create(&try_only, &self.object("probe", spec)).await;
            let fields = spec.as_object().unwrap();
            let stored =
                stored.is_ok_and(|object| fields.iter().all(|(key, value)| object.data["spec"][key] == *value));
            Ok((stored == is_stored).then_some(()))
        })
        .await
        .unwrap();
    }

    fn object(&self, name: &str, spec: &Value) -> DynamicObject {
        let kind = ApiResource::erase::<VpcFlowMonitor>(&());
        DynamicObject::new(name, &kind).within(self.namespace).data(json!({"spec": spec}))
    }

    async fn store(&self, name: &str, spec: &Value) {
        self.objects.create(&PostParams::default(), &self.object(name, spec)).await.unwrap();
    }

    async fn patch(&self, name: &str, patch: Value) {
        self.objects.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    async fn wait_gone(&self, name: &str) {
        let gone = devenv::wait_for("the object to be gone", crate::process::DEADLINE, async || {
            Ok(self.objects.get_opt(name).await?.is_none().then_some(()))
        });
        gone.await.unwrap();
    }

    /// Waits until the status of an object, which may not be readable as a whole, is as `condition` says.
    async fn reported(&self, name: &str, what: &str, condition: impl Fn(&VpcFlowMonitor) -> bool) -> VpcFlowMonitor {
        let reported = devenv::wait_for(what, crate::process::DEADLINE, async || {
            let mut object = self.objects.get(name).await?;
            object.data["spec"] = json!({"vpcId": "vpc-0123456789abcdef0"});
            let monitor: VpcFlowMonitor = serde_json::from_value(serde_json::to_value(object)?)?;
            Ok(condition(&monitor).then_some(monitor))
        });
        reported.await.unwrap()
    }
}

/// Everything below `spec` and `spec` itself may be anything.
fn loosen(properties: &mut Value) {
    properties["spec"] = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
}

fn invalid(monitor: &VpcFlowMonitor) -> bool {
    reason(monitor, "Ready").as_deref() == Some("InvalidSpec") && is(monitor, "Stalled", "True")
}

#[tokio::test]
async fn what_does_not_fit_the_schema_is_reported_and_the_others_go_on() {
    let world = World::new("years-misfit").await;
    let (cluster, vpc) = (&world.cluster, world.sandbox.vpc_id.clone());
    let mut operator = world.start("years-misfit-1").await;
    cluster.create("a", world.sandbox.spec()).await;
    cluster.create("b", world.sandbox.spec()).await;
    cluster.wait_ready("a").await;
    let b = cluster.wait_ready("b").await;

    let unknown = json!({"vpcId": vpc, "trafficType": "SOME"});
    world.change_schema(loosen, &unknown, true).await;
    world.store("unknown", &unknown).await;
    world.store("number", &json!({"vpcId": 7})).await;
    world.patch("b", json!({"spec": {"trafficType": "SOME"}})).await;
    install_crds(&world.client).await;
    world.accepts(&unknown, false).await;

    // With a first list of such objects, too.
    operator.signal(Signal::TERM);
    assert_eq!(operator.ended().await.code(), Some(0));
    let operator = world.start("years-misfit-2").await;
    for (name, field) in [("unknown", "spec.trafficType"), ("number", "spec.vpcId"), ("b", "spec.trafficType")] {
        let reported = world.reported(name, "InvalidSpec", invalid).await;
        assert!(message(&reported, "Ready").starts_with(field), "{reported:#?}");
        assert_eq!(reported.status.unwrap().observed_generation, reported.metadata.generation);
    }
    cluster.wait_events("InvalidSpec", 3).await;
    cluster.change("a", json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    cluster.wait_ready("a").await;
    assert_eq!(operator.get("/healthz").await.0, 200);
    assert_eq!(operator.get("/readyz").await.0, 200);

    // Nothing was made for the one. The deletion of the other waits, with all its AWS resources, until it can be read.
    world.objects.delete("unknown", &DeleteParams::default()).await.unwrap();
    world.wait_gone("unknown").await;
    world.objects.delete("b", &DeleteParams::default()).await.unwrap();
    let waits = world.reported("b", "the deletion to wait", |b| message(b, "Ready").contains("deletion waits")).await;
    assert_eq!(waits.status.unwrap().resources, b.status.unwrap().resources);
    assert_eq!(world.sandbox.inventory().await["flowLogs"].as_object().unwrap().len(), 4, "of two monitors");
    world.patch("b", json!({"spec": {"trafficType": "ALL"}})).await;
    world.wait_gone("b").await;
    assert_eq!(world.sandbox.inventory().await["flowLogs"].as_object().unwrap().len(), 2);
    cluster.wait_events("InvalidSpec", 3).await;
}

#[tokio::test]
async fn a_crd_of_a_later_or_earlier_version_stops_nothing() {
    let world = World::new("years-upgrade").await;
    let cluster = &world.cluster;
    let operator = world.start("years-upgrade").await;
    cluster.create("a", world.sandbox.spec()).await;
    cluster.wait_ready("a").await;

    // A later version has a field more.
    let add = |properties: &mut Value| properties["spec"]["properties"]["later"] = json!({"type": "string"});
    let probe = json!({"later": "x"});
    let later = |properties: &mut Value| {
        add(properties);
        properties["spec"]["required"] = json!([]);
        properties["spec"].as_object_mut().unwrap().remove("x-kubernetes-validations");
    };
    world.change_schema(later, &probe, true).await;
    world.patch("a", json!({"spec": {"later": "x", "cloudWatchLogs": {"retentionDays": 7}}})).await;
    cluster.wait_ready("a").await;

    // An earlier one knows less of the status.
    let forgets = |properties: &mut Value| {
        properties["spec"]["properties"].as_object_mut().unwrap().remove("later");
        properties["status"]["properties"].as_object_mut().unwrap().remove("summary");
    };
    world.change_schema(forgets, &probe, false).await;
    cluster.change("a", json!({"cloudWatchLogs": {"retentionDays": 30}})).await;
    cluster.wait_ready("a").await;
    let warned = operator.logged("the installed CRD does not know these fields of the status").await;
    assert!(warned["fields"]["dropped"].as_str().unwrap().contains("summary"), "{warned}");
}
