//! Metrics that count records: where the records come from files, the function counts what metric filters count in a log group.

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::record::Record;
use crate::rules::ends::Ends;

/// A metric that counts the records with traffic that match a condition. Both ends of a conversation count, and suppressions have no
/// effect: a metric filter counts so. The members are in alphabetical order, as [`PackageConfig`](crate::package_config::PackageConfig)
/// needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Detection {
    /// The name of the metric.
    pub metric: String,
    /// The condition on the records.
    pub when: Expression,
}

/// The records that each detection has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DetectionCounts(Vec<(Detection, u64)>);

impl DetectionCounts {
    /// No records yet.
    #[must_use]
    pub fn new(detections: &[Detection]) -> Self {
        Self(detections.iter().map(|detection| (detection.clone(), 0)).collect())
    }

    /// Counts a record with traffic, whose real ends are `ends`.
    #[inline]
    pub fn count(&mut self, record: &Record, ends: &Ends) {
        for (detection, count) in &mut self.0 {
            *count += u64::from(detection.when.matches(record, ends));
        }
    }

    /// The metrics with their counts.
    pub fn metrics(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(detection, count)| (detection.metric.as_str(), *count))
    }
}
