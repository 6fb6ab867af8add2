//! The cluster that a command reads.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueHint};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Client, Config};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::kubernetes::{self, ConfigError, KubeconfigChoice};

/// The kubeconfig and its context, as kubectl names them.
#[derive(Clone, Debug, Args)]
pub struct ClusterAccess {
    /// Kubeconfig to use. [default: that of `KUBECONFIG`, then ~/.kube/config, then the cluster of this pod]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// Context of the kubeconfig to use. [default: its current context]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl ClusterAccess {
    /// True if the user chose a cluster.
    pub const fn is_chosen(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some()
    }

    /// The configuration of the client.
    pub async fn config(&self) -> Result<Config, ConfigError> {
        let choice = KubeconfigChoice { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() };
        kubernetes::config(&choice).await
    }

    /// A client for the chosen context.
    pub async fn client(&self) -> anyhow::Result<Client> {
        kubernetes::client(&self.config().await?).context("cannot connect to the Kubernetes API")
    }
}

/// Monitors as they are stored: one that does not fit this program's version hides no other.
pub fn monitors(client: Client, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<VpcFlowMonitor>(&());
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &resource),
        None => Api::all_with(client, &resource),
    }
}

/// The monitor of that name, if there is one.
pub async fn get(monitors: &Api<DynamicObject>, namespace: &str, name: &str) -> anyhow::Result<Option<DynamicObject>> {
    let found = installed(monitors.get_opt(name).await)?;
    found.with_context(|| format!("cannot read VpcFlowMonitor {namespace}/{name}"))
}

/// All monitors that the labels select.
pub async fn list(monitors: &Api<DynamicObject>, selector: Option<&str>) -> anyhow::Result<Vec<DynamicObject>> {
    let params = selector.map_or_else(ListParams::default, |selector| ListParams::default().labels(selector));
    let found = installed(monitors.list(&params).await)?;
    Ok(found.context("cannot list VpcFlowMonitors")?.items)
}

/// A missing monitor is no error; this is the API server not knowing the path.
fn installed<T>(found: kube::Result<T>) -> anyhow::Result<kube::Result<T>> {
    if matches!(&found, Err(kube::Error::Api(status)) if status.code == 404) {
        bail!("the VpcFlowMonitor CRD is not installed; run `kubectl apply --server-side -f crds/`");
    }
    Ok(found)
}
