//! Monitors that are in the cluster of the user's kubeconfig.

use anyhow::{Context as _, bail};
use kube::{Api, Client};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::kubernetes;

/// A client for the kubeconfig's current context.
pub async fn client() -> anyhow::Result<Client> {
    kubernetes::client(&kubernetes::config().await?).context("cannot connect to the Kubernetes API")
}

/// The monitor of that name. Its namespace is by default that of the kubeconfig's context.
pub async fn read(name: &str, namespace: Option<&str>) -> anyhow::Result<VpcFlowMonitor> {
    let client = client().await?;
    let namespace = namespace.map_or_else(|| client.default_namespace().to_owned(), str::to_owned);
    let monitors = Api::namespaced(client, &namespace);
    match get(&monitors, &namespace, name).await? {
        Some(object) => Ok(object),
        None => bail!(
            "there is no VpcFlowMonitor {namespace}/{name}: `kubectl get vpcflowmonitors --all-namespaces` lists them"
        ),
    }
}

/// The monitor of that name, if there is one.
pub async fn get(
    monitors: &Api<VpcFlowMonitor>,
    namespace: &str,
    name: &str,
) -> anyhow::Result<Option<VpcFlowMonitor>> {
    let found = monitors.get_opt(name).await;
    // A missing monitor is no error; this is the API server not knowing the path.
    if matches!(&found, Err(kube::Error::Api(status)) if status.code == 404) {
        bail!("the VpcFlowMonitor CRD is not installed; run `kubectl apply --server-side -f crds/`");
    }
    found.with_context(|| format!("cannot read VpcFlowMonitor {namespace}/{name}"))
}
