//! Files of flow-log records: lines, in gzip or not, and Parquet.
//!
//! [`gunzip`] unpacks text and [`line_reader`] splits it; [`header`] recognizes the line that names the fields. [`rows`] reads Parquet,
//! and [`column_values`] writes its values as the text has them.

mod column_values;
pub mod gunzip;
pub mod header;
pub mod line_reader;
pub mod rows;
mod table_error;

pub use table_error::TableError;
