//! A stage for fleets: an account with VPCs, and a namespace in which fleets make their monitors.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use aws_sdk_ec2::types::Tag;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use vpc_flow_operator::api::fleet::{FLEET_LABEL, VpcFlowFleet};
use vpc_flow_operator::api::{RECONCILE_REQUESTED_AT, VpcFlowMonitor};
use vpc_flow_operator::controller::Options;

use crate::apply::{apply, replace_parts};
use crate::cluster::{Cluster, Operator, is};
pub use crate::conditions::{has, message};
use crate::sandbox::{REGION, Sandbox};
use crate::waiting::until;

const DEADLINE: Duration = Duration::from_mins(2);

/// An account with VPCs, and a namespace with a fleet.
pub struct Stage {
    pub cluster: Cluster,
    pub here: Sandbox,
    pub fleets: Api<VpcFlowFleet>,
}

impl Stage {
    /// `name` must be unique among all tests.
    pub async fn new(name: &str) -> Self {
        let cluster = Cluster::with_fleets(name).await;
        let fleets = Api::namespaced(cluster.client.clone(), name);
        Self { here: Sandbox::new(name).await, cluster, fleets }
    }

    pub fn start(&self) -> Operator {
        self.start_with(|_| ())
    }

    pub fn start_with(&self, change: impl FnOnce(&mut Options)) -> Operator {
        Operator::start_with(&self.cluster, &self.here, |options| {
            options.fleets = true;
            change(options);
        })
    }

    /// A fleet of VPCs with the tag `env=prod`, in the account and region of the sandbox. `changes` replaces parts of the spec.
    pub async fn apply(&self, name: &str, changes: Value) -> VpcFlowFleet {
        let mut spec = json!({
            "places": [{"name": "home"}],
            "selector": {"matchTags": {"env": "prod"}},
            "template": {"spec": small()},
            "rollout": {"soakSeconds": 0},
        });
        replace_parts(&mut spec, &changes);
        apply(&self.fleets, &json!({"name": name}), &spec).await
    }

    /// Waits until the fleet is as `condition` says.
    pub async fn wait(&self, name: &str, what: &str, condition: impl Fn(&VpcFlowFleet) -> bool) -> VpcFlowFleet {
        until(&self.fleets, name, what, DEADLINE, condition).await
    }

    pub async fn wait_ready(&self, name: &str) -> VpcFlowFleet {
        self.wait(name, "the fleet to be Ready", |fleet| has(fleet, "Ready", "True", "Reconciled")).await
    }

    pub async fn wait_reason(&self, name: &str, reason: &str) -> VpcFlowFleet {
        self.wait(name, reason, |fleet| has(fleet, "Ready", "False", reason)).await
    }

    /// Asks for a search now, and waits until it is done.
    pub async fn search(&self, name: &str, token: &str) -> VpcFlowFleet {
        let patch = json!({"metadata": {"annotations": {RECONCILE_REQUESTED_AT: token}}});
        self.fleets.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        self.wait(name, "the requested search", |fleet| {
            fleet.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(token)
        })
        .await
    }

    /// The monitors of a fleet, by their names.
    pub async fn monitors(&self, fleet: &str) -> Vec<VpcFlowMonitor> {
        let labelled = ListParams::default().labels(&format!("{FLEET_LABEL}={fleet}"));
        let mut monitors = self.cluster.monitors.list(&labelled).await.unwrap().items;
        monitors.sort_by_key(ResourceExt::name_any);
        monitors
    }

    /// The VPCs of the monitors of a fleet.
    pub async fn watched(&self, fleet: &str) -> Vec<String> {
        let mut watched: Vec<_> = self.monitors(fleet).await.into_iter().map(|monitor| monitor.spec.vpc_id).collect();
        watched.sort();
        watched
    }

    /// Deletes all monitors with what they have in AWS, and waits until they are gone.
    pub async fn clear(&self, operator: Operator) {
        self.fleets.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
        // There is no garbage collector beside this API server.
        let all = ListParams::default();
        self.cluster.monitors.delete_collection(&DeleteParams::default(), &all).await.unwrap();
        for monitor in self.cluster.monitors.list(&all).await.unwrap() {
            self.cluster.wait_gone(&monitor.name_any()).await;
        }
        operator.stop().await;
    }
}

/// A spec with few systems, so that a monitor is soon Ready.
pub fn small() -> Value {
    let off = json!({"enabled": false});
    json!({
        "detections": {"rejectedConnections": off, "highDataTransfer": off, "externalConnections": off},
        "detector": off, "analytics": off, "dashboard": off, "cloudWatchLogs": off, "deletionPolicy": "Delete",
    })
}

/// [`small`] with a further field.
pub fn small_with(field: &str, value: Value) -> Value {
    let mut spec = small();
    spec[field] = value;
    json!({"spec": spec})
}

/// Makes a VPC with these tags.
pub async fn make_vpc(config: &SdkConfig, region: &str, tags: &[(&str, &str)]) -> String {
    let ec2 = ec2(config, region);
    let vpc = ec2.create_vpc().cidr_block("10.1.0.0/16").send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    if !tags.is_empty() {
        set_tags(&ec2, &vpc, tags).await;
    }
    vpc
}

pub async fn make_prod(sandbox: &Sandbox) -> String {
    make_vpc(&sandbox.config, REGION, &[("env", "prod")]).await
}

pub async fn set_tags(ec2: &aws_sdk_ec2::Client, vpc: &str, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(*key).value(*value).build()).collect();
    ec2.create_tags().resources(vpc).set_tags(Some(tags)).send().await.unwrap();
}

pub fn ec2(config: &SdkConfig, region: &str) -> aws_sdk_ec2::Client {
    let config = aws_sdk_ec2::config::Builder::from(config).region(Region::new(region.to_owned())).build();
    aws_sdk_ec2::Client::from_conf(config)
}

pub fn is_ready(monitor: &VpcFlowMonitor) -> bool {
    is(monitor, "Ready", "True")
}
