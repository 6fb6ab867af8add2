//! The part common to all kinds of input: each line becomes a record or a bad line.

use std::io;

use detector::analysis::{Counts, Fault};
use detector::format::LogFormat;
use detector::record::{Parser, Record};

use crate::bad_lines::{BadLines, Place, Reason};

/// A consumer of records.
pub trait Sink {
    /// The records that follow have `format`.
    fn format(&mut self, format: &LogFormat);

    /// Takes a record; fails only if the output does.
    fn record(&mut self, record: &Record<'_>) -> io::Result<()>;

    /// Called after the last record.
    fn end(&mut self) -> io::Result<()>;
}

/// Counts lines, and hands records over.
#[derive(Debug)]
pub struct Intake<S> {
    /// Where the records go.
    pub sink: S,
    /// The line counts.
    pub counts: Counts,
    /// The lines that are not records.
    pub bad_lines: BadLines,
    /// True if AWS's default format was assumed for log events, which do not name their fields.
    pub assumes_default_format: bool,
}

impl<S: Sink> Intake<S> {
    /// An intake without lines yet.
    pub fn new(sink: S) -> Self {
        Self { sink, counts: Counts::default(), bad_lines: BadLines::default(), assumes_default_format: false }
    }

    /// A line that should be a record.
    #[inline]
    pub fn line(&mut self, parser: &Parser, place: Place<'_>, line: &[u8]) -> io::Result<()> {
        let Ok(text) = str::from_utf8(line) else {
            self.refuse(place, &Fault::NotUtf8.into(), line);
            return Ok(());
        };
        match parser.parse(text) {
            Ok(record) => {
                self.counts.parsed += 1;
                self.sink.record(&record)
            }
            Err(reason) => {
                self.refuse(place, &Fault::Record(reason).into(), line);
                Ok(())
            }
        }
    }

    /// True if there was no line that is or should be a record.
    pub fn is_empty(&self) -> bool {
        self.counts.parsed == 0 && self.counts.bad == 0
    }

    /// A line that is no record.
    #[cold]
    pub fn refuse(&mut self, place: Place<'_>, reason: &Reason, line: &[u8]) {
        self.counts.bad += 1;
        self.bad_lines.add(place, reason, line);
    }
}
