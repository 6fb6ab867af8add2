//! The command line of the operator.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Some errors tell their cause themselves.
            let mut told = String::new();
            for cause in error.chain().map(ToString::to_string) {
                if !told.contains(&cause) {
                    told = if told.is_empty() { cause } else { format!("{told}: {cause}") };
                }
            }
            eprintln!("error: {told}");
            ExitCode::FAILURE
        }
    }
}
