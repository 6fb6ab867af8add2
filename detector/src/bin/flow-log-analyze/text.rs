//! The text of a source while it is read: the fields of its records and the current place.

use detector::analysis::Fault;
use detector::files::line_reader::MAX_LINE_BYTES;
use detector::format::LogFormat;
use detector::record::Parser;

use crate::bad_lines::{Place, Reason};
use crate::error::InputError;
use crate::intake::{Intake, Sink};
use crate::source::Source;

/// Takes the records of a source, one after the other.
pub struct Text<'a, S> {
    source: &'a Source,
    intake: &'a mut Intake<S>,
    /// True if the command line names the fields; the source's own names are ignored then.
    is_given: bool,
    parser: Option<Parser>,
    /// `line`, or `event` in JSON.
    unit: &'static str,
    number: u64,
}

impl<'a, S: Sink> Text<'a, S> {
    /// The text of `source`, with the fields of `format` if that is given.
    pub fn new(source: &'a Source, format: Option<&LogFormat>, intake: &'a mut Intake<S>) -> Self {
        if let Some(format) = format {
            intake.sink.format(format);
        }
        let parser = format.cloned().map(Parser::new);
        Self { source, intake, is_given: format.is_some(), parser, unit: "line", number: 0 }
    }

    /// Counts in events from here on.
    pub fn count_events(&mut self) {
        (self.unit, self.number) = ("event", 0);
    }

    /// Goes to the line or event after the last `count` ones.
    #[inline]
    pub fn advance(&mut self, count: u64) {
        self.number += count;
    }

    /// Number of lines or events so far.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The parser of the records, if their fields are known.
    pub fn parser(&self) -> Option<&Parser> {
        self.parser.as_ref()
    }

    /// Number of fields that the next record should have.
    pub fn columns(&self) -> usize {
        let columns = |format: &LogFormat| format.columns().len();
        self.parser.as_ref().map_or_else(|| columns(&LogFormat::aws_default()), |parser| columns(parser.format()))
    }

    /// The records that follow have these fields, unless the command line says otherwise.
    pub fn set_fields(&mut self, format: LogFormat) {
        if !self.is_given {
            self.intake.sink.format(&format);
            self.parser = Some(Parser::new(format));
        }
    }

    /// A line that should be a record, of fields that a header names.
    #[inline]
    pub fn record(&mut self, line: &[u8]) -> Result<(), InputError> {
        let place = Place { source: self.source, unit: self.unit, number: self.number };
        let parser = self.parser.as_ref().ok_or(InputError::NoFormat)?;
        if line.len() > MAX_LINE_BYTES {
            self.intake.refuse(place, &Fault::TooLong(MAX_LINE_BYTES).into(), line);
            return Ok(());
        }
        self.intake.line(parser, place, line).map_err(InputError::Output)
    }

    /// A log event of `CloudWatch` Logs that should be a record. Nothing names its fields: they are AWS's default ones if the
    /// first event is a record with them.
    pub fn event(&mut self, message: &[u8]) -> Result<(), InputError> {
        if self.parser.is_none() {
            let default = Parser::new(LogFormat::aws_default());
            if !str::from_utf8(message).is_ok_and(|message| default.parse(message).is_ok()) {
                return Err(InputError::NoFormatOfEvents);
            }
            self.set_fields(LogFormat::aws_default());
            self.intake.assumes_default_format = true;
        }
        self.record(message)
    }

    /// A line that is no record.
    pub fn refuse(&mut self, reason: &Reason, line: &[u8]) {
        let place = Place { source: self.source, unit: self.unit, number: self.number };
        self.intake.refuse(place, reason, line);
    }
}
