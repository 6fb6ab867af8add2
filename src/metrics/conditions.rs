use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// A condition of an object: type, status and reason.
pub(super) type Standing = (String, String, String);

/// The conditions of an object.
pub(super) fn standing(conditions: &[Condition]) -> Vec<Standing> {
    let of_one = |it: &Condition| (it.type_.clone(), it.status.clone(), it.reason.clone());
    conditions.iter().map(of_one).collect()
}

/// The number of objects by condition.
pub(super) fn encode<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    conditions: impl Iterator<Item = &'a Standing>,
) -> Result<(), fmt::Error> {
    let mut counts: BTreeMap<&Standing, i64> = BTreeMap::new();
    for condition in conditions {
        *counts.entry(condition).or_default() += 1;
    }
    let mut objects = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for ((condition, status, reason), count) in counts {
        let labels = [("condition", condition.as_str()), ("status", status.as_str()), ("reason", reason.as_str())];
        ConstGauge::new(count).encode(objects.encode_family(&labels)?)?;
    }
    Ok(())
}
