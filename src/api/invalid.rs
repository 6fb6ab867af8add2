use std::borrow::Cow;

use thiserror::Error;

use super::conditions::Reason;

/// A field of the spec with a value that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("spec.{field}: {problem}")]
pub struct Invalid {
    /// Path of the field below `spec`.
    pub field: Cow<'static, str>,
    /// The problem and the remedy.
    pub problem: String,
    /// The reason for the condition.
    pub reason: Reason,
}

impl Invalid {
    /// A field with an invalid value.
    #[must_use]
    pub fn new(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self { field: field.into(), problem: problem.into(), reason: Reason::InvalidSpec }
    }

    /// A field that asks for what the operator may not do in AWS.
    #[must_use]
    pub fn not_allowed(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self { reason: Reason::AccessDenied, ..Self::new(field, problem) }
    }

    /// A rule whose own tests fail.
    #[must_use]
    pub fn failed_test(field: impl Into<Cow<'static, str>>, problem: impl Into<String>) -> Self {
        Self { reason: Reason::TestsFailed, ..Self::new(field, problem) }
    }
}
