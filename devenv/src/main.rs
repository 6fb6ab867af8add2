//! Starts the environment of tests and demo: `devenv --help`.

#![forbid(unsafe_code)]

mod demo;
mod folder;
mod reference;
mod run;
mod signals;
mod up;

use std::fs;
use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use crate::signals::Interrupted;

#[derive(Parser)]
#[command(about = "A Kubernetes control plane and an AWS emulator on this machine, for tests and the demo")]
struct Arguments {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Subcommand)]
enum Subcommands {
    /// Start the environment, run a command in it, stop it, and exit with the command's code
    Run {
        /// The command and its arguments
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Start the environment and keep it until Ctrl-C
    Up,
    /// Show the operator at work, from the first `kubectl apply` to the delete
    Demo,
    /// Make the zip file that Lambda takes, from the detector's program
    PackageDetector {
        /// The program, built for Linux
        #[arg(long)]
        binary: PathBuf,
        /// The zip file to write
        #[arg(long)]
        out: PathBuf,
    },
    /// Print the reference of the fields of a custom resource as Markdown
    Reference {
        /// The `CustomResourceDefinition` in YAML
        crd: PathBuf,
    },
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let result = run(Arguments::parse().command).await;
    // An interruption needs no message: the sender of the signal knows about it.
    if let Some(interrupted) = result.as_ref().err().and_then(|error| error.downcast_ref::<Interrupted>()) {
        return Ok(interrupted.exit_code());
    }
    result
}

async fn run(command: Subcommands) -> Result<ExitCode> {
    match command {
        Subcommands::Run { command } => run::run(&command).await,
        Subcommands::Up => up::up().await,
        Subcommands::Demo => demo::demo().await,
        Subcommands::PackageDetector { binary, out } => {
            if let Some(warning) = devenv::package_detector(&binary, &out)? {
                eprintln!("warning: {warning}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Subcommands::Reference { crd } => {
            let text = fs::read_to_string(&crd).with_context(|| format!("cannot read {}", crd.display()))?;
            stdout().write_all(reference::reference(&text)?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
