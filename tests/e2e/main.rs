//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]
#![allow(clippy::large_futures, reason = "a test has a stack to itself")]

mod inbox;
mod link;
mod process;

mod commands;
mod connectivity;
mod fleets;
mod install;
mod overviews;
mod scenarios;
mod systems;
