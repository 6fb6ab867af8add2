//! The state of a system, for the status.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::ResourceKind;
use crate::api::conditions::Reason;
use crate::api::status::{Notice, VpcFlowMonitorStatus};

/// The state of a system for the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Our resources that exist.
    pub resources: Vec<Existing>,
    /// The health of the system.
    pub health: SystemHealth,
    /// Facts that need a person's attention although the system is as declared.
    pub notices: Vec<Notice>,
}

impl Report {
    /// A report of healthy resources.
    #[must_use]
    pub fn of(resources: impl IntoIterator<Item = Existing>) -> Self {
        Self { resources: resources.into_iter().collect(), ..Self::default() }
    }
}

/// Writes the fields of the status that one system fills.
#[derive(Clone, Default)]
pub struct Details(Option<Arc<WriteDetails>>);

type WriteDetails = dyn Fn(&mut VpcFlowMonitorStatus) + Send + Sync;

impl Details {
    /// Details that `write` writes.
    #[must_use]
    pub fn new(write: impl Fn(&mut VpcFlowMonitorStatus) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(write)))
    }

    /// Writes them into the status.
    pub fn write(&self, status: &mut VpcFlowMonitorStatus) {
        if let Some(write) = &self.0 {
            write(status);
        }
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Details")
    }
}

/// A resource that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Existing {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// Its ARN, or its id where AWS gives no ARN.
    pub arn: Option<String>,
    /// True if it was left behind and is no longer maintained.
    pub retained: bool,
    /// A note, such as that a subscription waits for its confirmation.
    pub message: Option<String>,
}

impl Existing {
    /// A resource without a note.
    #[must_use]
    pub fn new(kind: ResourceKind, name: impl Into<String>, arn: impl Into<String>) -> Self {
        Self { kind, name: name.into(), arn: Some(arn.into()), retained: false, message: None }
    }
}

/// The health of a system, besides being as declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SystemHealth {
    /// It works.
    #[default]
    Good,
    /// AWS is still setting it up; the text describes it.
    Pending(String),
    /// It works, and its next change is due after this time; the text describes it.
    Waiting(String, Duration),
    /// AWS reports that it does not work.
    Failing(Reason, String),
}

impl SystemHealth {
    /// True if a change is not over yet, and so may still fail or be taken back.
    #[must_use]
    pub const fn is_under_way(&self) -> bool {
        matches!(self, Self::Pending(_) | Self::Waiting(..))
    }
}
