//! The alarms by name, which the topic's policy and the dashboard name too.

use std::borrow::Cow;

use super::detections::Detection;
use crate::api::ResourceKind;
use crate::api::spec::Anomaly;
use crate::api::status::ResourceState;
use crate::monitor::Monitor;

/// The section of `docs/alarms.md` about the alarms of all detections of users.
pub const CUSTOM_SECTION: &str = "detections-of-your-own";

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
    /// The kinds that every monitor has, in the order of display.
    pub const ALL: [Self; 4] = [
        Self::Detection(Detection::RejectedConnections),
        Self::Detection(Detection::HighDataTransfer),
        Self::Detection(Detection::ExternalConnections),
        Self::DetectorErrors,
    ];

    /// The kinds that the spec declares, also those that it switches off.
    #[must_use]
    pub fn declared(monitor: &Monitor) -> Vec<Self> {
        let detections = Detection::declared(monitor).into_iter().map(Self::Detection);
        detections.chain([Self::DetectorErrors]).collect()
    }

    /// The declared kinds, and those of earlier specs whose alarms the status has.
    #[must_use]
    pub fn known(monitor: &Monitor) -> Vec<Self> {
        let mut known = Self::declared(monitor);
        let alarms = monitor
            .recorded
            .iter()
            .filter(|resource| resource.kind == ResourceKind::Alarm && resource.state != ResourceState::Retained);
        for former in alarms.filter_map(|alarm| Detection::of_custom_name(monitor, &alarm.name)).map(Self::Detection) {
            if !known.contains(&former) {
                known.push(former);
            }
        }
        known
    }

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
    pub fn slug(self) -> Cow<'static, str> {
        match self {
            Self::Detection(detection) => detection.slug(),
            Self::DetectorErrors => "detector-errors".into(),
        }
    }

    /// Its section in `docs/alarms.md`.
    #[must_use]
    pub fn section(self) -> Cow<'static, str> {
        match self {
            Self::Detection(Detection::Custom(_)) => CUSTOM_SECTION.into(),
            other => other.slug(),
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

    /// The detection, if it is one that can have a band.
    #[must_use]
    pub const fn with_band(self) -> Option<Detection> {
        match self {
            Self::Detection(Detection::Custom(_)) | Self::DetectorErrors => None,
            Self::Detection(detection) => Some(detection),
        }
    }

    /// ARNs of the alarms that may notify: the alarm itself, and the composite alarm if the kind can have a band.
    #[must_use]
    pub fn notifying_arns(self, monitor: &Monitor) -> Vec<String> {
        let verdict = self.with_band().map(|_| arn(monitor, &self.verdict_name(monitor)));
        std::iter::once(self.alarm_arn(monitor)).chain(verdict).collect()
    }

    /// Name of the alarm that the spec makes notify.
    #[must_use]
    pub fn shown_name(self, monitor: &Monitor) -> String {
        if self.anomaly(monitor).is_some() { self.verdict_name(monitor) } else { self.alarm_name(monitor) }
    }

    /// ARN of the alarm that the spec makes notify.
    #[must_use]
    pub fn shown_arn(self, monitor: &Monitor) -> String {
        arn(monitor, &self.shown_name(monitor))
    }

    /// The settings of its band, if it has one.
    #[must_use]
    pub fn anomaly(self, monitor: &Monitor) -> Option<&Anomaly> {
        self.with_band().map(|detection| detection.anomaly(monitor)).filter(|anomaly| anomaly.is_on())
    }

    /// ARN of the alarm.
    #[must_use]
    pub fn alarm_arn(self, monitor: &Monitor) -> String {
        arn(monitor, &self.alarm_name(monitor))
    }
}

/// ARN of an alarm of any kind, by its name.
#[must_use]
pub fn arn(monitor: &Monitor, name: &str) -> String {
    monitor.account_region.arn("cloudwatch", format!("alarm:{name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::Component;
    use crate::api::status::ResourceStatus;
    use crate::monitor::fixtures;

    #[test]
    fn names_carry_the_monitor() {
        let monitor = fixtures::monitor();
        let base = monitor.names.base();
        let arns = AlarmKind::ALL.map(|kind| kind.alarm_arn(&monitor));
        let slugs = ["rejected-connections", "high-data-transfer", "external-connections", "detector-errors"];
        assert_eq!(arns, slugs.map(|slug| format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{base}-{slug}")));
    }

    #[test]
    fn detections_of_the_user_are_kinds_until_their_alarms_are_gone() {
        let mut monitor = fixtures::monitor();
        let custom = json!({"name": "smb-out", "when": "dstport == 445", "threshold": 5.0, "tests": []});
        monitor.spec.detections.custom = vec![serde_json::from_value(custom).unwrap()];
        let declared = AlarmKind::declared(&monitor);
        assert_eq!(declared.len(), 5);
        let kind = declared[3];
        assert_eq!(kind.alarm_name(&monitor), format!("{}-c-smb-out", monitor.names.base()));
        assert!(kind.enabled(&monitor));

        monitor.recorded.push(ResourceStatus {
            component: Component::Alarms,
            kind: ResourceKind::Alarm,
            name: kind.alarm_name(&monitor),
            arn: None,
            state: ResourceState::InSync,
            message: None,
        });
        assert_eq!(AlarmKind::known(&monitor), declared, "each once");
        monitor.spec.detections.custom.clear();
        assert!(AlarmKind::known(&monitor).contains(&kind) && !kind.enabled(&monitor));
        assert!(!AlarmKind::declared(&monitor).contains(&kind));
    }
}
