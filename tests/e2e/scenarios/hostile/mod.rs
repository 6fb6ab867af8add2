//! Hostile and careless input: the operator reports it with the field and the remedy, and changes no resources of others.

mod adoption;
mod arns;
mod claims;
mod forged;
mod free_text;
mod limits;
mod names;
mod object;
mod owners;
mod status;
mod strangers;

use kube::api::DeleteParams;
use serde_json::Value;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::controller::Options;

use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

/// An AWS account, a namespace, and an operator confined to both.
struct Stage {
    sandbox: Sandbox,
    cluster: Cluster,
    operator: Operator,
}

impl Stage {
    /// `test` must be unique among all tests.
    async fn new(test: &str) -> Self {
        Self::with(test, |_| ()).await
    }

    async fn with(test: &str, change: impl FnOnce(&mut Options)) -> Self {
        let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new(test).await);
        let operator = Operator::start_with(&cluster, &sandbox, change);
        Self { sandbox, cluster, operator }
    }

    async fn wait_stalled(&self, name: &str) -> VpcFlowMonitor {
        self.cluster.wait(name, "Stalled", |monitor| is(monitor, "Stalled", "True")).await
    }

    async fn delete(&self, name: &str) {
        self.cluster.monitors.delete(name, &DeleteParams::default()).await.unwrap();
        self.cluster.wait_gone(name).await;
    }

    /// Everything in the account but what changes by itself.
    async fn inventory(&self) -> Value {
        self.sandbox.inventory().await
    }
}

/// True if the account has nothing but its VPC.
fn is_empty(inventory: &Value) -> bool {
    let kinds = inventory.as_object().unwrap().iter().filter(|(kind, _)| *kind != "vpcs");
    kinds.into_iter().all(|(_, resources)| resources.as_object().is_none_or(serde_json::Map::is_empty))
}
