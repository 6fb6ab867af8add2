//! Sweeps: every crash point, every failure, every field of the spec. `make test` runs a selection, `make sweep` all of it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]
#![allow(clippy::large_futures, reason = "a test has a stack to itself")]

mod kube_faults;
mod life;
mod report;
mod side_by_side;
mod snapshot;
mod world;

mod bands;
mod crash;
mod failure;
mod fields;
mod fleets;
mod overviews;
mod permissions;
mod rest;
mod walks;
