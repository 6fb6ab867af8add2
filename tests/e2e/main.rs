//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod alarms;
mod delivery_role;
mod log_group;
mod metric_filters;
mod notifications;
mod support;
