//! A namespace of one's own for each test, in the Kubernetes API server that `devenv run` started.

use std::fmt::Debug;
use std::time::Duration;

use anyhow::Result;
use aws_config::SdkConfig;
use devenv::wait_for;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PartialObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, CustomResourceExt, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowMonitorSpec, VpcFlowOverview};
use vpc_flow_operator::aws::ClientPool;
use vpc_flow_operator::aws::limits::Pace;
use vpc_flow_operator::controller::{self, Backoff, Context, Health, Options};
use vpc_flow_operator::leader::Fence;
use vpc_flow_operator::metrics::Metrics;
use vpc_flow_operator::monitor::AllowedArns;

pub use crate::conditions::{is, message, reason};
use crate::rights;
use crate::sandbox::{PACE, Sandbox, settings};
use crate::waiting::until;

const DEADLINE: Duration = Duration::from_mins(1);

/// A namespace of one's own, with the CRDs installed.
#[derive(Clone)]
pub struct Cluster {
    /// Of an administrator, as which the test acts.
    pub client: Client,
    /// Of the operator: the chart's ServiceAccount, with the chart's rights.
    pub operator: Client,
    pub namespace: String,
    pub monitors: Api<VpcFlowMonitor>,
}

impl Cluster {
    /// `namespace` must be unique among all tests.
    pub async fn new(namespace: &str) -> Self {
        Self::at(Client::try_default().await.unwrap(), namespace).await
    }

    /// The same for an operator that works on fleets.
    pub async fn with_fleets(namespace: &str) -> Self {
        let cluster = Self::new(namespace).await;
        rights::install_with_fleets(&cluster.client, namespace).await;
        cluster
    }

    /// In another API server than that of `devenv run`.
    pub async fn at(client: Client, namespace: &str) -> Self {
        install_crds(&client).await;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let apply = PatchParams::apply("test").force();
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        namespaces.patch(namespace, &apply, &Patch::Apply(object)).await.unwrap();
        rights::install(&client, namespace).await;
        let operator = rights::acting_as_operator(&client, namespace);
        let monitors = Api::namespaced(client.clone(), namespace);
        Self { client, operator, namespace: namespace.to_owned(), monitors }
    }

    pub async fn create(&self, name: &str, spec: VpcFlowMonitorSpec) -> VpcFlowMonitor {
        self.monitors.create(&PostParams::default(), &VpcFlowMonitor::new(name, spec)).await.unwrap()
    }

    /// Merges into the spec.
    pub async fn change(&self, name: &str, spec: Value) -> VpcFlowMonitor {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.monitors.patch(name, &PatchParams::default(), &patch).await.unwrap()
    }

    /// Waits until the monitor is as `condition` says.
    pub async fn wait(&self, name: &str, what: &str, condition: impl Fn(&VpcFlowMonitor) -> bool) -> VpcFlowMonitor {
        until(&self.monitors, name, what, DEADLINE, condition).await
    }

    /// Waits until the monitor is Ready for its present generation.
    pub async fn wait_ready(&self, name: &str) -> VpcFlowMonitor {
        self.wait(name, "the monitor to be Ready", |monitor| is(monitor, "Ready", "True")).await
    }

    /// Deletes the monitor, without waiting.
    pub async fn delete(&self, name: &str) {
        self.monitors.delete(name, &kube::api::DeleteParams::default()).await.unwrap();
    }

    /// Waits until the monitor is gone.
    pub async fn wait_gone(&self, name: &str) {
        let mut latest = None;
        let result: Result<()> = wait_for("the monitor to be gone", DEADLINE, async || {
            latest = self.monitors.get_opt(name).await?;
            Ok(latest.is_none().then_some(()))
        })
        .await;
        result.unwrap_or_else(|error| panic!("{error}: {:#?}", latest.map(|monitor| monitor.status)));
    }

    /// Asks for a pass now, and waits until it is done.
    pub async fn reconcile_now(&self, name: &str, token: &str) -> VpcFlowMonitor {
        let patch = json!({"metadata": {"annotations": {"vpcflow.dev/reconcile-requested-at": token}}});
        self.monitors.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        self.wait(name, "the requested pass", |monitor| {
            let handled = monitor.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref());
            handled == Some(token)
        })
        .await
    }

    /// Waits until there are that many events of a reason; they follow the status.
    pub async fn wait_events(&self, reason: &str, count: usize) {
        let what = format!("{count} events of reason {reason}");
        let reported: Result<()> = wait_for(&what, DEADLINE, async || {
            let reported = self.events().await.into_iter().filter(|(known, _)| known == reason).count();
            Ok((reported == count).then_some(()))
        })
        .await;
        reported.unwrap();
    }

    /// Reasons and notes of all events in the namespace.
    pub async fn events(&self) -> Vec<(String, String)> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let list = events.list(&ListParams::default()).await.unwrap();
        list.into_iter().map(|event| (event.reason.unwrap_or_default(), event.note.unwrap_or_default())).collect()
    }
}

/// Installs the CRDs, or gives them back their form.
pub async fn install_crds(client: &Client) {
    tokio::join!(
        install_crd_of::<VpcFlowMonitor>(client),
        install_crd_of::<VpcFlowFleet>(client),
        install_crd_of::<VpcFlowOverview>(client)
    );
}

async fn install_crd_of<K>(client: &Client)
where
    K: CustomResourceExt + Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
    let crd = K::crd();
    let name = crd.name_any();
    crds.patch(&name, &PatchParams::apply("test").force(), &Patch::Apply(&crd)).await.unwrap();
    wait_for("the CRD to be established", DEADLINE, async || {
        let crd = crds.get(&name).await?;
        let conditions = crd.status.into_iter().flat_map(|status| status.conditions.unwrap_or_default());
        let established = conditions.into_iter().any(|known| known.type_ == "Established" && known.status == "True");
        // Established comes a moment before the resource is served.
        let objects: Api<PartialObjectMeta<K>> = Api::all(client.clone());
        let served = objects.list(&ListParams::default()).await.is_ok();
        Ok((established && served).then_some(()))
    })
    .await
    .unwrap();
}

/// The controller, confined to a namespace, with the sandbox's AWS account.
pub struct Operator {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    /// True once all monitors have been listed.
    pub all_known: watch::Receiver<bool>,
}

/// For an operator that is confined to the namespace.
pub fn options(cluster: &Cluster) -> Options {
    Options {
        settings: settings(),
        allowed_roles: AllowedArns::default(),
        watch_namespaces: [cluster.namespace.clone()].into(),
        resync: Duration::from_mins(10),
        // Longer than any test, so that the calls of a pass are the only ones.
        alarm_interval: Duration::from_hours(10),
        backoff: Backoff::default(),
        fleets: false,
        concurrency: 4,
    }
}

impl Operator {
    pub fn start(cluster: &Cluster, sandbox: &Sandbox) -> Self {
        Self::start_with(cluster, sandbox, |_| ())
    }

    pub fn start_with(cluster: &Cluster, sandbox: &Sandbox, change: impl FnOnce(&mut Options)) -> Self {
        Self::start_at(cluster, &sandbox.config, change)
    }

    /// With AWS where `config` has it, such as behind a proxy.
    pub fn start_at(cluster: &Cluster, config: &SdkConfig, change: impl FnOnce(&mut Options)) -> Self {
        Self::start_paced(cluster, config, PACE, change)
    }

    /// With AWS's quotas used at another pace.
    pub fn start_paced(cluster: &Cluster, config: &SdkConfig, pace: Pace, change: impl FnOnce(&mut Options)) -> Self {
        let metrics = Metrics::default();
        let pool = ClientPool::with_pace(
            config,
            controller::aws_gate(metrics.clone(), Fence::always_open(), Health::default()),
            pace,
        );
        let mut options = options(cluster);
        change(&mut options);
        let context = Context::new(cluster.operator.clone(), pool, metrics, options);
        let (stop, stopped) = oneshot::channel::<()>();
        let (known, all_known) = watch::channel(false);
        let stopped = async move { _ = stopped.await };
        let task = tokio::spawn(async move {
            controller::run(context, known, stopped).await;
        });
        Self { stop, task, all_known }
    }

    /// Ends on the spot, as a crash does: nothing more is sent, and no answer is read.
    pub async fn kill(self) {
        self.task.abort();
        let end = self.task.await;
        assert!(end.is_err_and(|error| error.is_cancelled()), "the operator ended by itself");
    }

    /// Stops as SIGTERM does, and waits until the last pass is done.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        self.task.await.unwrap();
    }
}
