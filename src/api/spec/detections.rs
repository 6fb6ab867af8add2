use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::rule;

/// What raises an alarm. Each detection is a metric filter on the log group and a CloudWatch alarm on its metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Detections {
    /// CloudWatch namespace of the metrics. Default `VPC/FlowLogs`. Metric names carry the monitor, so monitors never mix.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._/#:-]{1,255}$"))]
    #[schemars(extend("x-kubernetes-validations" = [
        rule("!self.startsWith('AWS/') && !self.startsWith(':')", "namespaces beginning with AWS/ or : are reserved")
    ]))]
    pub namespace: String,
    /// Rejected flows.
    pub rejected_connections: RejectedConnections,
    /// Flows with many bytes.
    pub high_data_transfer: HighDataTransfer,
    /// Flows from addresses outside the trusted networks.
    pub external_connections: ExternalConnections,
}

impl Default for Detections {
    fn default() -> Self {
        Self {
            namespace: "VPC/FlowLogs".into(),
            rejected_connections: RejectedConnections::default(),
            high_data_transfer: HighDataTransfer::default(),
            external_connections: ExternalConnections::default(),
        }
    }
}

/// Counts rejected flows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.periodSeconds * self.evaluationPeriods <= (self.periodSeconds >= 3600 ? 604800 : 86400)", "periodSeconds times evaluationPeriods is at most 86400 (a day), or 604800 with periods of an hour or more")
]))]
pub struct RejectedConnections {
    /// False removes the metric filter and the alarm. Default true.
    pub enabled: bool,
    /// The alarm fires when more flows than this are counted in each of the periods. Default 50.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Number of periods in a row. Default 2.
    #[schemars(range(min = 1, max = 1440))]
    pub evaluation_periods: i32,
    /// Length of a period in seconds, a multiple of 60. Default 300.
    #[schemars(range(min = 60, max = 604_800), extend("multipleOf" = 60))]
    pub period_seconds: i32,
}

impl Default for RejectedConnections {
    fn default() -> Self {
        Self { enabled: true, threshold: 50.0, evaluation_periods: 2, period_seconds: 300 }
    }
}

/// Counts flows with many bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.periodSeconds * self.evaluationPeriods <= (self.periodSeconds >= 3600 ? 604800 : 86400)", "periodSeconds times evaluationPeriods is at most 86400 (a day), or 604800 with periods of an hour or more")
]))]
pub struct HighDataTransfer {
    /// False removes the metric filter and the alarm. Default true.
    pub enabled: bool,
    /// A flow counts when its record has more bytes than this. Default 10000000 (10 MB).
    #[schemars(range(min = 1))]
    pub min_bytes: i64,
    /// The alarm fires when more flows than this are counted in each of the periods. Default 10.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Number of periods in a row. Default 1.
    #[schemars(range(min = 1, max = 1440))]
    pub evaluation_periods: i32,
    /// Length of a period in seconds, a multiple of 60. Default 300.
    #[schemars(range(min = 60, max = 604_800), extend("multipleOf" = 60))]
    pub period_seconds: i32,
}

impl Default for HighDataTransfer {
    fn default() -> Self {
        Self { enabled: true, min_bytes: 10_000_000, threshold: 10.0, evaluation_periods: 1, period_seconds: 300 }
    }
}

/// Counts flows whose source is outside the trusted networks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule("self.periodSeconds * self.evaluationPeriods <= (self.periodSeconds >= 3600 ? 604800 : 86400)", "periodSeconds times evaluationPeriods is at most 86400 (a day), or 604800 with periods of an hour or more")
]))]
pub struct ExternalConnections {
    /// False removes the metric filter and the alarm. Default true.
    pub enabled: bool,
    /// The alarm fires when more flows than this are counted in each of the periods. Default 100.
    #[schemars(range(min = 0.0))]
    pub threshold: f64,
    /// Number of periods in a row. Default 2.
    #[schemars(range(min = 1, max = 1440))]
    pub evaluation_periods: i32,
    /// Length of a period in seconds, a multiple of 60. Default 300.
    #[schemars(range(min = 60, max = 604_800), extend("multipleOf" = 60))]
    pub period_seconds: i32,
    /// Networks that do not count as external, besides the private ones (RFC 1918, unique local, link-local). CIDR notation. Default none.
    /// CloudWatch's pattern has room for about 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 43)))]
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self.all(network, isCIDR(network))", "each of trustedCidrs is a network in CIDR notation, such as 203.0.113.0/24"),
        rule("self.all(network, !isCIDR(network) || cidr(network).masked() == cidr(network))", "trustedCidrs must have no address bits beyond the prefix length, as in 203.0.113.0/24")
    ]))]
    pub trusted_cidrs: Vec<String>,
}

impl Default for ExternalConnections {
    fn default() -> Self {
        Self { enabled: true, threshold: 100.0, evaluation_periods: 2, period_seconds: 300, trusted_cidrs: Vec::new() }
    }
}
