//! The status, which the operator reports. It is written only when it changes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::anomaly_mode::{AnomalyMode, EffectiveMode};
use crate::api::{Component, ResourceKind};

/// Status of a `VpcFlowMonitor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = crate::api::descriptions::unwrap)]
// A monitor is in progress until an operator has read it; without a status, kstatus would report it as current.
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct VpcFlowMonitorStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The AWS account the monitor lives in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The AWS region the monitor lives in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The value of the ownership tag `vpcflow.dev/owner` on everything the monitor made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// `Ready` always; `Reconciling` and `Stalled` while true; one condition per enabled system.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Every AWS resource of the monitor.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceStatus>,
    /// The flow logs, one per destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flow_logs: Vec<FlowLogStatus>,
    /// The alarms and their states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmStatus>,
    /// The detections that use what is usual (`anomaly`), and what decides about their alarms now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub detections: Vec<DetectionStatus>,
    /// Links to the traffic in the AWS console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// Facts that need a person's attention although AWS is as declared. Each is a Warning event as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The figures that `kubectl get` shows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
    /// Statements of others in the policy of the bucket, as a JSON list. AWS overwrites the policy when it creates a flow log, and the
    /// operator puts them back. Statements of AWS for other logs are among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others_bucket_policy: Option<String>,
    /// The last value of the annotation `vpcflow.dev/reconcile-requested-at` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl VpcFlowMonitorStatus {
    /// True if the operator has made nothing in AWS for the monitor: it records account and names before.
    #[must_use]
    pub const fn has_made_nothing(&self) -> bool {
        self.account_id.is_none() && self.resources.is_empty()
    }

    /// True if this status contains all that must be stored before the changes of `planned` are applied: the names of all resources, and
    /// the statements that AWS may overwrite.
    #[must_use]
    pub fn records(&self, planned: &Self) -> bool {
        // A resource that will be created again must no longer have an ARN on record.
        let is_it = |new: &ResourceStatus, old: &ResourceStatus| {
            (old.kind, &old.name) == (new.kind, &new.name) && (old.arn.is_none() || new.arn.is_some())
        };
        let known = |new: &ResourceStatus| self.resources.iter().any(|old| is_it(new, old));
        planned.resources.iter().all(known) && self.others_bucket_policy == planned.others_bucket_policy
    }
}

/// One AWS resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The system it belongs to.
    pub component: Component,
    /// Its type, as CloudFormation names it, such as `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: ResourceKind,
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its ARN, or its id where AWS gives no ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Its state.
    pub state: ResourceState,
    /// Reason for the state, if it needs an explanation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// State of an AWS resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ResourceState {
    /// As declared.
    InSync,
    /// About to be made.
    Creating,
    /// About to be changed.
    Updating,
    /// About to be removed.
    Deleting,
    /// Not as declared; the message gives the reason.
    Failed,
    /// Kept after the monitor was deleted.
    Retained,
}

/// One flow log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowLogStatus {
    /// `cloud-watch-logs` or `s3`.
    pub destination: String,
    /// AWS's id, `fl-…`.
    pub id: String,
    /// `ACTIVE` once AWS has set it up; says nothing about delivery.
    pub status: String,
    /// `SUCCESS` or `FAILED`, as AWS last reported; absent before the first delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_status: Option<String>,
    /// AWS's reason for a failed delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_error: Option<String>,
}

/// One alarm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlarmStatus {
    /// The alarm's name in CloudWatch.
    pub name: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`. The operator reads it about once a minute.
    pub state: String,
    /// Time since when the alarm is in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

impl AlarmStatus {
    /// True if the alarm fires.
    #[must_use]
    pub fn fires(&self) -> bool {
        self.state == "ALARM"
    }
}

/// A detection whose alarm knows what is usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DetectionStatus {
    /// Name of the detection in the spec.
    pub name: String,
    /// The mode that the spec asks for.
    pub mode: AnomalyMode,
    /// Decides about the alarm now.
    pub effective: EffectiveMode,
    /// Training state of the model in CloudWatch: `PENDING_TRAINING`, `TRAINED_INSUFFICIENT_DATA` or `TRAINED`. Absent without a model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Time from which the band may decide, once the model is trained. Absent until the alarm on the band exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_from: Option<Time>,
    /// Reason for which the threshold alone still decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A fact that needs a person's attention although AWS is as declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The system that it is about.
    pub component: Component,
    /// The kind of fact, which is the reason of its event too.
    pub reason: NoticeReason,
    /// The fact, and what to do.
    pub message: String,
}

/// A kind of notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NoticeReason {
    /// A recipient has not confirmed a subscription, so SNS sends nothing to it.
    SubscriptionPending,
    /// Another monitor has flow logs of the same VPC, so AWS delivers and bills every record again.
    VpcWatchedTwice,
    /// A rule of the detector, or a suppression, needs a field that its records lack, so it does nothing.
    RuleIdle,
    /// A suppression has ended, so it has no effect.
    SuppressionExpired,
    /// A quiet time that comes once is over, so it has no effect.
    QuietTimeEnded,
    /// A quiet time begins again before it is over, so its alarms never notify.
    QuietTimeEndless,
}

impl NoticeReason {
    /// The reason as an event shows it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SubscriptionPending => "SubscriptionPending",
            Self::VpcWatchedTwice => "VpcWatchedTwice",
            Self::RuleIdle => "RuleIdle",
            Self::SuppressionExpired => "SuppressionExpired",
            Self::QuietTimeEnded => "QuietTimeEnded",
            Self::QuietTimeEndless => "QuietTimeEndless",
        }
    }
}

/// Links into the AWS console.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Links {
    /// The CloudWatch dashboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// The saved Athena queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_queries: Option<String>,
    /// CloudWatch Logs Insights, whose saved queries of this monitor are in the folder named in `resources`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logs_insights: Option<String>,
}

/// The figures that `kubectl get` shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Active flow logs of those wanted, such as `2/2`.
    pub flow_logs: String,
    /// Alarms in state ALARM, such as `0 firing`.
    pub alarms: String,
    /// Confirmed subscriptions of those in the spec, such as `1/2`. Empty without subscriptions.
    pub notifies: String,
    /// The bucket's name.
    pub bucket: String,
    /// The log group's name. Empty without one.
    pub log_group: String,
}
