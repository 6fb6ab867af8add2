//! The history of an incident, as messages give it.

use serde::{Deserialize, Serialize};

use crate::rules::Severity;
use crate::sentence::Time;

/// Sums over the findings of an incident since its latest message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Findings of batches.
    pub findings: u64,
    /// Their records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Sums {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.findings = self.findings.saturating_add(other.findings);
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

/// The history of an incident that was published before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct History {
    /// The time of the first finding.
    pub first: Time,
    /// The time of the message before.
    pub last_message: Time,
    /// The findings since that message, without those of this batch.
    #[serde(flatten)]
    pub since: Sums,
}

/// An incident of earlier messages that goes on, and of which the batch may have nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ongoing {
    /// Its rule.
    pub rule: String,
    /// Its severity.
    pub severity: Severity,
    /// The latest finding in words.
    pub summary: String,
    /// Its history.
    #[serde(flatten)]
    pub history: History,
}
