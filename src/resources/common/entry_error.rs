//! The problem of one rule or suppression, as `test` shows it in lines and conditions in one line.

use std::fmt::Display;

use detector::expression::{Expression, ExpressionError};
use thiserror::Error;

use crate::api::Invalid;

/// The reason a rule or a suppression is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Its condition cannot be compiled. The text has the line of the condition, and carets.
    #[error("{0}")]
    Condition(#[from] ExpressionError),
    /// Another part is invalid.
    #[error("{problem}")]
    Part {
        /// The part with its dot, as in `.until`; empty for the entry as a whole.
        part: String,
        /// The problem and the remedy, in one line.
        problem: String,
    },
}

impl EntryError {
    /// A problem of the entry as a whole.
    #[must_use]
    pub fn whole(problem: &str) -> Self {
        Self::part(String::new(), problem)
    }

    /// A problem of a part such as `.until`.
    pub fn part(part: impl Into<String>, problem: &str) -> Self {
        Self::Part { part: part.into(), problem: visible(problem) }
    }

    /// The problem in one line, of the entry called `name` in the field `entry`.
    #[must_use]
    pub fn into_invalid(self, entry: &str, name: &str) -> Invalid {
        match self {
            Self::Condition(error) => {
                Invalid::new(format!("{entry}.when"), format!("`{}`, {}", name.escape_debug(), error.in_one_line()))
            }
            Self::Part { part, problem } => Invalid::new(format!("{entry}{part}"), problem),
        }
    }
}

/// Compiles the condition of an entry.
pub fn compile(when: &str) -> Result<Expression, EntryError> {
    Ok(Expression::compile(when)?)
}

/// The text with characters that cannot be seen, or that move others, as escapes.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_graphic() {
            visible.push(letter);
        } else {
            visible.extend(letter.escape_debug());
        }
    }
    visible
}

/// A value that the detector cannot read.
pub fn invalid(field: &'static str, value: impl Display, error: impl Display) -> Invalid {
    Invalid::new(field, format!("`{value}` cannot be: {error}"))
}
