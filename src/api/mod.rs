//! The custom resource: what a user writes ([`spec`]) and what the operator answers ([`status`]).

pub mod anomaly_mode;
pub mod cel;
mod component;
pub mod conditions;
mod descriptions;
pub mod fleet;
mod flow_log_field;
mod formats;
mod invalid;
mod match_operator;
pub mod notes;
pub mod overview;
pub mod spec;
pub mod status;

use kube::api::ObjectMeta;

pub use component::{Component, ResourceKind};
pub use fleet::{VpcFlowFleet, VpcFlowFleetSpec, VpcFlowFleetStatus};
pub use flow_log_field::{FieldType, FlowLogField, default_cloudwatch_fields, default_s3_fields, log_format};
pub use invalid::Invalid;
pub use match_operator::MatchOperator;
pub use overview::{VpcFlowOverview, VpcFlowOverviewSpec, VpcFlowOverviewStatus};
pub use spec::{VpcFlowMonitor, VpcFlowMonitorSpec};
pub use status::VpcFlowMonitorStatus;

/// API group of the resource, and prefix of every tag, annotation and finalizer the operator writes.
pub const GROUP: &str = "vpcflow.dev";

/// Any new value of this annotation asks for a reconcile now.
pub const RECONCILE_REQUESTED_AT: &str = "vpcflow.dev/reconcile-requested-at";

/// The pass that is asked for: the value of that annotation.
#[must_use]
pub fn requested_pass(metadata: &ObjectMeta) -> Option<&String> {
    metadata.annotations.as_ref()?.get(RECONCILE_REQUESTED_AT)
}

/// Keeps an object until AWS is cleaned up as its deletion policy says.
pub const FINALIZER: &str = "vpcflow.dev/cleanup";
