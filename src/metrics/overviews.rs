use std::fmt;

use kube::api::ObjectMeta;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use super::conditions;
use super::standings::Standings;
use crate::api::overview::VpcFlowOverviewStatus;

/// The states of the overviews.
#[derive(Clone, Debug, Default)]
pub struct Overviews(Standings<Standing>);

#[derive(Debug)]
struct Standing {
    conditions: Vec<conditions::Standing>,
    monitors: u32,
}

impl Overviews {
    /// Records the state of an overview.
    pub fn learn(&self, metadata: &ObjectMeta, status: &VpcFlowOverviewStatus) {
        let conditions = conditions::standing(&status.conditions);
        let monitors = status.monitors.unwrap_or_default().selected;
        self.0.learn(metadata, Standing { conditions, monitors });
    }

    /// Forgets an overview that is gone.
    pub fn forget(&self, uid: &str) {
        self.0.forget(uid);
    }
}

impl Collector for Overviews {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let all = self.0.all();
        let conditions = all.values().flat_map(|it| &it.standing.conditions);
        conditions::encode(&mut encoder, "overviews", "Overviews by condition, its status and reason", conditions)?;
        let help = "Monitors that an overview selects";
        let mut monitors = encoder.encode_descriptor("overview_monitors", help, None, MetricType::Gauge)?;
        for overview in all.values() {
            let labels = [("overview_namespace", overview.namespace.as_str()), ("overview", overview.name.as_str())];
            ConstGauge::new(i64::from(overview.standing.monitors)).encode(monitors.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
