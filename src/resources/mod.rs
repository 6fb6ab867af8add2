//! The AWS systems of a monitor, one file each: desired state, observation, difference, change.

pub mod alarms;
pub mod analytics;
pub mod anomaly_detector;
pub mod bucket;
pub mod dashboard;
pub mod delivery_role;
pub mod detections;
pub mod flow_logs;
pub mod log_group;
pub mod metric_filters;
pub mod notifications;
pub mod parts;

#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod rendering_tests;

use std::sync::LazyLock;

use crate::engine::{AnySystem, erase};

/// Every system. Their order is that of conditions in the status; work follows what each one needs.
pub static SYSTEMS: LazyLock<Vec<AnySystem>> = LazyLock::new(|| {
    vec![
        erase::<bucket::Storage>(),
        erase::<delivery_role::DeliveryRole>(),
        erase::<log_group::LogGroup>(),
        erase::<flow_logs::FlowLogs>(),
        erase::<notifications::Notifications>(),
        erase::<metric_filters::MetricFilters>(),
        erase::<alarms::Alarms>(),
        erase::<anomaly_detector::AnomalyDetector>(),
        erase::<analytics::Analytics>(),
        erase::<dashboard::Dashboard>(),
    ]
});
