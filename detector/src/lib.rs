//! Reads VPC flow-log records as `CloudWatch` Logs delivers them and reports anomalies to an SNS topic.
//!
//! A batch takes one way through the modules: [`envelope`] unpacks it, [`record`] parses each line by the
//! [`format`] in use, [`rules`] judges it, [`findings`] groups what fired, [`message`] words it and [`publish`]
//! sends it. [`analysis`] and [`handler`] join them; only `publish` does I/O.

pub mod analysis;
pub mod envelope;
pub mod findings;
pub mod format;
pub mod handler;
pub mod message;
pub mod publish;
pub mod record;
pub mod rules;
pub mod settings;

#[cfg(test)]
mod test_data;
