//! Each AWS system: created, drifted, repaired, removed, and left alone where it belongs to somebody else.

pub mod alarm_permissions;
pub mod alarms;
pub mod analytics;
pub mod anomaly;
pub mod bucket;
pub mod custom_detections;
pub mod dashboard;
pub mod default_state;
pub mod delivery_role;
pub mod detector;
pub mod flow_logs;
pub mod log_group;
pub mod metric_filters;
pub mod notifications;
pub mod quiet_times;
