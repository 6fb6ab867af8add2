use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::output::Output;

/// Print the version of this program
#[derive(Debug, Args)]
pub struct Version {
    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

#[derive(Serialize)]
struct Document {
    version: &'static str,
}

impl Version {
    /// Prints it.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let version = env!("CARGO_PKG_VERSION");
        self.output.print(&Document { version }, || format!("vpc-flow-operator {version}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
