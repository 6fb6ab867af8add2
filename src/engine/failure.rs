use thiserror::Error;

use super::system::Conflict;
use crate::api::Invalid;
use crate::api::conditions::Reason;
use crate::aws::{AwsError, Class};

/// Why a system is not as declared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// For the condition and the event.
    pub reason: Reason,
    /// What [`Reason::WaitingForAws`] becomes once AWS has had its time; otherwise the reason itself.
    pub overdue: Reason,
    /// What happened and what a person can do.
    pub message: String,
}

impl Failure {
    /// A failure that is the same however long it lasts.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, overdue: reason, message: message.into() }
    }

    /// AWS has not caught up with an earlier call; if it lasts, the reason is `overdue`.
    #[must_use]
    pub fn waiting(overdue: Reason, message: impl Into<String>) -> Self {
        Self { reason: Reason::WaitingForAws, overdue, message: message.into() }
    }
}

const fn reason(class: Class) -> Reason {
    match class {
        Class::Transient | Class::Unknown => Reason::AwsError,
        Class::Throttled => Reason::Throttled,
        Class::NotYet | Class::NotFound => Reason::WaitingForAws,
        Class::Conflict => Reason::Conflict,
        Class::Denied => Reason::AccessDenied,
        Class::Terminal => Reason::Rejected,
    }
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        let overdue = if error.class == Class::NotFound { Reason::Rejected } else { reason(error.overdue) };
        Self { reason: reason(error.class), overdue, message: error.to_string() }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::new(Reason::InvalidSpec, invalid.to_string())
    }
}

impl From<&Conflict> for Failure {
    fn from(conflict: &Conflict) -> Self {
        Self::new(Reason::Conflict, conflict.to_string())
    }
}
