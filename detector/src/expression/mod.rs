//! Conditions on records: a part of CEL that a program of our own compiles.
//!
//! ```text
//! action == "ACCEPT" && dstport == 5432 && opens && !in_networks(source, ["10.0.7.0/24"])
//! ```
//!
//! A text takes one way through the modules: [`lexer`] splits it into tokens, [`parser`] reads the [`syntax`], [`check`] looks up
//! the [`fields`] and checks their types, and [`tree`] has the result, which is evaluated. An [`index`] evaluates many at once.
//!
//! A value that a record lacks is unknown: a comparison with it is neither true nor false, nor is its negation. A record
//! matches an expression that is true.

pub mod by_field;
mod check;
mod condition;
mod error;
mod fields;
mod index;
mod lexer;
mod parser;
mod problem;
mod sets;
mod syntax;
mod text;
mod tree;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use flow_log_fields::Field;

pub use error::ExpressionError;
pub use index::{Index, Places};
pub use problem::Problem;

use crate::format::LogFormat;
use crate::record::Record;
use crate::rules::ends::Ends;
use by_field::{FieldConditions, NotByField};
use tree::Node;

/// The most characters of an expression.
pub const MAX_CHARS: usize = 1_024;
/// The most parentheses and `!` around a condition.
pub const MAX_DEPTH: usize = 16;
/// The most conditions.
pub const MAX_CONDITIONS: usize = 64;
/// The most networks in a list.
pub const MAX_NETWORKS: usize = 64;

/// A compiled expression. Clones share it.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    tree: Arc<Node>,
}

impl Expression {
    /// Compiles `text`.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        let compiled = parser::parse(text).and_then(|syntax| check::compile(&syntax));
        let tree = compiled.map_err(|found| ExpressionError::new(text, found))?;
        Ok(Self { text: text.into(), tree: Arc::new(tree) })
    }

    /// The text that was compiled.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A field that `format` lacks and without which no record matches.
    #[must_use]
    pub fn lacks(&self, format: &LogFormat) -> Option<Field> {
        self.tree.lacks(format)
    }

    /// The expression as conditions that are each about one field.
    pub fn by_field(&self) -> Result<Vec<FieldConditions>, NotByField> {
        by_field::by_field(&self.tree)
    }

    /// The conditions to evaluate, at most.
    #[must_use]
    pub fn conditions(&self) -> usize {
        self.tree.conditions()
    }

    /// True if the expression is true for the record, whose real ends are `ends`.
    #[inline]
    #[must_use]
    pub fn matches(&self, record: &Record, ends: &Ends) -> bool {
        self.tree.is_true(record, ends)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// The text decides the tree.
impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}
