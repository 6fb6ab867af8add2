//! The AWS systems of a monitor, one file each: desired state, observation, difference, change.

pub mod alarms;
pub mod analytics;
pub mod bucket;
pub mod common;
pub mod dashboard;
pub mod delivery_role;
pub mod detector;
pub mod flow_logs;
pub mod log_group;
pub mod metric_filters;
pub mod notifications;

#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod rendering_tests;

use std::sync::LazyLock;

use crate::engine::{AnySystem, erase};

/// Every system, in the order of conditions in the status. The order of work follows from their needs.
pub static SYSTEMS: LazyLock<Vec<AnySystem>> = LazyLock::new(|| {
    vec![
        erase::<bucket::BucketSystem>(),
        erase::<delivery_role::DeliveryRole>(),
        erase::<log_group::LogGroup>(),
        erase::<flow_logs::FlowLogs>(),
        erase::<notifications::Notifications>(),
        erase::<metric_filters::MetricFilters>(),
        erase::<alarms::Alarms>(),
        erase::<detector::DetectorSystem>(),
        erase::<analytics::Analytics>(),
        erase::<dashboard::DashboardSystem>(),
    ]
});
