use thiserror::Error;

/// A field of the spec with a value that can never work.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("spec.{field}: {problem}")]
pub struct Invalid {
    /// Path of the field below `spec`.
    pub field: &'static str,
    /// The problem and the remedy.
    pub problem: String,
}
