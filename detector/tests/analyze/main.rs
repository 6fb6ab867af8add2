//! Runs `flow-log-analyze` and looks at what it prints.

#![allow(clippy::unwrap_used, reason = "tests")]

mod analysis;
mod command_line;
mod fixtures;
mod inputs;
mod records;
