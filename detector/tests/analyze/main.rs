//! Runs `flow-log-analyze` and looks at what it prints.

#![allow(clippy::unwrap_used, reason = "tests")]

mod analysis;
mod cases;
mod column_types;
mod command_line;
mod encodings;
mod fixtures;
mod inputs;
mod log_events;
mod own_rules;
mod parquet_file;
mod records;
