use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::alarm_limits::{AlarmLimits, datapoints, evaluation_span};
use super::anomaly::Anomaly;
use super::custom_detection::CustomDetection;
use crate::api::cel::{Validation, distinct, matching, names_differ, rule, rule_at};

/// Detections that raise alarms. Each is a metric filter on the log group and a CloudWatch alarm on its metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Detections {
    /// CloudWatch namespace of the metrics, the detector's too. Default `VPC/FlowLogs`. Metric names carry the monitor, those of the
    /// detector in the dimension Monitor, so monitors never mix.
    #[schemars(length(max = 255), extend("x-kubernetes-validations" = [
        matching("^[A-Za-z0-9._/#-]+$", "a CloudWatch namespace has 1 to 255 letters, digits and . _ / # -"),
        rule("!self.startsWith('AWS/')", "namespaces beginning with AWS/ are reserved")
    ]))]
    pub namespace: String,
    /// Rejected flows.
    pub rejected_connections: RejectedConnections,
    /// Flows with many bytes.
    pub high_data_transfer: HighDataTransfer,
    /// Flows from addresses outside the trusted networks.
    pub external_connections: ExternalConnections,
    /// Detections of your own, at most 8. Each adds a metric filter, a custom metric and an alarm. At most five of the monitor's detections name
    /// networks, `externalConnections` being one. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), extend("x-kubernetes-validations" = [
        names_differ("the names of detections.custom must differ")
    ]))]
    pub custom: Vec<CustomDetection>,
}

impl Default for Detections {
    fn default() -> Self {
        Self {
            namespace: "VPC/FlowLogs".into(),
            rejected_connections: RejectedConnections::default(),
            high_data_transfer: HighDataTransfer::default(),
            external_connections: ExternalConnections::default(),
            custom: Vec::new(),
        }
    }
}

/// See `PutMetricAlarm` and `MetricStat` in the CloudWatch API reference: a band has data points of at most a day.
fn band_period() -> Validation {
    rule_at(
        ".anomaly.mode",
        "self.anomaly.mode == 'Disabled' || self.periodSeconds <= 86400",
        "anomaly needs periodSeconds of at most 86400, a day: set anomaly.mode to Disabled, or shorten the period",
    )
    .showing("periodSeconds is %s", &["self.periodSeconds"])
}

/// Defines a detection with its own defaults and its fields besides the limits.
///
/// Flattening a struct of limits would give all of them the same defaults.
macro_rules! detection {
    (
        $(#[$doc:meta])*
        $name:ident, threshold: $threshold:literal, evaluation_periods: $periods:literal,
        { $($(#[$field_doc:meta])* $field:ident: $kind:ty = $default:expr,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", default)]
        #[schemars(extend("x-kubernetes-validations" = [evaluation_span(), datapoints(), band_period()]))]
        pub struct $name {
            /// False removes the metric filter and the alarm. Default true.
            pub enabled: bool,
            #[doc = concat!("The alarm fires when more flows than this are counted in a period, in as many periods as `datapointsToAlarm` says. Default ", $threshold, ".")]
            #[schemars(range(min = 0.0))]
            pub threshold: f64,
            #[doc = concat!("Number of periods in a row that the alarm looks at. Default ", $periods, ".")]
            #[schemars(range(min = 1, max = 1440))]
            pub evaluation_periods: i32,
            /// Number of these periods that must be above the threshold, at most `evaluationPeriods`. With 2 of 3, a single peak is no alarm, and a
            /// pause does not end one. Default: all of them.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 1, max = 1440))]
            pub datapoints_to_alarm: Option<i32>,
            /// Length of a period in seconds, a multiple of 60. Default 300.
            #[schemars(range(min = 60, max = 604_800), extend("multipleOf" = 60))]
            pub period_seconds: i32,
            /// Alarm by what is usual, instead of or besides the threshold.
            pub anomaly: Anomaly,
            $($(#[$field_doc])* pub $field: $kind,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    enabled: true,
                    threshold: f64::from($threshold),
                    evaluation_periods: $periods,
                    datapoints_to_alarm: None,
                    period_seconds: 300,
                    anomaly: Anomaly::default(),
                    $($field: $default,)*
                }
            }
        }

        impl $name {
            /// Limits of its alarm.
            #[must_use]
            pub const fn limits(&self) -> AlarmLimits {
                let datapoints_to_alarm = match self.datapoints_to_alarm {
                    Some(datapoints) => datapoints,
                    None => self.evaluation_periods,
                };
                AlarmLimits {
                    datapoints_to_alarm,
                    enabled: self.enabled,
                    threshold: self.threshold,
                    evaluation_periods: self.evaluation_periods,
                    period_seconds: self.period_seconds,
                }
            }
        }
    };
}

detection! {
    /// Counts rejected flows.
    RejectedConnections, threshold: 50, evaluation_periods: 2, {}
}

detection! {
    /// Counts flows with many bytes.
    HighDataTransfer, threshold: 10, evaluation_periods: 1, {
        /// A flow counts when its record has more bytes than this. Default 10000000 (10 MB).
        #[schemars(range(min = 1))]
        min_bytes: i64 = 10_000_000,
    }
}

detection! {
    /// Counts flows whose source is outside the trusted networks.
    ExternalConnections, threshold: 100, evaluation_periods: 2, {
        /// Networks that do not count as external, besides the private ones (RFC 1918, unique local, link-local). The detector trusts them
        /// too, even if this detection is disabled. CIDR notation, at most 64. Default none. CloudWatch's pattern has room for about 20.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 64), inner(length(max = 43)))]
        #[schemars(extend("x-kubernetes-validations" = [
            rule("self.all(network, isCIDR(network))", "each of trustedCidrs is a network in CIDR notation, such as 203.0.113.0/24").showing("%s", &["self.filter(network, !isCIDR(network))[0]"]),
            distinct("a network may be named once only in trustedCidrs: take out the repeated one"),
            rule("self.all(network, !isCIDR(network) || cidr(network).masked() == cidr(network))", "trustedCidrs must have no address bits beyond the prefix length, as in 203.0.113.0/24").showing("%s", &["self.filter(network, isCIDR(network) && !(cidr(network).masked() == cidr(network)))[0]"])
        ]))]
        trusted_cidrs: Vec<String> = Vec::new(),
    }
}
