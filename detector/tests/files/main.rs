//! The function over the files that S3 announces.

#![allow(clippy::unwrap_used, reason = "tests")]
// The futures of the S3 client within those of the handler are deeper than the default allows.
#![recursion_limit = "256"]

mod answers;
mod damage;
mod detections;
mod formats;
mod function;
#[path = "../analyze/parquet_file.rs"]
mod parquet_file;
mod repeats;
mod s3;
mod whole_vpc;
