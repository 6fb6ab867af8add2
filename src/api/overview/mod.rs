//! The overview: one object that shows monitors of several accounts and regions on one dashboard, and sends their alarms to one topic.

mod alerts;
mod cross_account;
mod selector;
pub mod status;

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::Alerts;
pub use cross_account::CrossAccount;
pub use selector::{LabelExpression, MonitorSelector};
pub use status::VpcFlowOverviewStatus;

use super::cel::{matching, rule_at};
use super::spec::{AssumeRole, Dashboard, REGION, TagValue, tag_rules};

/// The most monitors of an overview: its dashboard has at most 2,500 metrics.
pub const MOST_MONITORS: usize = 200;

/// Shows the monitors that a selector finds on one dashboard, and sends their alarms to one topic.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "vpcflow.dev",
    version = "v1alpha1",
    kind = "VpcFlowOverview",
    plural = "vpcflowoverviews",
    shortname = "vfo",
    category = "aws",
    namespaced,
    status = "VpcFlowOverviewStatus",
    doc = "Shows the monitors that a selector finds on one dashboard, and sends their alarms to one topic.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("metadata.name has at most 63 characters: it is part of a tag on every AWS resource"),
    printcolumn = r#"{"name":"Monitors","type":"integer","jsonPath":".status.monitors.selected","description":"Monitors that the overview selects."}"#,
    printcolumn = r#"{"name":"Ready","type":"integer","jsonPath":".status.monitors.ready","description":"Selected monitors that are Ready."}"#,
    printcolumn = r#"{"name":"Firing","type":"integer","jsonPath":".status.monitors.firing","description":"Their alarms in state ALARM."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Reason of the condition Ready."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Topic","type":"string","jsonPath":".status.topicArn","priority":1,"description":"The topic that gets the alarms."}"#,
    printcolumn = r#"{"name":"Dashboard","type":"string","jsonPath":".status.dashboard","priority":1,"description":"The dashboard in the AWS console."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"Message of the condition Ready."}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::api::descriptions::unwrap)]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(
        ".region",
        "has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",
        "region is immutable: create another VpcFlowOverview for another region",
    ),
    rule_at(
        ".assumeRole",
        "has(self.assumeRole) == has(oldSelf.assumeRole) && (!has(self.assumeRole) || self.assumeRole == oldSelf.assumeRole)",
        "assumeRole is immutable: create another VpcFlowOverview for another account",
    )
]))]
pub struct VpcFlowOverviewSpec {
    /// The monitors, by their labels: those of the namespace of the overview, at most 200.
    pub monitor_selector: MonitorSelector,

    /// AWS region of the dashboard, the event bus and the topic, such as `eu-west-1`. Immutable. Default: the operator's region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = [matching(REGION, "a region is named by its code, such as eu-west-1")]))]
    pub region: Option<String>,

    /// Role that the operator assumes when the dashboard, the event bus and the topic are in another account. Immutable. The operator's
    /// settings must allow the role for this namespace. Default: the operator's own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,

    /// The alarms of the monitors on one topic.
    #[serde(default)]
    pub alerts: Alerts,

    /// The CloudWatch dashboard over all monitors.
    #[serde(default)]
    pub dashboard: Dashboard,

    /// The links by which the dashboard shows metrics of other accounts.
    #[serde(default)]
    pub cross_account: CrossAccount,

    /// Tags for every AWS resource of the overview, besides the operator's own. At most 40. A key that is removed here is removed from the
    /// resources; tags of others stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 40), extend("x-kubernetes-validations" = tag_rules()))]
    pub tags: BTreeMap<String, TagValue>,

    /// Resources that stay in AWS when this object is deleted. Delete (default) keeps nothing. Retain keeps all, and alarms go on to the
    /// topic. The monitors are never touched.
    #[serde(default)]
    pub deletion_policy: OverviewDeletionPolicy,

    /// True stops every change in AWS until it is false again; the status is still kept up to date. Default false.
    #[serde(default)]
    pub suspend: bool,
}

/// Resources of an overview that stay when it is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OverviewDeletionPolicy {
    /// None.
    #[default]
    Delete,
    /// All.
    Retain,
}
