//! Lines that are no records: counted, and the first few quoted.

use std::fmt;

use detector::analysis::{Fault, MAX_BAD_LINE_CHARS, MAX_BAD_LINES_KEPT};

use crate::NAME;
use crate::source::Source;

/// The reason a line is not a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// It has a fault.
    #[error(transparent)]
    Line(#[from] Fault),
    /// A log event without the record.
    #[error("it has no message with a record; ask for it in a query of Logs Insights: fields @timestamp, @message")]
    NoMessage,
}

/// The place of a line.
#[derive(Clone, Copy, Debug)]
pub struct Place<'s> {
    /// Its source.
    pub source: &'s Source,
    /// `line`, in JSON `event`, in Parquet `row`.
    pub unit: &'static str,
    /// Its number, from 1.
    pub number: u64,
}

/// Bad lines, printed as a few messages.
#[derive(Debug, Default)]
pub struct BadLines {
    count: u64,
    messages: Vec<String>,
}

impl BadLines {
    /// Counts a line.
    pub fn add(&mut self, place: Place<'_>, reason: &Reason, line: &[u8]) {
        self.count += 1;
        if self.messages.len() < MAX_BAD_LINES_KEPT {
            let Place { source, unit, number } = place;
            // A character has at most four bytes.
            let start = line.get(..4 * MAX_BAD_LINE_CHARS).unwrap_or(line).trim_ascii_end();
            let start: String = String::from_utf8_lossy(start).chars().take(MAX_BAD_LINE_CHARS).collect();
            // Quoted as a Rust string, so that a terminal does not obey control characters in a log.
            self.messages.push(format!("{source}: {unit} {number}: {reason}: {start:?}"));
        }
    }
}

impl fmt::Display for BadLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for message in &self.messages {
            writeln!(f, "{NAME}: {message}")?;
        }
        let shown = self.messages.len() as u64;
        match self.count {
            0 => Ok(()),
            1 => writeln!(f, "{NAME}: 1 bad line was skipped"),
            count if count == shown => writeln!(f, "{NAME}: {count} bad lines were skipped"),
            count => writeln!(f, "{NAME}: {count} bad lines were skipped, of which the first {shown} are shown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(count: u64, line: &[u8]) -> String {
        let mut bad_lines = BadLines::default();
        for number in 1..=count {
            let place = Place { source: &Source::Stdin, unit: "line", number };
            bad_lines.add(place, &Reason::Line(Fault::NotUtf8), line);
        }
        bad_lines.to_string()
    }

    #[test]
    fn the_first_are_quoted_and_all_counted() {
        assert_eq!(after(0, b""), "");
        let one = "flow-log-analyze: standard input: line 1: it is not UTF-8: \"a\\u{1b}[1m\"\n";
        assert_eq!(after(1, b"a\x1b[1m\n"), format!("{one}flow-log-analyze: 1 bad line was skipped\n"));
        assert!(after(5, b"a").ends_with("analyze: 5 bad lines were skipped\n"));
        let many = after(7, b"a");
        assert_eq!(many.lines().count(), 6);
        assert!(many.ends_with("7 bad lines were skipped, of which the first 5 are shown\n"));
    }

    #[test]
    fn a_long_line_is_cut() {
        assert!(after(1, "é".repeat(10_000).as_bytes()).contains(&format!("\"{}\"", "é".repeat(MAX_BAD_LINE_CHARS))));
    }
}
