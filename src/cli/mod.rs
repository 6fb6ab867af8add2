//! Commands.

mod crd;
mod leader_elect;
mod live;
mod operator_settings;
mod permissions;
mod plan;
mod run;
mod verify;

use std::process::ExitCode;

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
    Permissions(Box<permissions::Permissions>),
    Plan(Box<plan::Plan>),
    Verify(verify::Verify),
}

/// The exit code of `verify` when nothing could be checked, as clap's for wrong arguments.
const NOT_CHECKED: u8 = 2;

impl Cli {
    /// Runs the command, and tells why if it fails.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let (result, failure) = match self.command {
            Command::Run(run) => (run.run().map(|()| ExitCode::SUCCESS), ExitCode::FAILURE),
            Command::Crd => (crd::print().map(|()| ExitCode::SUCCESS), ExitCode::FAILURE),
            Command::Permissions(permissions) => (permissions.run().map(|()| ExitCode::SUCCESS), ExitCode::FAILURE),
            Command::Plan(plan) => (plan.run(), ExitCode::FAILURE),
            Command::Verify(verify) => (verify.run(), ExitCode::from(NOT_CHECKED)),
        };
        result.unwrap_or_else(|error| {
            tell(&error);
            failure
        })
    }
}

fn tell(error: &anyhow::Error) {
    // Some errors tell their cause themselves.
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            told = if told.is_empty() { cause } else { format!("{told}: {cause}") };
        }
    }
    eprintln!("error: {told}");
}
