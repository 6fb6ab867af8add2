//! The way to the Kubernetes API: configuration, proxies, connections.

mod advice;
mod client;
mod config;
mod error;

pub use advice::advice;
pub use client::{Connections, client, client_builder};
pub use config::{ConfigError, KubeconfigChoice, config};
pub use error::{NoAnswer, message};
