//! Lines of bounded length, without their endings and byte-order marks.

use std::io::{self, BufRead, Read};

/// The longest line, in bytes; the fields of a record have hardly 4 KB together.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// The most bytes kept of a line and its ending.
const LIMIT: usize = MAX_LINE_BYTES + 2;

/// The byte-order mark of UTF-8, which some programs write first. In joined files it stands before any line.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the next line; false if there is none. Of a line that is too long only the start is kept.
pub fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = read_line(reader, line)?;
    if read == LIMIT && !line.ends_with(b"\n") {
        reader.skip_until(b'\n')?;
    }
    Ok(read > 0)
}

/// Appends the next line, or the start of it; the rest of a long one stays in the reader.
pub fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    reader.by_ref().take(LIMIT as u64).read_until(b'\n', line)
}

/// The line without its ending, and without a byte-order mark.
#[inline]
#[must_use]
pub fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.first() == MARK.first() { without_marks(line) } else { line }
}

/// The bytes after the byte-order marks at the start; there may be several where files were joined.
fn without_marks(mut bytes: &[u8]) -> &[u8] {
    while let Some(rest) = bytes.strip_prefix(MARK) {
        bytes = rest;
    }
    bytes
}
