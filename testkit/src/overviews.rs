//! A stage for overviews: two accounts, and a namespace with an overview in the first one.

use std::time::Duration;

use aws_config::{Region, SdkConfig};
use devenv::{Queue, wait_for};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use vpc_flow_operator::api::spec::AssumeRole;
use vpc_flow_operator::api::{VpcFlowMonitorSpec, VpcFlowOverview};
use vpc_flow_operator::controller::Options;

use crate::apply::{apply, replace_parts};
use crate::cluster::{Cluster, Operator};
pub use crate::conditions::{has, message};
use crate::fleets::make_vpc;
use crate::roles::trusting_role;
use crate::sandbox::{REGION, Sandbox};
use crate::waiting::until;

pub const DEADLINE: Duration = Duration::from_mins(2);
pub const THERE: &str = "us-east-1";

/// Two accounts, and a namespace with an overview in the first one.
pub struct Stage {
    pub cluster: Cluster,
    pub here: Sandbox,
    pub there: Sandbox,
    pub role: AssumeRole,
    pub overviews: Api<VpcFlowOverview>,
}

impl Stage {
    /// `name` must be unique among all tests.
    pub async fn new(name: &str) -> Self {
        let cluster = Cluster::with_fleets(name).await;
        let overviews = Api::namespaced(cluster.client.clone(), name);
        let here = Sandbox::new(&format!("{name}::here")).await;
        let there = Sandbox::new(&format!("{name}::there")).await;
        let role = trusting_role(&there, &here).await;
        Self { cluster, here, there, role, overviews }
    }

    pub fn start(&self) -> Operator {
        self.start_with(|_| ())
    }

    pub fn start_with(&self, change: impl FnOnce(&mut Options)) -> Operator {
        let allowed = format!("{}={}", self.cluster.namespace, self.role.role_arn);
        Operator::start_with(&self.cluster, &self.here, |options| {
            options.fleets = true;
            options.allowed_roles.0.push(allowed.parse().unwrap());
            change(options);
        })
    }

    /// A monitor here, in the region of the overview.
    pub async fn monitor_here(&self, name: &str) {
        self.monitor(name, self.here.spec(), json!({"team": "network"})).await;
    }

    /// A monitor in the other account and another region.
    pub async fn monitor_there(&self, name: &str) {
        self.monitor(name, self.spec_there().await, json!({"team": "network"})).await;
    }

    /// The spec of a monitor of a new VPC there.
    pub async fn spec_there(&self) -> VpcFlowMonitorSpec {
        let mut spec = VpcFlowMonitorSpec::new(&make_vpc(&self.there.config, THERE, &[]).await);
        spec.region = Some(THERE.to_owned());
        spec.assume_role = Some(self.role.clone());
        spec
    }

    /// A monitor with alarms and little else. The overview asks for the label `team=network`.
    pub async fn monitor(&self, name: &str, mut spec: VpcFlowMonitorSpec, labels: Value) {
        spec.detector.enabled = false;
        spec.analytics.enabled = false;
        spec.dashboard.enabled = false;
        apply(&self.cluster.monitors, &json!({"name": name, "labels": labels}), &json!(spec)).await;
        self.cluster.wait_ready(name).await;
    }

    /// An overview of the monitors with the label. `changes` replaces parts of the spec.
    pub async fn apply(&self, name: &str, changes: Value) -> VpcFlowOverview {
        let mut spec = json!({"monitorSelector": {"matchLabels": {"team": "network"}}});
        replace_parts(&mut spec, &changes);
        apply(&self.overviews, &json!({"name": name}), &spec).await
    }

    /// Waits until the overview is as `condition` says.
    pub async fn wait(&self, name: &str, what: &str, condition: impl Fn(&VpcFlowOverview) -> bool) -> VpcFlowOverview {
        until(&self.overviews, name, what, DEADLINE, condition).await
    }

    /// Waits until the overview is Ready with so many monitors in its places.
    pub async fn wait_ready(&self, name: &str, monitors: u32) -> VpcFlowOverview {
        let is_so = |overview: &VpcFlowOverview| {
            let places = overview.status.iter().flat_map(|status| &status.places);
            has(overview, "Ready", "True", "Reconciled") && places.map(|place| place.monitors).sum::<u32>() == monitors
        };
        self.wait(name, "the overview to be Ready", is_so).await
    }

    pub async fn delete(&self, name: &str) {
        self.overviews.delete(name, &DeleteParams::default()).await.unwrap();
        self.wait_gone(name).await;
    }

    pub async fn wait_gone(&self, name: &str) {
        let gone: anyhow::Result<()> = wait_for("the overview to be gone", DEADLINE, async || {
            Ok(self.overviews.get_opt(name).await?.is_none().then_some(()))
        })
        .await;
        assert!(gone.is_ok(), "{:#?}", self.overviews.get(name).await.map(|it| it.status));
    }

    /// A queue in the account and region of the overview.
    pub async fn queue(&self) -> Queue {
        Queue::create(&self.here.emulator, &self.here.account, REGION, "alarms").await.unwrap()
    }

    /// All of the overview that is in AWS, by account and region.
    pub async fn left(&self) -> Vec<String> {
        let mut left = Vec::new();
        for (account, region) in [
            (&self.here.account, REGION),
            (&self.here.account, THERE),
            (&self.there.account, REGION),
            (&self.there.account, THERE),
        ] {
            let inventory = self.here.emulator.inventory(account, region).await.unwrap();
            for kind in ["eventBuses", "eventRules", "topics", "dashboards", "roles", "oamLinks"] {
                let names = inventory[kind].as_object().into_iter().flatten();
                let ours =
                    names.filter(|(name, value)| name.contains("vfm-o-") || value.to_string().contains("/overview/"));
                left.extend(ours.map(|(name, _)| format!("{account} {region} {kind} {name}")));
            }
        }
        left.sort();
        left
    }
}

/// The same credentials in another region.
pub fn in_region(config: &SdkConfig, region: &'static str) -> SdkConfig {
    config.to_builder().region(Region::new(region)).build()
}

/// Puts an alarm into a state.
pub async fn set_alarm(config: &SdkConfig, name: &str, state: &str) {
    let request = aws_sdk_cloudwatch::Client::new(config).set_alarm_state().alarm_name(name);
    request.state_value(state.into()).state_reason("test").send().await.unwrap();
}

/// A sink in the account of the overview that admits the other account, in the region of the far monitor.
pub async fn sink(stage: &Stage) -> String {
    let oam = aws_sdk_oam::Client::new(&in_region(&stage.here.config, THERE));
    let arn = oam.create_sink().name("monitoring").send().await.unwrap().arn.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": stage.there.account},
        "Action": ["oam:CreateLink", "oam:UpdateLink"],
        "Resource": "*",
        "Condition": {"ForAllValues:StringEquals": {"oam:ResourceTypes": ["AWS::CloudWatch::Metric"]}},
    }]});
    oam.put_sink_policy().sink_identifier(&arn).policy(policy.to_string()).send().await.unwrap();
    arn
}
