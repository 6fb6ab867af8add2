//! The status of an overview, which the operator reports. It is written only when it changes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::spec::AssumeRole;

/// Status of a `VpcFlowOverview`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(transform = crate::api::descriptions::unwrap)]
#[schemars(transform = crate::api::formats::signed)]
// As for a monitor: without a status, kstatus would report a new overview as current.
#[schemars(extend("default" = {"observedGeneration": -1}))]
pub struct VpcFlowOverviewStatus {
    /// The generation of the spec that this status describes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Ready` always; `Reconciling` and `Stalled` while true; one condition per enabled part.
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The AWS account of the dashboard, the event bus and the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Their AWS region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The value of the ownership tag `vpcflow.dev/owner` on everything the overview made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The selected monitors in numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitors: Option<SelectedMonitors>,
    /// The accounts and regions from which alarms are sent to the event bus. A place stays here until nothing of the overview is left there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<OverviewPlace>,
    /// The topic that gets the alarms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic_arn: Option<String>,
    /// The dashboard in the AWS console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// The last value of the annotation `vpcflow.dev/reconcile-requested-at` that was acted upon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

impl VpcFlowOverviewStatus {
    /// True if the operator has made nothing in AWS for the overview: it records the account and the places before.
    #[must_use]
    pub const fn has_made_nothing(&self) -> bool {
        self.account_id.is_none() && self.places.is_empty()
    }
}

/// The selected monitors in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SelectedMonitors {
    /// Monitors that the selector finds.
    pub selected: u32,
    /// Those that are Ready, for their latest spec.
    pub ready: u32,
    /// Their alarms in state ALARM.
    pub firing: u32,
}

impl OverviewPlace {
    /// The role with its external id.
    #[must_use]
    pub fn assume_role(&self) -> Option<AssumeRole> {
        let role_arn = self.role_arn.clone()?;
        Some(AssumeRole { role_arn, external_id: self.external_id.clone() })
    }
}

/// An account and region with monitors of the overview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OverviewPlace {
    /// The AWS account.
    pub account_id: String,
    /// The region.
    pub region: String,
    /// The role by which the operator works there; its own account if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// External id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Selected monitors there.
    #[serde(default)]
    pub monitors: u32,
    /// Event rules there. Their names end with the numbers from 1 to this one.
    #[serde(default)]
    pub rules: u32,
    /// True if a link to a sink may be there.
    #[serde(default)]
    pub linked: bool,
    /// The reason for which the place is not as declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}
