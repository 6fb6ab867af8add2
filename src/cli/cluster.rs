//! The cluster that a command reads.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueHint};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::core::response::reason;
use kube::{Api, Client, Config, CustomResourceExt};
use vpc_flow_operator::api::{VpcFlowFleet, VpcFlowMonitor, VpcFlowOverview};
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

/// A kind of object that commands read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `VpcFlowMonitor`
    Monitor,
    /// `VpcFlowFleet`
    Fleet,
    /// `VpcFlowOverview`
    Overview,
}

impl Kind {
    /// All kinds, in the order in which a name without a kind is looked for.
    pub const ALL: [Self; 3] = [Self::Monitor, Self::Fleet, Self::Overview];

    /// Group, version, kind and plural.
    pub fn resource(self) -> ApiResource {
        match self {
            Self::Monitor => ApiResource::erase::<VpcFlowMonitor>(&()),
            Self::Fleet => ApiResource::erase::<VpcFlowFleet>(&()),
            Self::Overview => ApiResource::erase::<VpcFlowOverview>(&()),
        }
    }

    /// The short names of kubectl.
    pub fn shortnames(self) -> &'static [&'static str] {
        match self {
            Self::Monitor => VpcFlowMonitor::shortnames(),
            Self::Fleet => VpcFlowFleet::shortnames(),
            Self::Overview => VpcFlowOverview::shortnames(),
        }
    }
}

/// Objects as they are stored: one that does not fit this program's version hides no other.
pub fn objects(kind: Kind, client: Client, namespace: Option<&str>) -> Api<DynamicObject> {
    match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind.resource()),
        None => Api::all_with(client, &kind.resource()),
    }
}

/// Monitors as they are stored.
pub fn monitors(client: Client, namespace: Option<&str>) -> Api<DynamicObject> {
    objects(Kind::Monitor, client, namespace)
}

/// The object of that name, if there is one.
pub async fn get(
    objects: &Api<DynamicObject>,
    kind: Kind,
    namespace: &str,
    name: &str,
) -> anyhow::Result<Option<DynamicObject>> {
    match objects.get(name).await {
        Err(kube::Error::Api(status)) if status.reason == reason::NOT_FOUND => Ok(None),
        found => {
            let found = installed(kind, found)?;
            found.map(Some).with_context(|| format!("cannot read {} {namespace}/{name}", kind.resource().kind))
        }
    }
}

/// All objects that the labels select.
pub async fn list(
    objects: &Api<DynamicObject>,
    kind: Kind,
    selector: Option<&str>,
) -> anyhow::Result<Vec<DynamicObject>> {
    let found = installed(kind, objects.list(&labelled(selector)).await)?;
    Ok(found.with_context(|| format!("cannot list {}s", kind.resource().kind))?.items)
}

/// The objects of a kind that is not everywhere, as far as the labels select them. None if the cluster has no such kind, or does not let this
/// user list them.
pub async fn list_if_served(
    client: &Client,
    kind: Kind,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> anyhow::Result<Vec<DynamicObject>> {
    match objects(kind, client.clone(), namespace).list(&labelled(selector)).await {
        Ok(found) => Ok(found.items),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(kube::Error::Api(status)) if status.code == 403 => {
            // The same answer as for a kind that does not exist.
            if is_served(client, kind).await {
                eprintln!("note: {}s are not shown: {}", kind.resource().kind, status.message);
            }
            Ok(Vec::new())
        }
        Err(error) => Err(error).with_context(|| format!("cannot list {}s", kind.resource().kind)),
    }
}

/// True if the API server serves the kind. Every user may ask for that.
async fn is_served(client: &Client, kind: Kind) -> bool {
    let resource = kind.resource();
    let served = client.list_api_group_resources(&resource.api_version).await;
    served.is_ok_and(|served| served.resources.iter().any(|known| known.name == resource.plural))
}

fn labelled(selector: Option<&str>) -> ListParams {
    selector.map_or_else(ListParams::default, |selector| ListParams::default().labels(selector))
}

/// A missing object is no error; this is the API server not knowing the path.
fn installed<T>(kind: Kind, found: kube::Result<T>) -> anyhow::Result<kube::Result<T>> {
    if matches!(&found, Err(kube::Error::Api(status)) if status.code == 404) {
        bail!("the {} CRD is not installed; run `kubectl apply --server-side -f crds/`", kind.resource().kind);
    }
    Ok(found)
}
