use std::fmt;

use kube::api::ObjectMeta;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::conditions;
use super::standings::{Named, Standings};
use crate::api::fleet::VpcFlowFleetStatus;
use crate::api::fleet::status::MonitorCounts;

/// The states of the fleets.
#[derive(Clone, Debug, Default)]
pub struct Fleets(Standings<Standing>);

#[derive(Debug)]
struct Standing {
    conditions: Vec<conditions::Standing>,
    monitors: MonitorCounts,
}

impl Fleets {
    /// Records the state of a fleet.
    pub fn learn(&self, metadata: &ObjectMeta, status: &VpcFlowFleetStatus) {
        let conditions = conditions::standing(&status.conditions);
        self.0.learn(metadata, Standing { conditions, monitors: status.monitors.unwrap_or_default() });
    }

    /// Forgets a fleet that is gone.
    pub fn forget(&self, uid: &str) {
        self.0.forget(uid);
    }
}

impl Collector for Fleets {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.0.all();
        let all_conditions = all.values().flat_map(|it| &it.standing.conditions);
        conditions::encode(&mut encoder, "fleets", "Fleets by condition, its status and reason", all_conditions)?;
        let help = "Monitors of a fleet by state";
        let mut monitors = encoder.encode_descriptor("fleet_monitors", help, None, MetricType::Gauge)?;
        for Named { namespace, name, standing: Standing { monitors: counts, .. } } in all.values() {
            let states = [
                ("wanted", counts.wanted),
                ("present", counts.present),
                ("ready", counts.ready),
                ("updated", counts.updated),
                ("orphaned", counts.orphaned),
            ];
            for (state, count) in states {
                let labels = [("fleet_namespace", namespace.as_str()), ("fleet", name.as_str()), ("state", state)];
                ConstGauge::new(i64::from(count)).encode(monitors.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
