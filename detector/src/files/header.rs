//! Recognizes the line of a text that names the fields of its records.

use crate::format::{Column, LogFormat};
use crate::record::Parser;

/// The format that a line names, after records of `parser`, if their fields are known. For most records, the first byte shows that they
/// name none.
#[inline]
#[must_use]
pub fn header(line: &[u8], parser: Option<&Parser>) -> Option<LogFormat> {
    let in_names = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b' ');
    if !line.first()?.is_ascii_lowercase() || !line.iter().all(in_names) {
        return None;
    }
    let line = str::from_utf8(line).ok()?;
    let header = LogFormat::from_header(line)?;
    // A record of words only, one of which is the name of a field by chance.
    let is_record = parser.is_some_and(|parser| parser.format() != &header && parser.parse(line).is_ok());
    let is_known = || header.columns().iter().all(|column| matches!(column, Column::Known(_)));
    (!is_record || is_known()).then_some(header)
}
