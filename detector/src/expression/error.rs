//! An error with its place in the text.

use std::fmt;

use super::Problem;
use super::lexer::{Found, Span};

/// The most characters shown of a line.
const MAX_SHOWN: usize = 72;

/// The reason an expression cannot be compiled, with its place. It is shown with the line, and carets below the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ExpressionError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The reason.
    pub problem: Problem,
    /// A part of the line, and below it the carets.
    excerpt: String,
}

impl ExpressionError {
    pub(super) fn new(text: &str, Found { problem, span: Span { from, to } }: Found) -> Self {
        let before = text.get(..from).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = text.get(line_start..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let line: Vec<_> = line_text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        let offset = before.get(line_start..).unwrap_or_default().chars().count();
        let width = text.get(from..to).unwrap_or_default().chars().count().clamp(1, (line.len() - offset).max(1));
        // A window of the line, with a third of it before the place.
        let first = if line.len() <= MAX_SHOWN { 0 } else { offset.saturating_sub(MAX_SHOWN / 3) };
        let shown: String = line.iter().skip(first).take(MAX_SHOWN).collect();
        let indent = offset - first;
        let excerpt =
            format!("  {}\n  {}{}", shown.trim_end(), " ".repeat(indent), "^".repeat(width.min(MAX_SHOWN - indent)));
        Self { line: before.matches('\n').count() + 1, column: offset + 1, problem, excerpt }
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, problem, excerpt } = self;
        write!(f, "line {line}, column {column}: {problem}\n{excerpt}")
    }
}
