//! The fleet: one object that makes a monitor for every VPC that its selector finds.

mod count_or_percent;
mod place;
mod prune;
mod rollout;
mod selector;
pub mod status;
mod template;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use count_or_percent::CountOrPercent;
pub use place::Place;
pub use prune::{Prune, PrunePolicy};
pub use rollout::Rollout;
pub use selector::{TagExpression, VpcSelector};
pub use status::VpcFlowFleetStatus;
pub use template::{MonitorTemplate, Override, OverrideCondition, TemplateMetadata, TemplateSpec};

use super::cel::names_differ;

/// Label of a monitor of a fleet: the name of the fleet.
pub const FLEET_LABEL: &str = "vpcflow.dev/fleet";
/// Label of a monitor of a fleet: the place of its VPC.
pub const PLACE_LABEL: &str = "vpcflow.dev/place";
/// Label of a monitor of a fleet: a hash of all that the fleet sets in it.
pub const TEMPLATE_HASH_LABEL: &str = "vpcflow.dev/template-hash";
/// Annotation of a monitor of a fleet: the time at which it got the present template.
pub const TEMPLATE_APPLIED_AT: &str = "vpcflow.dev/template-applied-at";
/// Annotation of a monitor of a fleet: the time since which the fleet no longer selects its VPC.
pub const ORPHANED_SINCE: &str = "vpcflow.dev/orphaned-since";

/// Makes a `VpcFlowMonitor` for every VPC that the selector finds, in several accounts and regions, and changes them in waves.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "vpcflow.dev",
    version = "v1alpha1",
    kind = "VpcFlowFleet",
    plural = "vpcflowfleets",
    shortname = "vff",
    category = "aws",
    namespaced,
    status = "VpcFlowFleetStatus",
    doc = "Makes a VpcFlowMonitor for every VPC that the selector finds, in several accounts and regions, and changes them in waves.",
    // With a hyphen and the 17 digits of a VPC it is the name of a monitor, which has at most 63 characters, and it is the value of a label.
    validation = Rule::new("size(self.metadata.name) <= 45").message("metadata.name has at most 45 characters: the names of the monitors begin with it"),
    printcolumn = r#"{"name":"Wanted","type":"integer","jsonPath":".status.monitors.wanted","description":"Monitors that the fleet wants."}"#,
    printcolumn = r#"{"name":"Ready","type":"integer","jsonPath":".status.monitors.ready","description":"Monitors that are Ready."}"#,
    printcolumn = r#"{"name":"Updated","type":"integer","jsonPath":".status.monitors.updated","description":"Monitors that have the present template."}"#,
    printcolumn = r#"{"name":"Wave","type":"string","jsonPath":".status.rollout.wave","description":"The wave that the template has reached, of all waves."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Reason of the condition Ready."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Orphaned","type":"integer","jsonPath":".status.monitors.orphaned","priority":1,"description":"Monitors whose VPC the fleet no longer selects."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"Message of the condition Ready."}"#
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = crate::api::descriptions::unwrap)]
#[schemars(transform = crate::api::formats::signed)]
pub struct VpcFlowFleetSpec {
    /// The accounts and regions in which VPCs are looked for: 1 to 100 places.
    #[schemars(length(min = 1, max = 100), extend("x-kubernetes-validations" = [names_differ("each place has a name of its own")]))]
    pub places: Vec<Place>,

    /// The VPCs that get a monitor. All conditions must hold.
    pub selector: VpcSelector,

    /// The monitor of each VPC.
    pub template: MonitorTemplate,

    /// Changes of the template for some of the VPCs: at most 20, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub overrides: Vec<Override>,

    /// The steps in which a change of the template reaches the monitors.
    #[serde(default)]
    pub rollout: Rollout,

    /// The treatment of monitors whose VPC is no longer selected.
    #[serde(default)]
    pub prune: Prune,

    /// Most monitors that the fleet makes: 1 to 1,000. Default 50. If more VPCs are selected, the further ones get no monitor, and none is
    /// deleted.
    #[serde(default = "default_max_monitors")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_monitors: u32,

    /// Time, in seconds, between two searches for VPCs: 60 to 86,400. Default 600.
    #[serde(default = "default_discovery_seconds")]
    #[schemars(range(min = 60, max = 86400))]
    pub discovery_seconds: u32,

    /// True: the fleet creates, changes and deletes no monitor, and reports what it sees. Its monitors go on.
    #[serde(default)]
    pub suspend: bool,
}

const fn default_max_monitors() -> u32 {
    50
}

const fn default_discovery_seconds() -> u32 {
    600
}
