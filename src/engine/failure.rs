use thiserror::Error;

use super::step::Conflict;
use crate::api::conditions::Reason;
use crate::api::{Invalid, ResourceKind};
use crate::aws::{AwsError, Class};

/// A failure that keeps a system from becoming as declared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{message}", subject.as_ref().map(|subject| format!("{subject}: ")).unwrap_or_default())]
pub struct Failure {
    /// The reason for the condition and the event.
    pub reason: Reason,
    /// The final reason if [`Reason::WaitingForAws`] lasts too long; otherwise the reason itself.
    pub overdue: Reason,
    /// Kind and name of the resource that it is about, if it is about one.
    pub subject: Option<String>,
    /// The problem and the remedy.
    pub message: String,
    /// The IAM actions that the caller lacks, if their lack is the reason.
    pub missing_actions: Vec<&'static str>,
}

impl Failure {
    /// A failure with the same reason, however long it lasts.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, overdue: reason, subject: None, message: message.into(), missing_actions: Vec::new() }
    }

    /// AWS has not caught up with an earlier call; if it lasts, the reason is `overdue`.
    #[must_use]
    pub fn waiting(overdue: Reason, message: impl Into<String>) -> Self {
        Self { overdue, ..Self::new(Reason::WaitingForAws, message) }
    }

    /// The same failure about this resource.
    #[must_use]
    pub fn about(self, kind: ResourceKind, name: &str) -> Self {
        Self { subject: Some(kind.named(name)), ..self }
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
        let (message, missing_actions) = (error.to_string(), error.missing_actions().to_vec());
        Self { reason: reason(error.class), overdue, subject: error.subject, message, missing_actions }
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.reason, invalid.to_string())
    }
}

impl From<&Conflict> for Failure {
    fn from(conflict: &Conflict) -> Self {
        Self::new(Reason::Conflict, &conflict.problem).about(conflict.kind, &conflict.name)
    }
}
