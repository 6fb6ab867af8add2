//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod analytics;
mod analytics_removal;
mod dashboard;
mod delivery_role;
mod log_group;
mod saved_queries;
mod support;
