//! What is common to all kinds of input: each line becomes a record or a bad line.

use std::io;

use detector::analysis::Counts;
use detector::format::LogFormat;
use detector::record::{Parser, Record};

use crate::bad_lines::{BadLines, Place, Reason};

/// What is done with the records.
pub trait Sink {
    /// The records that follow have `format`.
    fn format(&mut self, format: &LogFormat);

    /// Takes a record; fails only if the output does.
    fn record(&mut self, record: &Record<'_>) -> io::Result<()>;

    /// There are no more.
    fn end(&mut self) -> io::Result<()>;
}

/// Counts what comes in, and hands records over.
#[derive(Debug)]
pub struct Intake<S> {
    /// Where the records go.
    pub sink: S,
    /// How many lines.
    pub counts: Counts,
    /// Those that are no records.
    pub bad_lines: BadLines,
    /// Whether something was read in AWS's default format that does not say which format it has.
    pub assumes_default_format: bool,
}

impl<S: Sink> Intake<S> {
    /// Nothing has come in.
    pub fn new(sink: S) -> Self {
        Self { sink, counts: Counts::default(), bad_lines: BadLines::default(), assumes_default_format: false }
    }

    /// A line that should be a record.
    #[inline]
    pub fn line(&mut self, parser: &Parser, place: Place<'_>, line: &[u8]) -> io::Result<()> {
        let Ok(text) = str::from_utf8(line) else {
            self.refuse(place, &Reason::NotUtf8, line);
            return Ok(());
        };
        match parser.parse(text) {
            Ok(record) => {
                self.counts.parsed += 1;
                self.sink.record(&record)
            }
            Err(reason) => {
                self.refuse(place, &Reason::Record(reason), line);
                Ok(())
            }
        }
    }

    /// Whether something came in and nothing of it was a record: the format is another one.
    pub fn is_all_bad(&self) -> bool {
        self.counts.parsed == 0 && self.counts.bad > 0
    }

    /// A line that is no record.
    #[cold]
    pub fn refuse(&mut self, place: Place<'_>, reason: &Reason, line: &[u8]) {
        self.counts.bad += 1;
        self.bad_lines.add(place, reason, line);
    }
}
