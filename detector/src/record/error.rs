//! The reason a line is not a record: worked out only once parsing has failed.

use crate::format::LogFormat;

use super::parse::{Slot, check};

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

/// The fault of a line that could not be parsed.
pub(super) fn diagnose(line: &str, format: &LogFormat, slots: &[Slot]) -> RecordError {
    let found = if line.is_empty() { 0 } else { line.split(' ').count() };
    let expected = format.columns().len();
    if found != expected {
        return RecordError::FieldCount { expected, found };
    }
    let mut fields = line.split(' ').zip(slots).zip(format.columns());
    let fault = fields.find_map(|((value, slot), column)| match value {
        "" => Some(RecordError::Empty(column.to_string())),
        _ if check(*slot, value) => None,
        _ => Some(RecordError::Value(column.to_string())),
    });
    fault.unwrap_or(RecordError::FieldCount { expected, found })
}
