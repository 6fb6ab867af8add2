//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

mod bucket;
mod delivery_role;
mod log_group;
mod support;
