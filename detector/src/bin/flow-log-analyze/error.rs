//! Errors that end the reading of a source early; their messages name the remedy.

use std::io;

use detector::format::FormatError;
use parquet::basic::CompressionCodec;
use parquet::errors::ParquetError;

use crate::foreign::Foreign;

/// An error that ends the reading of a source early.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// An error of the operating system, or of gzip.
    #[error(transparent)]
    Read(io::Error),
    /// The source is of a kind that is not read.
    #[error(transparent)]
    Foreign(#[from] Foreign),
    /// Text that does not begin with a header line.
    #[error(
        "its first line does not name the fields, and no other does; say which they are: --format '${{version}} ${{account-id}} …'"
    )]
    NoFormat,
    /// Log events of a custom format.
    #[error(
        "log events do not name their fields, and these do not have AWS's default format; say which they are: --format '${{version}} ${{account-id}} …'"
    )]
    NoFormatOfEvents,
    /// A table of Logs Insights in which the records are taken apart.
    #[error(
        "it is a result of CloudWatch Logs Insights without the records; ask for them in the query: fields @timestamp, @message"
    )]
    NoMessageColumn,
    /// JSON that is cut off, or text that is not JSON.
    #[error("cannot be read as JSON after {events} log events: {error}")]
    Json {
        /// Log events read before the error.
        events: u64,
        /// The error of the JSON parser.
        error: serde_json::Error,
    },
    /// An error of the Parquet reader.
    #[error("cannot be read as Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// The columns of a table are not the fields of a flow log.
    #[error("its columns are no fields of a flow log: {0}")]
    Columns(#[from] FormatError),
    /// No column of a table is a field of a flow log.
    #[error("its columns are no fields of a flow log: it has none of `srcaddr`, `dstaddr`, `bytes` and the others")]
    NoKnownColumn,
    /// A column of a Parquet file has a type from which its field cannot be read.
    #[error("column `{name}` contains {found}; flow logs have {expected}")]
    ColumnType {
        /// The column.
        name: String,
        /// Its type.
        found: String,
        /// The types that AWS writes.
        expected: &'static str,
    },
    /// A column of a Parquet file is packed in a way that AWS does not use for flow logs.
    #[error("column `{name}` is packed with {codec:?}; only GZIP, SNAPPY and UNCOMPRESSED can be read")]
    Codec {
        /// The column.
        name: String,
        /// The codec that packs it.
        codec: CompressionCodec,
    },
    /// A column of a Parquet file contains lists or structures.
    #[error("column `{0}` is nested; flow logs have plain values")]
    Nested(String),
    /// The output cannot be written; the source has no fault.
    #[error(transparent)]
    Output(io::Error),
}
