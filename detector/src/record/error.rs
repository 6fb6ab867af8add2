//! The reason a line is not a record.

/// The reason a line is not a record of the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More or fewer fields than the format names.
    #[error("expected {expected} fields, found {found}")]
    FieldCount {
        /// Number of fields that the format names.
        expected: usize,
        /// Number of fields that the line has.
        found: usize,
    },
    /// A value that its field cannot have.
    #[error("the value of `{0}` is not one that the field can have")]
    Value(String),
    /// Two spaces on end, or one at the start: between them is no value.
    #[error("the value of `{0}` is empty")]
    Empty(String),
}
