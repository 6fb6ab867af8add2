//! Reads VPC flow-log records, judges them and reports anomalies.
//!
//! A record takes one way through the modules: [`record`] parses a line by the [`format`](mod@format) in use, [`rules`] judge
//! it and [`findings`] group what fired, one finding for each incident; [`analysis`] joins them. The Lambda function puts
//! [`envelope`] before, which unpacks a batch of `CloudWatch` Logs, or `files`, which fetches and reads a file of S3; [`message`],
//! [`metrics`] and `publish` come behind, and `handler` joins them. Besides `publish`, only the stores of files and of the
//! [`notification_log`] do I/O.
//!
//! The second binary, `flow-log-analyze`, does the same with files on disk: `docs/flow-log-analyze.md`.
//!
//! Fuzz targets are in `fuzz/`; `cargo install cargo-fuzz`, and then in `detector/`: `cargo +nightly fuzz run record`, `envelope` or
//! `expression`.

pub mod account_region;
pub mod analysis;
pub mod custom_rule;
pub mod day_counts;
pub mod declared_rule;
pub mod detection;
pub mod envelope;
#[cfg(feature = "lambda")]
pub mod event;
pub mod evidence;
pub mod expression;
#[cfg(feature = "files")]
pub mod files;
pub mod finding;
pub mod finding_events;
pub mod findings;
mod folding;
pub mod format;
#[cfg(feature = "lambda")]
pub mod handler;
mod identity;
#[cfg(feature = "lambda")]
pub mod idle;
mod incident;
pub mod interfaces;
pub mod let_in;
pub mod message;
pub mod metrics;
pub mod notification_log;
pub mod package_config;
#[cfg(feature = "lambda")]
pub mod publish;
pub mod record;
pub mod rule_tests;
pub mod rules;
pub mod sentence;
pub mod settings;
pub mod suppression;
pub mod tally;

#[cfg(test)]
mod test_data;
