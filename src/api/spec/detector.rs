use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::custom_rule::CustomRule;
use super::rules::DetectorRules;
use super::severity::Severity;
use super::suppression::Suppression;
use crate::api::cel::{distinct, matching, names_differ, rule_at};

/// The Lambda function that reads every record, from the log group or from the files of the bucket, and reports anomalies to the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(
        ".memoryMb",
        "self.source != 'S3' || !has(self.memoryMb) || self.memoryMb >= 256",
        "memoryMb must be at least 256 with source S3: a file has the records of all network interfaces",
    )
    .showing("memoryMb is %s", &["self.memoryMb"])
]))]
pub struct Detector {
    /// False removes the function, its role, its log group, the subscription filter or event rule, and the alarm on the function's errors.
    /// Default true.
    pub enabled: bool,
    /// The place where the function reads records. `CloudWatchLogs` (default): the log group, about five minutes sooner, one network interface
    /// at a time. `S3`: each file of the bucket, all network interfaces of the VPC together, without the log group if
    /// `cloudWatchLogs.enabled` is false. After a change, both feed the function for ten minutes.
    pub source: RecordSource,
    /// Memory of the function in MB, 128 to 10240, with source S3 at least 256. Default 128, with source S3 256. CPU grows with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 128, max = 10240))]
    pub memory_mb: Option<i32>,
    /// Time limit of an invocation in seconds, 1 to 900. Default 60, with source S3 300.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 900))]
    pub timeout_seconds: Option<i32>,
    /// Days that the function's own log is kept, one of the values CloudWatch Logs accepts. Default 14.
    #[schemars(extend("enum" = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]))]
    pub log_retention_days: i32,
    /// The least severity that is published to the topic: LOW, MEDIUM or HIGH. Default MEDIUM. Metrics, dashboard and queries have findings of
    /// every severity. LOW publishes each rejected connection too: many messages on a VPC with public addresses.
    pub min_severity: Severity,
    /// Time after which an incident that lasts is published again, with what came since: `15m` to `999m`, or `1h` to `168h`. Default `6h`. Until
    /// then its findings are counted, not published.
    #[schemars(length(max = 8), extend("x-kubernetes-validations" = [
        matching(RENOTIFY_AFTER, "renotifyAfter is a number of minutes or hours, 15m to 999m or 1h to 168h, such as 6h")
    ]))]
    pub renotify_after: String,
    /// Span in seconds, 60 to 3600, over which the ports, hosts and bytes of one source are counted together, within the records that
    /// the function gets at a time: from the log group those of one network interface, with source S3 those of a file. Default 300.
    #[schemars(range(min = 60, max = 3600))]
    pub window_seconds: i32,
    /// A single flow of more bytes than this is a finding of the rule `highDataTransfer`. Default 50000000 (50 MB).
    #[schemars(range(min = 1))]
    pub high_transfer_bytes: i64,
    /// Destination ports, 1 to 64 different ones, that public addresses have no business with: for the rules `sensitivePortAccepted` and
    /// `sensitivePortRejected`. A list given here replaces the default: 22, 23, 445, 1433, 2375, 3306, 3389, 5432, 5900, 6379, 9200, 11211 and
    /// 27017 (remote access, file shares, databases, caches).
    #[schemars(length(min = 1, max = 64), inner(range(min = 1, max = 65535)))]
    #[schemars(extend("x-kubernetes-validations" = [
        distinct("a port may be named once only in sensitivePorts: take out the repeated one")
    ]))]
    pub sensitive_ports: Vec<i32>,
    /// The rules of the detector. A rule finds nothing if its records lack a field that it needs (`cloudWatchLogs.fields`, or `s3.fields`
    /// with `source: S3`); the notice `RuleIdle` names it.
    pub rules: DetectorRules,
    /// Rules of your own, at most 16. Each adds a custom metric. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-validations" = [
        names_differ("the names of customRules must differ")
    ]))]
    pub custom_rules: Vec<CustomRule>,
    /// Records that rules leave out, at most 32 entries. They are counted in the metric `DetectorSuppressed`. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = [
        names_differ("the names of suppress must differ")
    ]))]
    pub suppress: Vec<Suppression>,
}

/// The place where the detector reads records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordSource {
    /// The log group.
    #[default]
    CloudWatchLogs,
    /// The files of the bucket.
    S3,
}

impl RecordSource {
    /// Memory of the function in MB, unless the spec sets it.
    const fn default_memory_mb(self) -> i32 {
        match self {
            Self::CloudWatchLogs => 128,
            Self::S3 => 256,
        }
    }

    /// Time limit of an invocation in seconds, unless the spec sets it. A file of the largest size takes the function more than a minute.
    const fn default_timeout_seconds(self) -> i32 {
        match self {
            Self::CloudWatchLogs => 60,
            Self::S3 => 300,
        }
    }
}

/// 15 minutes to a week.
const RENOTIFY_AFTER: &str = "^((1[5-9]|[2-9][0-9]|[1-9][0-9][0-9])m|([1-9]|[1-9][0-9]|1[0-5][0-9]|16[0-8])h)$";

impl Detector {
    /// Memory of the function in MB.
    #[must_use]
    pub fn memory_mb(&self) -> i32 {
        self.memory_mb.unwrap_or(self.source.default_memory_mb())
    }

    /// Time limit of an invocation in seconds.
    #[must_use]
    pub fn timeout_seconds(&self) -> i32 {
        self.timeout_seconds.unwrap_or(self.source.default_timeout_seconds())
    }

    /// `renotifyAfter` in seconds, `None` if it is no number of minutes or hours.
    #[must_use]
    pub fn renotify_after_seconds(&self) -> Option<u64> {
        let minutes = |text: &str| text.parse::<u64>().ok();
        let text = &self.renotify_after;
        let minutes = match (text.strip_suffix('m'), text.strip_suffix('h')) {
            (Some(number), _) => minutes(number),
            (_, Some(number)) => minutes(number)?.checked_mul(60),
            (None, None) => None,
        };
        minutes?.checked_mul(60)
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            enabled: true,
            source: RecordSource::default(),
            memory_mb: None,
            timeout_seconds: None,
            log_retention_days: 14,
            min_severity: Severity::default(),
            renotify_after: "6h".to_owned(),
            window_seconds: 300,
            high_transfer_bytes: 50_000_000,
            sensitive_ports: vec![22, 23, 445, 1433, 2375, 3306, 3389, 5432, 5900, 6379, 9200, 11211, 27017],
            rules: DetectorRules::default(),
            custom_rules: Vec::new(),
            suppress: Vec::new(),
        }
    }
}
