//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod delivery_role;
mod flow_logs;
mod log_group;
mod support;
