//! Files of flow-log records: lines, in gzip or not, and Parquet.
//!
//! [`gunzip`] unpacks text and [`line_reader`] splits it; [`header`](mod@header) recognizes the line that names the fields. [`rows`] reads
//! Parquet, and `column_values` writes its values as the text has them. `flow-log-analyze` and the function share these.
//!
//! For the function, [`reading`] judges the records of a file, [`store`] fetches it from S3, and [`inbox`] joins them.

mod column_values;
#[cfg(feature = "lambda")]
pub mod error;
pub mod gunzip;
pub mod header;
#[cfg(feature = "lambda")]
pub mod inbox;
mod limited;
pub mod line_reader;
mod name;
pub mod reading;
pub mod rows;
#[cfg(feature = "lambda")]
pub mod store;
mod table_error;

pub use name::{FileName, Kind};
pub use table_error::TableError;
