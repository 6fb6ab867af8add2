//! Builds, keeps and removes AWS VPC flow-log monitoring from Kubernetes.

pub mod api;
pub mod aws;
pub mod controller;
pub mod credentials;
mod elapsed;
pub mod engine;
pub mod fleet;
pub mod kubernetes;
pub mod leader;
pub mod metrics;
pub mod monitor;
pub mod network;
mod numbered;
pub mod overview;
pub mod permissions;
pub mod plan;
pub mod preconditions;
pub mod resources;
pub mod rule_report;
mod shortened;
pub mod status;
mod token_bucket;
pub mod verify;

#[cfg(test)]
mod arrows_tests;
#[cfg(test)]
mod docs_tests;
