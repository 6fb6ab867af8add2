//! Reads a file of records, each once, in bounded memory.

use std::fs::File;
use std::io::{self, BufReader};

use super::gunzip::Gunzip;
use super::header::header;
use super::limited::{Limited, TooLarge};
use super::line_reader::{MAX_LINE_BYTES, content, next_line};
use super::name::Kind;
use super::rows::{Row, Rows};
use super::table_error::TableError;
use crate::analysis::{Analyzer, Fault};
use crate::format::LogFormat;
use crate::record::Parser;

/// The most text that a file may unpack to, in bytes: a bound on time. A file of AWS has at most 75 MB, and grows about tenfold when
/// unpacked; gzip can make it a thousandfold.
pub const MAX_UNPACKED_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 64 * 1024;

/// The reason a file cannot be read. Reading it again will not help.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The gzip data have a defect, or the disk has.
    #[error("{0}")]
    Text(io::Error),
    /// The Parquet data have a defect, or are no flow log.
    #[error(transparent)]
    Parquet(#[from] TableError),
    /// More than [`MAX_UNPACKED_BYTES`].
    #[error("it unpacks to more than {MAX_UNPACKED_BYTES} bytes, and no file of a flow log does")]
    TooLarge,
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|error| error.downcast_ref()) {
            Some(TooLarge) => Self::TooLarge,
            None => Self::Text(error),
        }
    }
}

/// Gives all records of a file to `analyzer`. Returns the format that the file names first; if it names none, the records were read
/// by `assumed`.
pub fn read(
    file: File,
    kind: Kind,
    assumed: &Parser,
    analyzer: &mut Analyzer<'_>,
) -> Result<Option<LogFormat>, ReadError> {
    match kind {
        Kind::Text => read_text(file, MAX_UNPACKED_BYTES, assumed, analyzer),
        Kind::Parquet => read_rows(file, MAX_UNPACKED_BYTES, analyzer).map(Some),
    }
}

/// A header line switches the format wherever it stands: a file of several members may have one in each.
fn read_text(
    file: File,
    limit: u64,
    assumed: &Parser,
    analyzer: &mut Analyzer<'_>,
) -> Result<Option<LogFormat>, ReadError> {
    let packed = BufReader::with_capacity(BUFFER_BYTES, file);
    let mut text = BufReader::with_capacity(BUFFER_BYTES, Limited::new(Gunzip::new(packed), limit));
    let mut first = None;
    let mut named: Option<Parser> = None;
    let mut line = Vec::new();
    while next_line(&mut text, &mut line)? {
        let line = content(&line);
        let parser = named.as_ref().unwrap_or(assumed);
        if line.is_empty() {
            continue;
        }
        if let Some(format) = header(line, Some(parser)) {
            first.get_or_insert_with(|| format.clone());
            named = Some(Parser::new(format));
        } else if line.len() > MAX_LINE_BYTES {
            analyzer.refuse(line, Fault::TooLong(MAX_LINE_BYTES));
        } else {
            analyzer.add_bytes(parser, line);
        }
    }
    Ok(first)
}

/// Of the columns, those that rules look at are read.
fn read_rows(file: File, limit: u64, analyzer: &mut Analyzer<'_>) -> Result<LogFormat, ReadError> {
    let mut rows = Rows::open(file, Parser::reads)?;
    let parser = Parser::new(rows.line_format().clone());
    let mut left = limit;
    while let Some(row) = rows.next_row()? {
        let (Row::Line(line) | Row::WhiteSpace { line, .. }) = row;
        left = left.checked_sub(line.len() as u64).ok_or(ReadError::TooLarge)?;
        match row {
            Row::Line(line) => analyzer.add_bytes(&parser, line),
            Row::WhiteSpace { column, line } => analyzer.refuse(line, Fault::WhiteSpace(column.to_owned())),
        }
    }
    Ok(rows.format().clone())
}
