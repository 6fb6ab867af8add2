use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::ObjectMeta;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::conditions;
use crate::api::fleet::VpcFlowFleetStatus;
use crate::api::fleet::status::MonitorCounts;

/// The states of the fleets, as last reported in their status. Deleted fleets are not in it.
#[derive(Clone, Debug, Default)]
pub struct Fleets(Arc<Mutex<HashMap<String, Standing>>>);

#[derive(Debug)]
struct Standing {
    namespace: String,
    name: String,
    conditions: Vec<conditions::Standing>,
    monitors: MonitorCounts,
}

impl Fleets {
    /// Records the state of a fleet.
    pub fn learn(&self, metadata: &ObjectMeta, status: &VpcFlowFleetStatus) {
        let standing = Standing {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            conditions: conditions::standing(&status.conditions),
            monitors: status.monitors.unwrap_or_default(),
        };
        self.all().insert(metadata.uid.clone().unwrap_or_default(), standing);
    }

    /// Forgets a fleet that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        // A panic elsewhere leaves at worst one figure wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Fleets {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.all();
        let all_conditions = all.values().flat_map(|standing| &standing.conditions);
        conditions::encode(&mut encoder, "fleets", "Fleets by condition, its status and reason", all_conditions)?;
        let help = "Monitors of a fleet by state";
        let mut monitors = encoder.encode_descriptor("fleet_monitors", help, None, MetricType::Gauge)?;
        for Standing { namespace, name, monitors: counts, .. } in all.values() {
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
