//! The spec, which a user writes. The comment of each field gives its unit, default and consequence; `kubectl explain` shows it.

mod alarm_limits;
mod analytics;
mod anomaly;
mod custom_detection;
mod custom_rule;
mod destinations;
mod detections;
mod detector;
mod integrations;
mod lifecycle;
mod notifications;
mod quiet_time;
mod rule_test_value;
mod rules;
mod severity;
mod suppression;
mod validations;

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::detector::{Detector, RecordSource};
pub use alarm_limits::AlarmLimits;
pub use analytics::{Analytics, Dashboard};
pub use anomaly::{Anomaly, Direction, ExcludedRange};
pub use custom_detection::CustomDetection;
pub use custom_rule::{CustomRule, RuleTest};
pub use destinations::{CloudWatchLogs, FileFormat, LogGroupClass, S3};
pub use detections::{Detections, ExternalConnections, HighDataTransfer, RejectedConnections};
pub use flow_log_fields::GroupField;
pub use integrations::{FindingEvents, Integrations};
pub use lifecycle::Lifecycle;
pub use notifications::{Notifications, Subscription, SubscriptionProtocol};
pub use quiet_time::QuietTime;
pub use rule_test_value::RuleTestValue;
pub use rules::{DetectorRules, HostSweep, LargeEgress, PortScan, Switch, UnusualProtocol};
pub use severity::Severity;
pub use suppression::{DetectorRule, Suppression};

use super::flow_log_field::FlowLogField;
use super::status::VpcFlowMonitorStatus;
use crate::api::cel::{Validation, matching, role_arn, rule};

/// The pattern of a region's code, such as `eu-west-1`.
pub const REGION: &str = r"^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$";

/// Watches the network traffic of one VPC: flow logs, storage, alarms, anomaly detection, queries and a dashboard in AWS.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "vpcflow.dev",
    version = "v1alpha1",
    kind = "VpcFlowMonitor",
    plural = "vpcflowmonitors",
    shortname = "vfm",
    category = "aws",
    namespaced,
    status = "VpcFlowMonitorStatus",
    doc = "Watches the network traffic of one VPC: flow logs, storage, alarms, anomaly detection, queries and a dashboard in AWS.",
    // The ownership tag contains cluster, namespace and name, and a tag value has at most 256 characters.
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name has at most 63 characters: it is part of a tag on every AWS resource"),
    // The first ones fit 80 columns, with a name of 20 characters and the longest reason.
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"True if AWS is as declared."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Reason of the condition Ready."}"#,
    printcolumn = r#"{"name":"Alarms","type":"string","jsonPath":".status.summary.alarms","description":"Alarms in state ALARM."}"#,
    printcolumn = r#"{"name":"Notifies","type":"string","jsonPath":".status.summary.notifies","description":"Confirmed subscriptions of those in the spec."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"VPC","type":"string","jsonPath":".spec.vpcId","priority":1,"description":"The VPC that is watched."}"#,
    printcolumn = r#"{"name":"Region","type":"string","jsonPath":".status.region","priority":1,"description":"The AWS region."}"#,
    printcolumn = r#"{"name":"Flow Logs","type":"string","jsonPath":".status.summary.flowLogs","priority":1,"description":"Active flow logs of those wanted."}"#,
    printcolumn = r#"{"name":"Bucket","type":"string","jsonPath":".status.summary.bucket","priority":1,"description":"The bucket with the records."}"#,
    printcolumn = r#"{"name":"Log Group","type":"string","jsonPath":".status.summary.logGroup","priority":1,"description":"The log group with the records."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"Message of the condition Ready."}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::api::descriptions::unwrap)]
#[schemars(extend("x-kubernetes-validations" = validations::validations()))]
pub struct VpcFlowMonitorSpec {
    /// Id of the VPC to watch, such as `vpc-0123456789abcdef0`. Immutable.
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [
        matching("^vpc-([0-9a-f]{8}|[0-9a-f]{17})$", "the id of a VPC is vpc- with 8 or 17 hexadecimal digits, such as vpc-0123456789abcdef0"),
        rule("self == oldSelf", "vpcId is immutable: create another VpcFlowMonitor for another VPC")
    ]))]
    pub vpc_id: String,

    /// AWS region of the VPC, such as `eu-west-1`. Immutable. Default: the operator's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = [matching(REGION, "a region is named by its code, such as eu-west-1")]))]
    pub region: Option<String>,

    /// Role that the operator assumes when the VPC is in another account. Immutable. The operator's settings must allow the role for this
    /// namespace. Default: the operator's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,

    /// Traffic to record: ALL, ACCEPT or REJECT. Default ALL. A destination can override it.
    #[serde(default)]
    pub traffic_type: TrafficType,

    /// Longest time, in seconds, that packets of one flow are gathered into one record: 60 or 600. Default 60. Interfaces of Nitro
    /// instances, which are most instances today, always use 60 seconds or less, so 600 saves nothing for them. For others it gives
    /// fewer records and later alarms. A change replaces both flow logs.
    #[serde(default = "default_aggregation_interval")]
    #[schemars(extend("enum" = [60, 600]))]
    pub aggregation_interval: i32,

    /// The log group that receives records for alarms and the detector.
    #[serde(default)]
    pub cloud_watch_logs: CloudWatchLogs,

    /// The bucket that stores records for analysis.
    #[serde(default)]
    pub s3: S3,

    /// The detections. Each is a metric filter and a CloudWatch alarm.
    #[serde(default)]
    pub detections: Detections,

    /// The topic for alarms and anomalies, and its subscriptions.
    #[serde(default)]
    pub notifications: Notifications,

    /// The Lambda function that reads every record and reports anomalies.
    #[serde(default)]
    pub detector: Detector,

    /// Places besides the topic where findings go.
    #[serde(default)]
    pub integrations: Integrations,

    /// Athena workgroup, table and saved queries over the stored records.
    #[serde(default)]
    pub analytics: Analytics,

    /// The CloudWatch dashboard.
    #[serde(default)]
    pub dashboard: Dashboard,

    /// Tags for every AWS resource that can carry them, besides the operator's own. At most 40; keys have at most 127 characters, as EC2
    /// takes no longer ones. A key that is removed here is removed from the resources; tags of others stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 40))]
    #[schemars(extend("x-kubernetes-validations" = tag_rules()))]
    pub tags: BTreeMap<String, TagValue>,

    /// Resources to remove from AWS when this object is deleted. `RetainData` removes all but the bucket and the log group, which stay with
    /// their contents. Delete removes these two as well, with all records, unless they existed before the monitor took them over. Retain
    /// removes nothing. Default: the operator's setting, which is `RetainData` unless changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Policy for an existing AWS resource of the wanted name. Never (default) reports a conflict; `IfUnowned` takes the resource over if
    /// no other monitor owns it. A bucket, log group or database that this spec names is taken over only if the operator's settings allow
    /// it for this namespace, and is never emptied or deleted.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,

    /// True stops every change in AWS until it is false again; the status is still kept up to date. Default false.
    #[serde(default)]
    pub suspend: bool,
}

const fn default_aggregation_interval() -> i32 {
    60
}

/// The rules of tags, as all services of AWS take them.
#[must_use]
pub fn tag_rules() -> [Validation; 4] {
    [
        rule("self.all(key, self.all(other, key == other || key.lowerAscii() != other.lowerAscii()))", "tag keys must differ by more than case: IAM ignores case").showing("%s", &["self.filter(key, self.exists(other, key != other && key.lowerAscii() == other.lowerAscii()))[0]"]),
        rule("self.all(key, !key.lowerAscii().startsWith('aws:') && !key.lowerAscii().startsWith('vpcflow.dev/'))", "tag keys beginning with aws: or vpcflow.dev/ are reserved").showing("%s", &["self.filter(key, key.lowerAscii().startsWith('aws:') || key.lowerAscii().startsWith('vpcflow.dev/'))[0]"]),
        rule(r"self.all(key, size(key) >= 1 && size(key) <= 127 && key.matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))", "a tag key has 1 to 127 letters, digits, spaces or _ . : / = + - @").showing("%s", &[r"self.filter(key, !(size(key) >= 1 && size(key) <= 127 && key.matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$')))[0]"]),
        rule(r"self.all(key, size(self[key]) <= 256 && self[key].matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$'))", "a tag value has at most 256 letters, digits, spaces or _ . : / = + - @").showing("that of %s has others", &[r"self.filter(key, !(size(self[key]) <= 256 && self[key].matches('^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]*$')))[0]"]),
    ]
}

/// A tag's value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct TagValue(#[schemars(length(max = 256))] pub String);

/// A role in another account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// ARN of the role.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [role_arn()]))]
    pub role_arn: String,
    /// External id that the role's trust policy asks for, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), extend("x-kubernetes-validations" = [
        matching("^[A-Za-z0-9+=,.@:/_-]*$", "an external id has 2 to 1224 letters, digits and + = , . @ : / _ -")
    ]))]
    pub external_id: Option<String>,
}

/// Traffic that a flow log records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(description = "")] // It would take the place of the description of an optional field.
pub enum TrafficType {
    /// Accepted and rejected.
    #[default]
    All,
    /// Accepted only.
    Accept,
    /// Rejected only.
    Reject,
}

impl TrafficType {
    /// As AWS spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Accept => "ACCEPT",
            Self::Reject => "REJECT",
        }
    }
}

/// Resources to remove from AWS when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[value(rename_all = "PascalCase")]
#[schemars(description = "")] // As above.
pub enum DeletionPolicy {
    /// All is removed, records too.
    Delete,
    /// All but the bucket and the log group is removed.
    #[default]
    RetainData,
    /// Nothing is removed.
    Retain,
}

/// Policy for an existing AWS resource of the wanted name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    /// It is a conflict.
    #[default]
    Never,
    /// Taken over if it has no owner.
    IfUnowned,
}

impl VpcFlowMonitorSpec {
    /// True if the detector reads the files of the bucket.
    #[must_use]
    pub fn reads_files(&self) -> bool {
        self.detector.enabled && self.detector.source == RecordSource::S3
    }

    /// True if the detector reads the log group.
    #[must_use]
    pub fn reads_log_group(&self) -> bool {
        self.detector.enabled && self.detector.source == RecordSource::CloudWatchLogs
    }

    /// True if the detector sends an event for each finding.
    #[must_use]
    pub const fn sends_events(&self) -> bool {
        self.detector.enabled && self.integrations.events.enabled
    }

    /// The fields of the records that the detector reads.
    #[must_use]
    pub fn detector_fields(&self) -> &[FlowLogField] {
        match self.detector.source {
            RecordSource::CloudWatchLogs => &self.cloud_watch_logs.fields,
            RecordSource::S3 => &self.s3.fields,
        }
    }

    /// The field of the spec that [`detector_fields`](Self::detector_fields) come from.
    #[must_use]
    pub const fn detector_fields_path(&self) -> &'static str {
        match self.detector.source {
            RecordSource::CloudWatchLogs => "cloudWatchLogs.fields",
            RecordSource::S3 => "s3.fields",
        }
    }

    /// A spec with every default, as the API server would fill it in.
    #[must_use]
    pub fn new(vpc_id: impl Into<String>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            region: None,
            assume_role: None,
            traffic_type: TrafficType::default(),
            aggregation_interval: default_aggregation_interval(),
            cloud_watch_logs: CloudWatchLogs::default(),
            s3: S3::default(),
            detections: Detections::default(),
            notifications: Notifications::default(),
            detector: Detector::default(),
            integrations: Integrations::default(),
            analytics: Analytics::default(),
            dashboard: Dashboard::default(),
            tags: BTreeMap::new(),
            deletion_policy: None,
            adoption_policy: AdoptionPolicy::default(),
            suspend: false,
        }
    }
}
