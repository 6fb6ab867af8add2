//! Commands.

mod crd;
mod dry_run;
mod leader_elect;
mod live;
mod operator_settings;
mod permissions;
mod plan;
mod run;
mod values;
mod verify;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::network::ConnectionProblem;

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

/// The exit code for wrong arguments, of every command.
const WRONG_ARGUMENTS: u8 = 2;

/// The exit code of `verify` when nothing could be checked.
const NOT_CHECKED: u8 = WRONG_ARGUMENTS;

/// Prints the problem of the arguments, or the help that they ask for.
#[must_use]
pub fn refuse(error: &clap::Error) -> ExitCode {
    // If even this cannot be printed, there is no other place to report it.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(WRONG_ARGUMENTS) } else { ExitCode::SUCCESS }
}

/// Prints a result. A closed pipe is no error: its reader wanted only the beginning.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

impl Cli {
    /// Runs the command, and prints the error if it fails.
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
            print_error(&error);
            failure
        })
    }
}

fn print_error(error: &anyhow::Error) {
    // The texts of some errors contain their cause.
    let mut reported = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !reported.contains(&cause) {
            reported = if reported.is_empty() { cause } else { format!("{reported}: {cause}") };
        }
    }
    // An error of AWS has its advice in its text.
    if let Some(problem) = ConnectionProblem::of(error.as_ref()) {
        reported = format!("{reported}: {}", kubernetes::advice(problem));
    }
    eprintln!("error: {reported}");
}
