//! The command line of the operator.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::Cli::try_parse().map_or_else(|error| cli::refuse(&error), cli::Cli::run)
}
