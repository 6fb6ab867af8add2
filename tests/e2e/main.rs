//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod admission;
mod alarms;
mod analytics;
mod anomaly_detector;
mod bucket;
mod cluster;
mod analytics_removal;
mod dashboard;
mod default_state;
mod delivery_role;
mod flow_logs;
mod lifecycle;
mod log_group;
mod metric_filters;
mod notifications;
mod refusals;
mod saved_queries;
mod support;
