//! Errors that end the reading of a source early; their messages name the remedy.

use std::io;

use detector::files::TableError;
use detector::files::gunzip::GzipError;
use detector::format::FormatError;

use crate::foreign::Foreign;

/// An error that ends the reading of a source early.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// An error of the operating system, or of gzip.
    #[error("{0}{remedy}", remedy = remedy(.0))]
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
    /// Parquet that cannot be read, or is no flow log.
    #[error(transparent)]
    Parquet(#[from] TableError),
    /// The columns of a table are not the fields of a flow log.
    #[error("its columns are no fields of a flow log: {0}")]
    Columns(#[from] FormatError),
    /// The output cannot be written; the source has no fault.
    #[error(transparent)]
    Output(io::Error),
}

/// The remedy for a defect of gzip data; the messages of the operating system need none.
fn remedy(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(GzipError::Incomplete | GzipError::Damaged(_)) => {
            "; copy the file again. The data before this point was read"
        }
        Some(GzipError::Trailing) => "; cut it off. The data before this point was read",
        None => "",
    }
}
