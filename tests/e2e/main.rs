//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod admission;
mod analytics;
mod anomaly_detector;
mod cluster;
mod default_state;
mod bucket;
mod alarms;
mod delivery_role;
mod flow_logs;
mod lifecycle;
mod log_group;
mod refusals;
mod metric_filters;
mod notifications;
mod support;
