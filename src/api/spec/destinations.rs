use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TrafficType;
use super::lifecycle::Lifecycle;
use crate::api::cel::{distinct, key_arn, matching, rule};
use crate::api::flow_log_field::{FlowLogField, OfferedField, default_cloudwatch_fields, default_s3_fields};

/// The log group that receives records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CloudWatchLogs {
    /// False: no log group, and none of what reads it: its flow log, its delivery role, metric filters, saved Insights queries. The detector
    /// then reads the bucket (`detector.source: S3`) and counts the detections itself; records cost about half. An existing log group stays
    /// or goes as `deletionPolicy` says. Default true.
    pub enabled: bool,
    /// Name of the log group. Default `/aws/vpc/flowlogs/<namespace>/<name>`. After a change the records of the old group stay or
    /// go as `deletionPolicy` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [
        matching("^[A-Za-z0-9_./#-]+$", "the name of a log group has 1 to 512 letters, digits and _ . / # -"),
        rule("!self.startsWith('aws/')", "log group names beginning with aws/ are reserved by AWS"),
        rule("!self.startsWith('/aws/') || self.startsWith('/aws/vpc')", "log groups under /aws/ are of AWS's own services: name one elsewhere, or under /aws/vpc")
    ]))]
    pub log_group_name: Option<String>,
    /// Overrides `trafficType` for this destination. REJECT costs least, but then only `rejectedConnections` and the findings about
    /// rejections have complete data. Default: `trafficType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_type: Option<TrafficType>,
    /// Days that records are kept, one of the values CloudWatch Logs accepts. Default 30. Shortening it deletes older records.
    #[schemars(extend("enum" = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653]))]
    pub retention_days: i32,
    /// Class of the log group. Immutable. Default STANDARD. `INFREQUENT_ACCESS` costs half to ingest, but has neither metric filters
    /// nor subscriptions: all detections must be disabled, and the detector must be disabled or have source S3.
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self == oldSelf", "logGroupClass is immutable: CloudWatch Logs cannot change the class of a log group")
    ]))]
    pub log_group_class: LogGroupClass,
    /// ARN of the KMS key that encrypts the log group; its policy must let `logs.<region>.amazonaws.com` use it. Default: CloudWatch's
    /// own encryption.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [key_arn()]))]
    pub kms_key_arn: Option<String>,
    /// Fields of a record, in order. Default: AWS's default format (version 2). A change replaces the flow log.
    #[schemars(with = "Vec<OfferedField>", length(min = 1, max = 60))]
    #[schemars(extend("x-kubernetes-validations" = [
        distinct("a field may be named once only: take out the repeated one")
    ]))]
    pub fields: Vec<FlowLogField>,
}

impl Default for CloudWatchLogs {
    fn default() -> Self {
        Self {
            enabled: true,
            log_group_name: None,
            traffic_type: None,
            retention_days: 30,
            log_group_class: LogGroupClass::Standard,
            kms_key_arn: None,
            fields: default_cloudwatch_fields(),
        }
    }
}

/// Class of a log group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LogGroupClass {
    /// All features.
    Standard,
    /// Cheaper, without metric filters and subscriptions.
    InfrequentAccess,
}

impl LogGroupClass {
    /// As AWS spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::InfrequentAccess => "INFREQUENT_ACCESS",
        }
    }
}

/// The bucket that stores records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct S3 {
    /// Name of the bucket. Default `vpc-flow-logs-<account>-<hash>`. After a change the records of the old bucket stay or go as
    /// `deletionPolicy` says; the saved queries read the new bucket only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [
        matching("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "a bucket name has 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at either end"),
        rule(r"!self.contains('..') && !self.matches('^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$') && !self.startsWith('xn--') && !self.startsWith('sthree-') && !self.startsWith('amzn-s3-demo-') && !self.endsWith('-s3alias') && !self.endsWith('--ol-s3') && !self.endsWith('.mrap') && !self.endsWith('--x-s3') && !self.endsWith('--table-s3')", "not a bucket name: no two dots in a row, no IP address, and no prefix or suffix that S3 reserves")
    ]))]
    pub bucket_name: Option<String>,
    /// Folder of the records within the bucket, without a slash at either end; empty for none. Default `vpc-flow-logs`. `AWSLogs`,
    /// `athena-results`, `detector-state` and names beginning with `layout-` are reserved. A change replaces the flow log; earlier records stay in their
    /// folder, and the saved queries read both folders.
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [
        matching("^([A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*)?$", "a prefix is a folder, or several with a slash between them and none at either end; a folder has letters, digits and ! _ . ' ( ) -"),
        rule("!self.split('/').exists(part, part == 'AWSLogs')", "AWSLogs is reserved: AWS adds it to the prefix itself"),
        rule("!self.split('/').exists(part, part == '.' || part == '..')", "a prefix must not contain the folders . or .."),
        rule("!self.split('/').exists(part, part.startsWith('layout-'))", "names beginning with layout- are reserved: they are folders of records in another layout than the default one"),
        rule("self != 'athena-results' && !self.startsWith('athena-results/')", "athena-results is reserved: it is for query results, which expire"),
        rule("self != 'detector-state' && !self.startsWith('detector-state/')", "detector-state is reserved: it is for the detector's notification log")
    ]))]
    pub prefix: String,
    /// Overrides `trafficType` for this destination. Default: `trafficType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic_type: Option<TrafficType>,
    /// Fields of a record, in order. Default: the 21 fields of versions 2 and 3. A change replaces the flow log and the Athena table's
    /// columns. With `plain-text`, new records get a folder of their own, and the saved queries read both folders.
    #[schemars(with = "Vec<OfferedField>", length(min = 1, max = 60))]
    #[schemars(extend("x-kubernetes-validations" = [
        distinct("a field may be named once only: take out the repeated one")
    ]))]
    pub fields: Vec<FlowLogField>,
    /// `parquet` (default; smaller, queries cost less) or `plain-text` (gzip). A change replaces the flow log; new records get a
    /// folder of their own, and the saved queries read both folders.
    pub file_format: FileFormat,
    /// True (default) starts a folder every hour, false every day. A change replaces the flow log; new records get a folder of their
    /// own, and the saved queries read both folders.
    pub per_hour_partition: bool,
    /// True (default) names folders `year=2026/month=01/…`, false `2026/01/…`. A change replaces the flow log; new records get a
    /// folder of their own, and the saved queries read both folders.
    pub hive_compatible_partitions: bool,
    /// True (default) keeps overwritten and deleted objects as versions; false suspends versioning.
    pub versioning: bool,
    /// ARN of the KMS key that encrypts objects; its policy must let `delivery.logs.amazonaws.com` use it. Default: SSE-S3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [key_arn()]))]
    pub kms_key_arn: Option<String>,
    /// Days after which records move to cheaper storage or are deleted. By default S3 moves no object of less than 128 KB to another class:
    /// the files of a small VPC stay in Standard until they expire.
    pub lifecycle: Lifecycle,
}

impl Default for S3 {
    fn default() -> Self {
        Self {
            bucket_name: None,
            prefix: "vpc-flow-logs".into(),
            traffic_type: None,
            fields: default_s3_fields(),
            file_format: FileFormat::Parquet,
            per_hour_partition: true,
            hive_compatible_partitions: true,
            versioning: true,
            kms_key_arn: None,
            lifecycle: Lifecycle::default(),
        }
    }
}

/// Format of stored files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// Columnar, compressed.
    Parquet,
    /// Lines of text, gzip.
    PlainText,
}

impl FileFormat {
    /// As AWS spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::PlainText => "plain-text",
        }
    }
}
