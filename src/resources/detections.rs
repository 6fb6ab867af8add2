//! What the detections are called and when they raise an alarm: shared by metric filters, alarms and dashboard.

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

/// When a detection raises its alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limits {
    enabled: bool,
    threshold: f64,
    evaluation_periods: i32,
    period_seconds: i32,
}

impl Detection {
    /// Every detection, in the order in which people see them.
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

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::RejectedConnections => "Rejected connections",
            Self::HighDataTransfer => "High data transfer",
            Self::ExternalConnections => "External connections",
        }
    }

    /// Its name in names of AWS resources.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::RejectedConnections => "rejected-connections",
            Self::HighDataTransfer => "high-data-transfer",
            Self::ExternalConnections => "external-connections",
        }
    }

    /// The metric it counts into, within `spec.detections.namespace`. It carries the monitor, so that monitors never mix.
    #[must_use]
    pub fn metric_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", self.name(), monitor.names.base())
    }

    /// The metric filter. It carries the monitor, so that it never meets another's in a log group that was taken over.
    #[must_use]
    pub fn filter_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", monitor.names.base(), self.slug())
    }

    /// The alarm.
    #[must_use]
    pub fn alarm_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", monitor.names.base(), self.slug())
    }

    /// ARN of the alarm.
    #[must_use]
    pub fn alarm_arn(self, monitor: &Monitor) -> String {
        monitor.place.arn("cloudwatch", format!("alarm:{}", self.alarm_name(monitor)))
    }

    /// False if the spec switches it off.
    #[must_use]
    pub fn enabled(self, monitor: &Monitor) -> bool {
        self.limits(monitor).enabled
    }

    /// The alarm fires when more flows than this are counted in each of the periods.
    #[must_use]
    pub fn threshold(self, monitor: &Monitor) -> f64 {
        self.limits(monitor).threshold
    }

    /// Number of periods in a row.
    #[must_use]
    pub fn evaluation_periods(self, monitor: &Monitor) -> i32 {
        self.limits(monitor).evaluation_periods
    }

    /// Length of a period in seconds.
    #[must_use]
    pub fn period_seconds(self, monitor: &Monitor) -> i32 {
        self.limits(monitor).period_seconds
    }

    fn limits(self, monitor: &Monitor) -> Limits {
        macro_rules! limits {
            ($of:expr) => {
                Limits {
                    enabled: $of.enabled,
                    threshold: $of.threshold,
                    evaluation_periods: $of.evaluation_periods,
                    period_seconds: $of.period_seconds,
                }
            };
        }
        let spec = &monitor.spec.detections;
        match self {
            Self::RejectedConnections => limits!(spec.rejected_connections),
            Self::HighDataTransfer => limits!(spec.high_data_transfer),
            Self::ExternalConnections => limits!(spec.external_connections),
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
        let detection = Detection::RejectedConnections;
        assert_eq!(detection.metric_name(&monitor), format!("RejectedConnections-{base}"));
        assert_eq!(detection.filter_name(&monitor), format!("{base}-rejected-connections"));
        assert_eq!(
            detection.alarm_arn(&monitor),
            format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{base}-rejected-connections")
        );
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
