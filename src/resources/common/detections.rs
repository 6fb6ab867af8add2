//! Names and alarm limits of the detections, which metric filters, alarms and dashboard share.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::counted_records::{CountedRecords, source_field};
use super::custom_name::CustomName;
use crate::api::spec::{AlarmLimits, Anomaly, CustomDetection, ExternalConnections};
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
    /// A detection of the user.
    Custom(CustomName),
}

/// A detection of the user has no band.
static NO_BAND: LazyLock<Anomaly> = LazyLock::new(Anomaly::default);

/// The mark of a detection of the user within the names of AWS resources.
const CUSTOM: &str = "c-";

impl Detection {
    /// The detections that every monitor has, in the order of display.
    pub const ALL: [Self; 3] = [Self::RejectedConnections, Self::HighDataTransfer, Self::ExternalConnections];

    /// The detections that the spec declares, also those that it switches off.
    #[must_use]
    pub fn declared(monitor: &Monitor) -> Vec<Self> {
        let custom = monitor.spec.detections.custom.iter().filter_map(|custom| CustomName::new(&custom.name));
        Self::ALL.into_iter().chain(custom.map(Self::Custom)).collect()
    }

    /// The detection of the user whose filter or alarm has this name.
    #[must_use]
    pub fn of_custom_name(monitor: &Monitor, name: &str) -> Option<Self> {
        let slug = name.strip_prefix(monitor.names.base())?.strip_prefix('-')?;
        CustomName::new(slug.strip_prefix(CUSTOM)?).map(Self::Custom)
    }

    /// Its name in metrics, `PascalCase` as AWS names its own.
    #[must_use]
    pub fn name(self) -> Cow<'static, str> {
        match self {
            Self::RejectedConnections => "RejectedConnections".into(),
            Self::HighDataTransfer => "HighDataTransfer".into(),
            Self::ExternalConnections => "ExternalConnections".into(),
            Self::Custom(name) => format!("Custom-{name}").into(),
        }
    }

    /// Its title in alarms and on the dashboard.
    #[must_use]
    pub fn title(self) -> Cow<'static, str> {
        match self {
            Self::RejectedConnections => "Rejected connections".into(),
            Self::HighDataTransfer => "High data transfer".into(),
            Self::ExternalConnections => "External connections".into(),
            Self::Custom(name) => format!("Detection {name}").into(),
        }
    }

    /// Its part of the names of AWS resources.
    #[must_use]
    pub fn slug(self) -> Cow<'static, str> {
        match self {
            Self::RejectedConnections => "rejected-connections".into(),
            Self::HighDataTransfer => "high-data-transfer".into(),
            Self::ExternalConnections => "external-connections".into(),
            Self::Custom(name) => format!("{CUSTOM}{name}").into(),
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
            Self::Custom(name) => {
                let declared = spec.custom.iter().find(|custom| custom.name == name.as_str());
                // A former one of the spec is as good as switched off.
                declared.map_or(
                    AlarmLimits { enabled: false, ..ExternalConnections::default().limits() },
                    CustomDetection::limits,
                )
            }
        }
    }

    /// The settings of its band.
    #[must_use]
    pub fn anomaly(self, monitor: &Monitor) -> &Anomaly {
        let spec = &monitor.spec.detections;
        match self {
            Self::RejectedConnections => &spec.rejected_connections.anomaly,
            Self::HighDataTransfer => &spec.high_data_transfer.anomaly,
            Self::ExternalConnections => &spec.external_connections.anomaly,
            Self::Custom(_) => &NO_BAND,
        }
    }

    /// Its name in the spec.
    #[must_use]
    pub fn in_spec(self) -> Cow<'static, str> {
        match self {
            Self::RejectedConnections => "rejectedConnections".into(),
            Self::HighDataTransfer => "highDataTransfer".into(),
            Self::ExternalConnections => "externalConnections".into(),
            Self::Custom(name) => name.to_string().into(),
        }
    }

    /// The settings by which the metric counts, as text. Data from before a change of them does not show what is usual.
    #[must_use]
    pub fn counts(self, monitor: &Monitor) -> String {
        let spec = &monitor.spec;
        let records = CountedRecords::of(spec);
        let own = match self {
            Self::RejectedConnections | Self::Custom(_) => Value::Null,
            Self::HighDataTransfer => json!(spec.detections.high_data_transfer.min_bytes),
            Self::ExternalConnections => {
                // Their order changes nothing.
                let networks: BTreeSet<_> = spec.detections.external_connections.trusted_cidrs.iter().collect();
                json!([source_field(records.fields), networks])
            }
        };
        json!([spec.detections.namespace, records.counter, records.traffic_type, own]).to_string()
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
    use crate::api::spec::TrafficType;
    use crate::api::{FlowLogField, VpcFlowMonitorSpec};
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
    fn a_change_of_what_is_counted_is_known_and_nothing_else_is() {
        type Change = fn(&mut VpcFlowMonitorSpec);
        let before: Change = |spec| {
            spec.detections.external_connections.trusted_cidrs =
                vec!["203.0.113.0/24".into(), "198.51.100.0/24".into()];
        };
        let counts = |change: Change| {
            let mut monitor = fixtures::monitor();
            before(&mut monitor.spec);
            change(&mut monitor.spec);
            Detection::ALL.map(|detection| detection.counts(&monitor))
        };
        let changed = |change: Change| {
            let (old, new) = (counts(|_| {}), counts(change));
            [0, 1, 2].map(|index| old[index] != new[index])
        };
        let real_source: Change = |spec| spec.cloud_watch_logs.fields.push(FlowLogField::PktSrcAddr);
        let cases: [(Change, [bool; 3]); 12] = [
            (|spec| spec.detections.namespace = "Other".into(), [true; 3]),
            (|spec| spec.traffic_type = TrafficType::Reject, [true; 3]),
            (|spec| spec.cloud_watch_logs.traffic_type = Some(TrafficType::Reject), [true; 3]),
            (|spec| spec.cloud_watch_logs.enabled = false, [true; 3]),
            (|spec| spec.detections.high_data_transfer.min_bytes = 1, [false, true, false]),
            (real_source, [false, false, true]),
            (|spec| drop(spec.detections.external_connections.trusted_cidrs.pop()), [false, false, true]),
            // The bucket does not count.
            (|spec| spec.s3.traffic_type = Some(TrafficType::Reject), [false; 3]),
            (|spec| spec.s3.fields.retain(|field| *field != FlowLogField::PktSrcAddr), [false; 3]),
            (|spec| spec.cloud_watch_logs.fields.push(FlowLogField::VpcId), [false; 3]),
            (|spec| spec.detections.external_connections.trusted_cidrs.reverse(), [false; 3]),
            (|spec| spec.detections.external_connections.threshold = 1.0, [false; 3]),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            assert_eq!(changed(change), expected, "case {index}");
        }
        let of_bucket = |change: Change| {
            let mut monitor = fixtures::monitor();
            monitor.spec.cloud_watch_logs.enabled = false;
            change(&mut monitor.spec);
            Detection::ExternalConnections.counts(&monitor)
        };
        let counted = of_bucket(|_| {});
        assert_ne!(of_bucket(|spec| spec.s3.traffic_type = Some(TrafficType::Reject)), counted);
        assert_ne!(of_bucket(|spec| spec.s3.fields.retain(|field| *field != FlowLogField::PktSrcAddr)), counted);
        assert_eq!(of_bucket(|spec| spec.cloud_watch_logs.traffic_type = Some(TrafficType::Reject)), counted);
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
