//! Runs `flow-log-analyze` and looks at what it prints.

mod analysis;
mod command_line;
mod fixtures;
mod inputs;
mod records;
