//! The reasons a Parquet file cannot be read as a flow log.

use parquet::basic::CompressionCodec;
use parquet::errors::ParquetError;

use crate::format::FormatError;

/// The reason a Parquet file cannot be read as a flow log.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// An error of the Parquet reader.
    #[error("cannot be read as Parquet: {0}")]
    Parquet(#[from] ParquetError),
    /// The Parquet reader panicked.
    #[error("cannot be read as Parquet: its data are damaged in a way that the Parquet reader does not expect")]
    Damaged,
    /// The columns are not the fields of a flow log.
    #[error("its columns are no fields of a flow log: {0}")]
    Columns(#[from] FormatError),
    /// No column is a field of a flow log.
    #[error("its columns are no fields of a flow log: it has none of `srcaddr`, `dstaddr`, `bytes` and the others")]
    NoKnownColumn,
    /// A column has a type from which its field cannot be read.
    #[error("column `{name}` contains {found}; flow logs have {expected}")]
    ColumnType {
        /// The column.
        name: String,
        /// Its type.
        found: String,
        /// The types that AWS writes.
        expected: &'static str,
    },
    /// A column is packed in a way that AWS does not use for flow logs.
    #[error("column `{name}` is packed with {codec:?}; only GZIP, SNAPPY and UNCOMPRESSED can be read")]
    Codec {
        /// The column.
        name: String,
        /// The codec that packs it.
        codec: CompressionCodec,
    },
    /// A column contains lists or structures.
    #[error("column `{0}` is nested; flow logs have plain values")]
    Nested(String),
}
