//! The status of a fleet, which the operator reports. It is written only when it changes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Status of a `VpcFlowFleet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = crate::api::descriptions::unwrap)]
#[schemars(transform = crate::api::formats::signed)]
// As for a monitor: without a status, kstatus would report a new fleet as current.
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct VpcFlowFleetStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` and `Discovered` always; `Reconciling` and `Stalled` while true.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The monitors in numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitors: Option<MonitorCounts>,
    /// The wave that the present template has reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,
    /// The places, region by region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<PlaceStatus>,
    /// VPCs that are selected and get no monitor: the first 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<SkippedVpc>,
    /// The last value of the annotation `vpcflow.dev/reconcile-requested-at` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// The monitors of a fleet in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct MonitorCounts {
    /// VPCs that should have a monitor.
    pub wanted: u32,
    /// Those that have one.
    pub present: u32,
    /// Those whose monitor is Ready, for its latest spec.
    pub ready: u32,
    /// Those whose monitor has the present template.
    pub updated: u32,
    /// Monitors whose VPC is no longer selected.
    pub orphaned: u32,
}

/// The wave that a template has reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RolloutStatus {
    /// The wave, of all waves, such as `2/3`.
    pub wave: String,
    /// The reason for which the next monitors do not get the template yet. Empty if none waits.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A place in one region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PlaceStatus {
    /// Name of the place.
    pub name: String,
    /// The AWS account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// The region. Empty for the operator's own region, if that is not known.
    pub region: String,
    /// VPCs that were selected when the place was last read. Absent if it has not been read since the operator started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpcs: Option<u32>,
    /// The reason for which the place cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A VPC that is selected and gets no monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedVpc {
    /// The VPC.
    pub vpc_id: String,
    /// The kind of reason.
    pub reason: SkipReason,
    /// The reason, and what to do.
    pub message: String,
}

/// A reason for which a VPC gets no monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum SkipReason {
    /// Another account owns the VPC and shares it with this one.
    NotOwned,
    /// No place has the VPC, which `vpcIds` names.
    NotFound,
    /// A monitor of the name exists and is not the fleet's.
    NameTaken,
    /// Another monitor watches the VPC already.
    AlreadyMonitored,
    /// `maxMonitors` is reached.
    Limit,
    /// The API server refuses the monitor or its change.
    Refused,
}
