//! Each AWS system: created, drifted, repaired, removed, and left alone where it belongs to somebody else.

mod alarms;
mod analytics;
mod bucket;
mod dashboard;
mod default_state;
mod delivery_role;
mod detector;
mod flow_logs;
mod log_group;
mod metric_filters;
mod notifications;
