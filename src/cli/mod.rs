//! Commands.

mod crd;
mod run;

use clap::{Parser, Subcommand};

/// Builds, keeps and removes AWS VPC flow-log monitoring from Kubernetes.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the controller.
    Run(Box<run::Run>),
    /// Print the `CustomResourceDefinition` as YAML. Needs no cluster.
    Crd,
}

impl Cli {
    /// Runs the command.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Run(run) => run.run(),
            Command::Crd => crd::print(),
        }
    }
}
