//! Shared by the end-to-end tests and the sweeps: each test gets an AWS account, a namespace, and an operator with the chart's rights.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]
#![allow(clippy::missing_panics_doc, clippy::must_use_candidate, reason = "only tests call this")]
#![allow(missing_docs, reason = "only tests call this")]
#![allow(clippy::large_futures, reason = "a test has a stack to itself")]

pub mod apply;
pub mod breach;
pub mod cluster;
pub mod conditions;
pub mod fleets;
pub mod overviews;
pub mod policies;
pub mod rights;
pub mod roles;
pub mod sandbox;
pub mod waiting;
