//! Names and alarm limits of the detections, which metric filters, alarms and dashboard share.

use crate::api::spec::{AlarmLimits, Anomaly, DetectionName};
use crate::monitor::Monitor;

/// Something worth an alarm: a metric filter on the log group, the metric it counts into, and an alarm on that metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detection {
    /// Rejected flows.
    RejectedConnections,
    /// Flows with many bytes.
    HighDataTransfer,
    /// Flows from addresses outside the trusted networks.
    ExternalConnections,
}

impl Detection {
    /// Every detection, in the order of display.
    pub const ALL: [Self; 3] = [Self::RejectedConnections, Self::HighDataTransfer, Self::ExternalConnections];

    /// Its name in metrics, `PascalCase` as AWS names its own.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RejectedConnections => "RejectedConnections",
            Self::HighDataTransfer => "HighDataTransfer",
            Self::ExternalConnections => "ExternalConnections",
        }
    }

    /// Its title in alarms and on the dashboard.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RejectedConnections => "Rejected connections",
            Self::HighDataTransfer => "High data transfer",
            Self::ExternalConnections => "External connections",
        }
    }

    /// Its part of the names of AWS resources.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::RejectedConnections => "rejected-connections",
            Self::HighDataTransfer => "high-data-transfer",
            Self::ExternalConnections => "external-connections",
        }
    }

    /// Name of the metric it counts into, within `spec.detections.namespace`. The name contains the monitor's, so that monitors never mix.
    #[must_use]
    pub fn metric_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", self.name(), monitor.names.base())
    }

    /// Name of the metric filter. It contains the monitor's name, so that it never equals another monitor's in an adopted log group.
    #[must_use]
    pub fn filter_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", monitor.names.base(), self.slug())
    }

    /// The threshold and periods of its alarm.
    #[must_use]
    pub fn limits(self, monitor: &Monitor) -> AlarmLimits {
        let spec = &monitor.spec.detections;
        match self {
            Self::RejectedConnections => spec.rejected_connections.limits(),
            Self::HighDataTransfer => spec.high_data_transfer.limits(),
            Self::ExternalConnections => spec.external_connections.limits(),
        }
    }

    /// The settings of its band.
    #[must_use]
    pub const fn anomaly(self, monitor: &Monitor) -> &Anomaly {
        let spec = &monitor.spec.detections;
        match self {
            Self::RejectedConnections => &spec.rejected_connections.anomaly,
            Self::HighDataTransfer => &spec.high_data_transfer.anomaly,
            Self::ExternalConnections => &spec.external_connections.anomaly,
        }
    }

    /// Its name in the spec.
    #[must_use]
    pub const fn in_spec(self) -> DetectionName {
        match self {
            Self::RejectedConnections => DetectionName::RejectedConnections,
            Self::HighDataTransfer => DetectionName::HighDataTransfer,
            Self::ExternalConnections => DetectionName::ExternalConnections,
        }
    }

    /// The settings by which the metric counts, as text. Data from before a change of them does not show what is usual.
    #[must_use]
    pub fn counts(self, monitor: &Monitor) -> String {
        let spec = &monitor.spec;
        let own = match self {
            Self::RejectedConnections => String::new(),
            Self::HighDataTransfer => spec.detections.high_data_transfer.min_bytes.to_string(),
            Self::ExternalConnections => spec.detections.external_connections.trusted_cidrs.join(" "),
        };
        let traffic = spec.cloud_watch_logs.traffic_type.unwrap_or(spec.traffic_type);
        format!("{} {traffic:?} {own}", spec.detections.namespace)
    }

    /// False if the spec switches it off.
    #[must_use]
    pub fn enabled(self, monitor: &Monitor) -> bool {
        self.limits(monitor).enabled
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
        let detection = Detection::RejectedConnections;
        assert_eq!(detection.metric_name(&monitor), format!("RejectedConnections-{base}"));
        assert_eq!(detection.filter_name(&monitor), format!("{base}-rejected-connections"));
    }

    #[test]
    fn limits_are_the_contracts() {
        let monitor = fixtures::monitor();
        let limits = Detection::ALL.map(|detection| {
            let limits = detection.limits(&monitor);
            (limits.threshold, limits.evaluation_periods, limits.period_seconds)
        });
        assert_eq!(limits, [(50.0, 2, 300), (10.0, 1, 300), (100.0, 2, 300)]);
        assert!(Detection::ALL.iter().all(|detection| detection.enabled(&monitor)));
    }
}
