//! `devenv up`: the environment until Ctrl-C.

use std::process::ExitCode;

use anyhow::Result;
use devenv::Environment;

use crate::folder::Folder;
use crate::signals::{self, Signals};

pub async fn up() -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let folder = Folder::create()?;
    let environment = tokio::select! {
        started = Environment::start(folder.path()) => started?,
        signal = signals.next() => return Ok(signals::exit_code(signal.as_raw())),
    };
    eprintln!("The environment is up until Ctrl-C, with its logs in {}", folder.path().display());
    print_exports(&environment);
    signals.next().await;
    environment.stop().await?;
    Ok(ExitCode::SUCCESS)
}

/// Prints lines that make a shell use the environment.
pub fn print_exports(environment: &Environment) {
    println!("unset AWS_PROFILE AWS_SESSION_TOKEN");
    for (name, value) in environment.variables() {
        println!("export {name}='{value}'");
    }
    println!("alias kubectl='{}'", environment.control_plane().kubectl().display());
}
