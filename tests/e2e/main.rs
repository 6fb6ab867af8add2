//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod admission;
mod cluster;
mod default_state;
mod anomaly_detector;
mod delivery_role;
mod lifecycle;
mod flow_logs;
mod log_group;
mod refusals;
mod support;
