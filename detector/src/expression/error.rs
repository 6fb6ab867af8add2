//! An error with its place in the text.

use std::fmt;
use std::ops::Range;

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
    excerpt: Box<Excerpt>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    /// A part of the line.
    text: String,
    /// The place in it, in characters.
    place: Range<usize>,
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
        let place = indent..indent + width.min(MAX_SHOWN - indent);
        let excerpt = Box::new(Excerpt { text: shown.trim_end().to_owned(), place });
        Self { line: before.matches('\n').count() + 1, column: offset + 1, problem, excerpt }
    }

    /// The error in one line, with carets around the place: `line 1, column 1: there is no field `dstprt`: ^dstprt^ == 22`.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        let Self { line, column, problem, excerpt } = self;
        let Excerpt { text, place } = &**excerpt;
        let part = |from, to| text.chars().skip(from).take(to).collect::<String>();
        let (before, marked, after) =
            (part(0, place.start), part(place.start, place.len()), part(place.end, usize::MAX));
        format!("line {line}, column {column}: {problem}: {}^{marked}^{after}", before.trim_start())
    }
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, problem, excerpt } = self;
        let Excerpt { text, place } = &**excerpt;
        let (indent, carets) = (" ".repeat(place.start), "^".repeat(place.len()));
        write!(f, "line {line}, column {column}: {problem}\n  {text}\n  {indent}{carets}")
    }
}
