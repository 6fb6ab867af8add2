use thiserror::Error;

use super::system::{Conflict, Invalid};
use crate::api::conditions::Reason;
use crate::aws::{AwsError, Class};

/// Why a system is not as declared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// For the condition and the event.
    pub reason: Reason,
    /// What happened and what a person can do.
    pub message: String,
}

impl From<AwsError> for Failure {
    fn from(error: AwsError) -> Self {
        let reason = match error.class {
            Class::Transient | Class::Unknown => Reason::AwsError,
            Class::Throttled => Reason::Throttled,
            Class::NotYet | Class::NotFound => Reason::WaitingForAws,
            Class::Conflict => Reason::Conflict,
            Class::Denied => Reason::AccessDenied,
            Class::Terminal => Reason::Rejected,
        };
        Self { reason, message: error.to_string() }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self { reason: Reason::InvalidSpec, message: invalid.to_string() }
    }
}

impl From<&Conflict> for Failure {
    fn from(conflict: &Conflict) -> Self {
        Self { reason: Reason::Conflict, message: conflict.to_string() }
    }
}
