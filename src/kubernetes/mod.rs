//! The way to the Kubernetes API: configuration, proxies, connections.

mod client;
mod config;
mod failure;

pub use client::{Connections, client, client_builder};
pub use config::{ConfigError, config};
pub use failure::advice;
