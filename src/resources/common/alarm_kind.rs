//! The alarms by name, which the topic's policy and the dashboard name too.

use super::detections::Detection;
use crate::api::spec::Anomaly;
use crate::monitor::Monitor;

/// The subject of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlarmKind {
    /// The metric of a detection.
    Detection(Detection),
    /// Failed invocations of the detector: it has not read the records of these invocations.
    DetectorErrors,
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

    /// Its part of the alarm's name.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Detection(detection) => detection.slug(),
            Self::DetectorErrors => "detector-errors",
        }
    }

    /// Name of the alarm.
    #[must_use]
    pub fn alarm_name(self, monitor: &Monitor) -> String {
        format!("{}-{}", monitor.names.base(), self.slug())
    }

    /// Name of the alarm on the band of what is usual.
    #[must_use]
    pub fn band_name(self, monitor: &Monitor) -> String {
        format!("{}-band", self.alarm_name(monitor))
    }

    /// Name of the composite alarm that decides between the threshold and the band.
    #[must_use]
    pub fn verdict_name(self, monitor: &Monitor) -> String {
        format!("{}-verdict", self.alarm_name(monitor))
    }

    /// ARNs of the alarms that may notify: the alarm itself, and the composite alarm if the kind can have a band.
    #[must_use]
    pub fn notifying_arns(self, monitor: &Monitor) -> Vec<String> {
        let verdict = || monitor.account_region.arn("cloudwatch", format!("alarm:{}", self.verdict_name(monitor)));
        match self {
            Self::Detection(_) => vec![self.alarm_arn(monitor), verdict()],
            Self::DetectorErrors => vec![self.alarm_arn(monitor)],
        }
    }

    /// ARN of the alarm that the spec makes notify.
    #[must_use]
    pub fn shown_arn(self, monitor: &Monitor) -> String {
        let name = if self.anomaly(monitor).is_some() { self.verdict_name(monitor) } else { self.alarm_name(monitor) };
        monitor.account_region.arn("cloudwatch", format!("alarm:{name}"))
    }

    /// The settings of its band, if it has one.
    #[must_use]
    pub fn anomaly(self, monitor: &Monitor) -> Option<&Anomaly> {
        match self {
            Self::Detection(detection) => Some(detection.anomaly(monitor)).filter(|anomaly| anomaly.is_on()),
            Self::DetectorErrors => None,
        }
    }

    /// ARN of the alarm.
    #[must_use]
    pub fn alarm_arn(self, monitor: &Monitor) -> String {
        monitor.account_region.arn("cloudwatch", format!("alarm:{}", self.alarm_name(monitor)))
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
