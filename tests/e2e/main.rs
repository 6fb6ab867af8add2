//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod analytics;
mod delivery_role;
mod log_group;
mod support;
