//! Reads that AWS answers for many monitors at once, shared by all that work in an account and region through the same credentials.
//!
//! A system asks for what it needs by key, such as a VPC's id or an alarm's name, and never knows whose question AWS was asked. Two rules
//! keep this correct:
//!
//! 1. What is acted upon was read after it was asked for ([`Freshness::Now`]). Those who ask while a read is under way share the next one.
//! 2. A monitor at rest may be looked at by what was read a little earlier for others ([`Freshness::Since`]), but not before its own latest
//!    pass, so that nothing goes back in time. Should that look find anything to do or to complain of, it does not count, and the pass
//!    begins anew under the first rule.
//!
//! A read under the second rule asks for all that was asked for lately: monitors made together come back together, so the first of them
//! reads for the others. With one monitor nothing more is asked for than it needs.

mod loader;

use std::sync::Arc;
use std::time::Instant;

use aws_sdk_cloudwatch::types::MetricAlarm;
use aws_sdk_cloudwatchlogs::types::{LogGroup, QueryDefinition};
use aws_sdk_ec2::types::FlowLog;

pub use loader::Loader;

/// How old an answer may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Freshness {
    /// It must have been asked for no earlier than now.
    #[default]
    Now,
    /// It may have been asked for since then.
    Since(Instant),
}

/// What is shared, and how fresh it must be for the present work.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    loaders: Arc<Loaders>,
    freshness: Freshness,
}

#[derive(Debug, Default)]
struct Loaders {
    alarms: Loader<MetricAlarm>,
    flow_logs: Loader<FlowLog>,
    log_groups: Loader<LogGroup>,
    query_definitions: Loader<QueryDefinition>,
}

impl Shared {
    /// The same, for work that needs another freshness.
    #[must_use]
    pub fn with(&self, freshness: Freshness) -> Self {
        Self { loaders: Arc::clone(&self.loaders), freshness }
    }

    /// How fresh answers must be.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Alarms by name.
    #[must_use]
    pub fn alarms(&self) -> &Loader<MetricAlarm> {
        &self.loaders.alarms
    }

    /// Flow logs by VPC.
    #[must_use]
    pub fn flow_logs(&self) -> &Loader<FlowLog> {
        &self.loaders.flow_logs
    }

    /// Log groups by name.
    #[must_use]
    pub fn log_groups(&self) -> &Loader<LogGroup> {
        &self.loaders.log_groups
    }

    /// Saved Logs Insights queries by folder.
    #[must_use]
    pub fn query_definitions(&self) -> &Loader<QueryDefinition> {
        &self.loaders.query_definitions
    }
}
