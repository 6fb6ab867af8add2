use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kube::api::ObjectMeta;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::conditions;
use crate::api::status::{AlarmStatus, VpcFlowMonitorStatus};

/// The states of the monitors, as last reported in their status. Deleted monitors are not in it.
#[derive(Clone, Debug, Default)]
pub struct Monitors(Arc<Mutex<HashMap<String, Standing>>>);

#[derive(Debug)]
struct Standing {
    namespace: String,
    name: String,
    conditions: Vec<conditions::Standing>,
    firing: i64,
}

impl Monitors {
    /// Records the state of a monitor.
    pub fn learn(&self, metadata: &ObjectMeta, status: &VpcFlowMonitorStatus) {
        let standing = Standing {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
            conditions: conditions::standing(&status.conditions),
            firing: firing(&status.alarms),
        };
        self.all().insert(metadata.uid.clone().unwrap_or_default(), standing);
    }

    /// Records the states of the alarms of a monitor that is known.
    pub fn learn_alarms(&self, uid: &str, alarms: &[AlarmStatus]) {
        if let Some(standing) = self.all().get_mut(uid) {
            standing.firing = firing(alarms);
        }
    }

    /// Forgets a monitor that is gone.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Standing>> {
        // A panic elsewhere leaves at worst one figure wrong.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn firing(alarms: &[AlarmStatus]) -> i64 {
    let count = alarms.iter().filter(|alarm| alarm.fires()).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for Monitors {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.all();
        let all_conditions = all.values().flat_map(|standing| &standing.conditions);
        conditions::encode(&mut encoder, "monitors", "Monitors by condition, its status and reason", all_conditions)?;
        let help = "Alarms in state ALARM when last looked at";
        let mut alarms = encoder.encode_descriptor("alarms_firing", help, None, MetricType::Gauge)?;
        for standing in all.values() {
            let labels = [("monitor_namespace", standing.namespace.as_str()), ("monitor", standing.name.as_str())];
            ConstGauge::new(standing.firing).encode(alarms.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
