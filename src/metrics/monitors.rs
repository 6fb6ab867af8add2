use std::fmt;

use kube::api::ObjectMeta;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::conditions;
use super::standings::Standings;
use crate::api::status::{AlarmStatus, VpcFlowMonitorStatus};

/// The states of the monitors.
#[derive(Clone, Debug, Default)]
pub struct Monitors(Standings<Standing>);

#[derive(Debug)]
struct Standing {
    conditions: Vec<conditions::Standing>,
    firing: i64,
}

impl Monitors {
    /// Records the state of a monitor.
    pub fn learn(&self, metadata: &ObjectMeta, status: &VpcFlowMonitorStatus) {
        let conditions = conditions::standing(&status.conditions);
        self.0.learn(metadata, Standing { conditions, firing: firing(&status.alarms) });
    }

    /// Records the states of the alarms of a monitor that is known.
    pub fn learn_alarms(&self, uid: &str, alarms: &[AlarmStatus]) {
        if let Some(monitor) = self.0.all().get_mut(uid) {
            monitor.standing.firing = firing(alarms);
        }
    }

    /// Forgets a monitor that is gone.
    pub fn forget(&self, uid: &str) {
        self.0.forget(uid);
    }
}

fn firing(alarms: &[AlarmStatus]) -> i64 {
    let count = alarms.iter().filter(|alarm| alarm.fires()).count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Collector for Monitors {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.0.all();
        let all_conditions = all.values().flat_map(|it| &it.standing.conditions);
        conditions::encode(&mut encoder, "monitors", "Monitors by condition, its status and reason", all_conditions)?;
        let help = "Alarms in state ALARM when last looked at";
        let mut alarms = encoder.encode_descriptor("alarms_firing", help, None, MetricType::Gauge)?;
        for monitor in all.values() {
            let labels = [("monitor_namespace", monitor.namespace.as_str()), ("monitor", monitor.name.as_str())];
            ConstGauge::new(monitor.standing.firing).encode(alarms.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
