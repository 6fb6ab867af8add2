//! CSV: log events that `CloudWatch` Logs has exported, or a table with a column for each field, as Athena gives it.

use std::io::BufRead;

use csv::ByteRecord;
use detector::analysis::Fault;
use detector::files::line_reader::{MAX_LINE_BYTES, content, next_line};
use detector::format::LogFormat;
use flow_log_fields::Field;

use crate::bad_lines::Reason;
use crate::error::InputError;
use crate::intake::Sink;
use crate::text::Text;

/// The delimiters that programs put between values.
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// Names that Logs Insights gives to fields which it has taken out of records.
const INSIGHTS_NAMES: [&str; 9] =
    ["accountId", "interfaceId", "srcAddr", "dstAddr", "srcPort", "dstPort", "startTime", "endTime", "logStatus"];

/// The meaning of a table's columns.
#[derive(Debug)]
enum Columns {
    /// The column with this index has log events.
    Message(usize),
    /// Each is a field of a flow log.
    Fields(LogFormat),
}

/// The layout of a CSV file.
#[derive(Debug)]
pub struct Table {
    delimiter: u8,
    header: ByteRecord,
    columns: Columns,
}

impl Table {
    /// The table whose header `line` is; `None` if it is no header.
    pub fn from_header(line: &[u8]) -> Result<Option<Self>, InputError> {
        for delimiter in DELIMITERS {
            let header = cells(line, delimiter);
            if let Some(columns) = columns(&header)? {
                return Ok(Some(Self { delimiter, header, columns }));
            }
        }
        Ok(None)
    }

    /// Reads all rows, the header among them. In joined files a header comes again, and may be another one.
    pub fn read<S: Sink>(mut self, mut reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
        let mut row = Vec::new();
        let mut more_lines = 0;
        loop {
            // A row has the number of its first line.
            text.advance(more_lines);
            let Some(lines) = next_row(&mut reader, &mut row)? else { return Ok(()) };
            text.advance(1);
            more_lines = lines - 1;
            let row = content(&row);
            if row.len() > MAX_LINE_BYTES {
                text.refuse(&Fault::TooLong(MAX_LINE_BYTES).into(), row);
            } else if !row.is_empty() {
                self.take(row, text)?;
            }
        }
    }

    fn take<S: Sink>(&mut self, row: &[u8], text: &mut Text<'_, S>) -> Result<(), InputError> {
        let cells = cells(row, self.delimiter);
        if self.is_header(&cells)
            && let Some(columns) = columns(&cells)?
        {
            if let Columns::Fields(format) = &columns {
                text.set_fields(format.clone());
            }
            self.columns = columns;
            return Ok(());
        }
        match &self.columns {
            Columns::Message(column) => match cells.get(*column) {
                Some(message) => text.event(message.trim_ascii())?,
                None => text.refuse(&Reason::NoMessage, row),
            },
            Columns::Fields(format) => match record(&cells, format) {
                Ok(record) => text.record(&record)?,
                Err(reason) => text.refuse(&reason, row),
            },
        }
        Ok(())
    }

    /// True if a row names columns. A value may be the name of a field by chance, but not all of them.
    fn is_header(&self, cells: &ByteRecord) -> bool {
        let is_known = |cell: &[u8]| str::from_utf8(cell.trim_ascii()).is_ok_and(|it| Field::from_name(it).is_some());
        match self.columns {
            _ if cells == &self.header => true,
            Columns::Message(_) => cells.iter().any(is_message),
            Columns::Fields(_) => cells.iter().all(is_known),
        }
    }
}

/// The columns that a header names; `None` if it is no header of flow logs.
fn columns(header: &ByteRecord) -> Result<Option<Columns>, InputError> {
    if let Some(column) = header.iter().position(is_message) {
        return Ok(Some(Columns::Message(column)));
    }
    let is_name =
        |cell: &&str| cell.starts_with(|first: char| first.is_ascii_alphabetic() || matches!(first, '@' | '_'));
    let names = header.iter().map(|cell| str::from_utf8(cell.trim_ascii()).ok().filter(is_name));
    let Some(names) = names.collect::<Option<Vec<_>>>().filter(|names| names.len() > 1) else { return Ok(None) };
    if names.iter().any(|name| name.starts_with('@') || INSIGHTS_NAMES.contains(name)) {
        return Err(InputError::NoMessageColumn);
    }
    let is_known = names.iter().any(|name| Field::from_name(name).is_some());
    Ok(if is_known { Some(Columns::Fields(LogFormat::from_names(names)?)) } else { None })
}

/// True if a column of this name, or a member of an object, is the text of a log event.
pub fn is_message(name: &[u8]) -> bool {
    let name = name.trim_ascii();
    name.strip_prefix(b"@").unwrap_or(name).eq_ignore_ascii_case(b"message")
}

/// Reads a row and returns its number of lines: within quotes there may be line breaks. A quote that is never closed costs the
/// lines of one row only.
fn next_row(reader: &mut impl BufRead, row: &mut Vec<u8>) -> Result<Option<u64>, InputError> {
    if !next_line(reader, row).map_err(InputError::Read)? {
        return Ok(None);
    }
    let is_open = |line: &[u8], before: bool| line.iter().fold(before, |is_open, byte| is_open ^ (*byte == b'"'));
    let (mut within_quotes, mut lines) = (is_open(row, false), 1);
    let mut line = Vec::new();
    while within_quotes && row.len() <= MAX_LINE_BYTES && next_line(reader, &mut line).map_err(InputError::Read)? {
        within_quotes = is_open(&line, within_quotes);
        row.append(&mut line);
        lines += 1;
    }
    Ok(Some(lines))
}

fn cells(row: &[u8], delimiter: u8) -> ByteRecord {
    let mut cells = ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).delimiter(delimiter).buffer_capacity(row.len().max(1));
    // A row in memory can always be read.
    let _ = reader.from_reader(row).read_byte_record(&mut cells);
    cells
}

/// A row as the line that the text file would have, for the one parser.
fn record(cells: &ByteRecord, format: &LogFormat) -> Result<Vec<u8>, Reason> {
    let mut line = Vec::new();
    for (place, cell) in cells.iter().map(<[u8]>::trim_ascii).enumerate() {
        if place > 0 {
            line.push(b' ');
        }
        if cell.iter().any(u8::is_ascii_whitespace) {
            let column = format.columns().get(place).map(ToString::to_string).unwrap_or_default();
            return Err(Fault::WhiteSpace(column).into());
        }
        line.extend_from_slice(if cell.is_empty() { b"-" } else { cell });
    }
    Ok(line)
}
