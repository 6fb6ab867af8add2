//! Opens a source and recognizes its kind by its first bytes.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};

use detector::files::gunzip::Gunzip;
use detector::format::LogFormat;
use indicatif::ProgressBar;

use crate::error::InputError;
use crate::foreign::{Foreign, HEAD_BYTES};
use crate::intake::{Intake, Sink};
use crate::source::Source;
use crate::text::Text;
use crate::{rows, shape};

const GZIP: &[u8] = b"\x1f\x8b";
const PARQUET: &[u8] = b"PAR1";

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Reads all records of `source`.
///
/// Memory: one line or log event of a text, packed or not; a page of each column of a Parquet file; the whole of Parquet from
/// a pipe.
pub fn read<S: Sink>(
    source: &Source,
    format: Option<&LogFormat>,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let Source::File(path) = source else { return stream(io::stdin().lock(), source, format, bar, intake) };
    let mut file = File::open(path).map_err(InputError::Read)?;
    if file.metadata().map_err(InputError::Read)?.is_file() {
        let head = head(&mut file)?;
        file.rewind().map_err(InputError::Read)?;
        if head == PARQUET {
            return rows::read(file, source, bar, intake);
        }
    }
    stream(file, source, format, bar, intake)
}

/// Reads a source that can be read only once.
fn stream<S: Sink>(
    reader: impl Read,
    source: &Source,
    format: Option<&LogFormat>,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let mut reader = bar.wrap_read(reader);
    let head = head(&mut reader)?;
    let (is_gzip, is_parquet) = (head.starts_with(GZIP), head == PARQUET);
    let mut reader = buffered(Cursor::new(head.clone()).chain(reader));
    if is_parquet {
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).map_err(InputError::Read)?;
        return rows::read(bytes::Bytes::from(whole), source, &ProgressBar::hidden(), intake);
    }
    let mut text = Text::new(source, format, intake);
    if is_gzip { unpack(Gunzip::new(reader), &mut text) } else { read_text(&head, reader, &mut text) }
}

/// Reads unpacked data.
fn unpack<S: Sink>(mut unpacked: impl Read, text: &mut Text<'_, S>) -> Result<(), InputError> {
    let head = head(&mut unpacked)?;
    if head.starts_with(GZIP) || head == PARQUET {
        return Err(Foreign::PackedTwice.into());
    }
    read_text(&head, buffered(Cursor::new(head.clone()).chain(unpacked)), text)
}

fn read_text<S: Sink>(head: &[u8], reader: impl BufRead, text: &mut Text<'_, S>) -> Result<(), InputError> {
    match Foreign::by_bytes(head) {
        Some(foreign) => Err(foreign.into()),
        None => shape::read(reader, text),
    }
}

fn buffered(reader: impl Read) -> impl BufRead {
    BufReader::with_capacity(BUFFER_BYTES, reader)
}

/// The first bytes, fewer if there are no more.
fn head(reader: &mut impl Read) -> Result<Vec<u8>, InputError> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    reader.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(InputError::Read)?;
    Ok(head)
}
