//! `devenv up`: the environment until Ctrl-C.

use std::process::ExitCode;

use anyhow::Result;
use devenv::Environment;

use crate::folder::Folder;
use crate::signals::Signals;

pub async fn up() -> Result<ExitCode> {
    Folder::run(keep_up).await
}

async fn keep_up(folder: &Folder) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let environment = signals.until_signal(Environment::start(folder.path())).await?;
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
