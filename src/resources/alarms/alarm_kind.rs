//! The monitor's alarms: their names and the metrics that they watch.

use std::collections::BTreeMap;

use crate::monitor::Monitor;
use crate::resources::detections::Detection;

/// The subject of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlarmKind {
    /// The metric of a detection.
    Detection(Detection),
    /// Failed invocations of the detector: it has not read the records of these invocations.
    DetectorErrors,
}

/// The condition under which an alarm fires: the sum of a metric is above the threshold in each of the periods.
#[derive(Debug)]
pub(super) struct Condition {
    pub namespace: String,
    pub metric_name: String,
    pub dimensions: BTreeMap<String, String>,
    pub threshold: f64,
    pub evaluation_periods: i32,
    pub period_seconds: i32,
    /// Noun for the events that the metric counts.
    pub counted: &'static str,
    /// A sentence about where to look further.
    pub advice: Option<String>,
}

impl From<Detection> for AlarmKind {
    fn from(detection: Detection) -> Self {
        Self::Detection(detection)
    }
}

impl AlarmKind {
    /// Every kind, in the order of display.
    pub const ALL: [Self; 4] = [
        Self::Detection(Detection::RejectedConnections),
        Self::Detection(Detection::HighDataTransfer),
        Self::Detection(Detection::ExternalConnections),
        Self::DetectorErrors,
    ];

    /// False if the spec switches off the detection or the detector that it watches.
    #[must_use]
    pub fn enabled(self, monitor: &Monitor) -> bool {
        match self {
            Self::Detection(detection) => detection.enabled(monitor),
            Self::DetectorErrors => monitor.spec.detector.enabled,
        }
    }

    /// Name of the alarm.
    #[must_use]
    pub fn alarm_name(self, monitor: &Monitor) -> String {
        let slug = match self {
            Self::Detection(detection) => detection.slug(),
            Self::DetectorErrors => "detector-errors",
        };
        format!("{}-{slug}", monitor.names.base())
    }

    /// ARN of the alarm.
    #[must_use]
    pub fn alarm_arn(self, monitor: &Monitor) -> String {
        monitor.account_region.arn("cloudwatch", format!("alarm:{}", self.alarm_name(monitor)))
    }

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Detection(detection) => detection.title(),
            Self::DetectorErrors => "Errors of the detector",
        }
    }

    pub(super) fn condition(self, monitor: &Monitor) -> Condition {
        match self {
            Self::Detection(detection) => {
                let limits = detection.limits(monitor);
                Condition {
                    namespace: monitor.spec.detections.namespace.clone(),
                    metric_name: detection.metric_name(monitor),
                    dimensions: BTreeMap::new(),
                    threshold: limits.threshold,
                    evaluation_periods: limits.evaluation_periods,
                    period_seconds: limits.period_seconds,
                    counted: "flows",
                    advice: None,
                }
            }
            // See "Types of metrics for Lambda functions" in the AWS Lambda developer guide.
            Self::DetectorErrors => Condition {
                namespace: "AWS/Lambda".to_owned(),
                metric_name: "Errors".to_owned(),
                dimensions: [("FunctionName".to_owned(), monitor.names.detector())].into(),
                threshold: 0.0,
                evaluation_periods: 1,
                period_seconds: 300,
                counted: "failed invocations",
                advice: Some(format!("The log group {} says why.", monitor.names.detector_log_group())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    #[test]
    fn names_carry_the_monitor() {
        let monitor = fixtures::monitor();
        let base = monitor.names.base();
        let arns = AlarmKind::ALL.map(|kind| kind.alarm_arn(&monitor));
        let slugs = ["rejected-connections", "high-data-transfer", "external-connections", "detector-errors"];
        assert_eq!(arns, slugs.map(|slug| format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{base}-{slug}")));
    }
}
