//! Opens a source and tells by its first bytes what it is.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};

use detector::format::{FormatError, LogFormat};
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use parquet::basic::{CompressionCodec, Type};
use parquet::errors::ParquetError;

use crate::intake::{Intake, Sink};
use crate::source::Source;
use crate::{lines, rows};

const GZIP: &[u8] = b"\x1f\x8b";
const PARQUET: &[u8] = b"PAR1";

/// Read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Why a source cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// The operating system, or gzip, says so.
    #[error(transparent)]
    Read(io::Error),
    /// Text that does not begin with a header line.
    #[error(
        "its first line does not name the fields, and no other does; say which they are: --format '${{version}} ${{account-id}} …'"
    )]
    NoFormat,
    /// Parquet says so.
    #[error("cannot be read as Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// The columns of a Parquet file are not the fields of a flow log.
    #[error("its columns are no fields of a flow log: {0}")]
    Columns(#[from] FormatError),
    /// A column of a Parquet file is not of a type that AWS uses.
    #[error("column `{name}` holds {found}; flow logs have INT32, INT64 and text")]
    ColumnType {
        /// The column.
        name: String,
        /// What it holds.
        found: Type,
    },
    /// A column of a Parquet file is packed in a way that AWS does not use for flow logs.
    #[error("column `{name}` is packed with {codec:?}; only GZIP, SNAPPY and UNCOMPRESSED can be read")]
    Codec {
        /// The column.
        name: String,
        /// How it is packed.
        codec: CompressionCodec,
    },
    /// A column of a Parquet file holds lists or structures.
    #[error("column `{0}` is nested; flow logs have plain values")]
    Nested(String),
    /// No fault of the source: the output cannot be written.
    #[error(transparent)]
    Output(io::Error),
}

/// Reads all records of `source`.
///
/// Text, packed or not, is held a line at a time; of a Parquet file a page of each column; Parquet from a pipe whole.
pub fn read<S: Sink>(
    source: &Source,
    format: Option<&LogFormat>,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let Source::File(path) = source else { return stream(io::stdin().lock(), source, format, bar, intake) };
    let mut file = File::open(path).map_err(InputError::Read)?;
    if file.metadata().map_err(InputError::Read)?.is_file() {
        let head = head(&mut file).map_err(InputError::Read)?;
        file.rewind().map_err(InputError::Read)?;
        if head == PARQUET {
            return rows::read(file, source, bar, intake);
        }
    }
    stream(file, source, format, bar, intake)
}

/// Reads what can be read only once.
fn stream<S: Sink>(
    reader: impl Read,
    source: &Source,
    format: Option<&LogFormat>,
    bar: &ProgressBar,
    intake: &mut Intake<S>,
) -> Result<(), InputError> {
    let mut reader = bar.wrap_read(reader);
    let head = head(&mut reader).map_err(InputError::Read)?;
    let is_gzip = head.starts_with(GZIP);
    let is_parquet = head == PARQUET;
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, Cursor::new(head).chain(reader));
    if is_gzip {
        let unpacked = MultiGzDecoder::new(reader);
        lines::read(BufReader::with_capacity(BUFFER_BYTES, unpacked), source, format, intake)
    } else if is_parquet {
        let mut whole = Vec::new();
        reader.read_to_end(&mut whole).map_err(InputError::Read)?;
        rows::read(bytes::Bytes::from(whole), source, &ProgressBar::hidden(), intake)
    } else {
        lines::read(reader, source, format, intake)
    }
}

/// The first bytes, fewer if there are no more.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(PARQUET.len());
    reader.by_ref().take(PARQUET.len() as u64).read_to_end(&mut head)?;
    Ok(head)
}
