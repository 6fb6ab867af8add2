//! `devenv run`: a command in an environment of its own.

use std::io::{IsTerminal, stdin};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result};
use devenv::Environment;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

use crate::folder::Folder;
use crate::signals::{self, Signals};

/// Time that the command has to end after a signal other than Ctrl-C.
const GRACE: Duration = Duration::from_secs(10);

/// Runs `command` and returns its exit code, 128 and the signal's number if a signal ended it.
pub async fn run(command: &[String]) -> Result<ExitCode> {
    Folder::run(async |folder| start_and_run(folder, command).await).await
}

async fn start_and_run(folder: &Folder, command: &[String]) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let environment = signals.until_signal(Environment::start(folder.path())).await?;
    let result = run_in(&environment, command, &mut signals).await;
    let stopped = environment.stop().await;
    let status = result?;
    stopped?;
    Ok(exit_code(status))
}

async fn run_in(environment: &Environment, command: &[String], signals: &mut Signals) -> Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("no command")?;
    let mut command = Command::new(program);
    command.args(arguments);
    environment.apply_to(&mut command);
    // On a terminal the command must stay in the foreground group. Elsewhere a group of its own makes signals reach
    // everything that it starts.
    let own_group = !stdin().is_terminal();
    if own_group {
        command.process_group(0);
    }
    let mut child = command.spawn().with_context(|| format!("cannot run `{program}`"))?;
    loop {
        let signal = tokio::select! {
            status = child.wait() => return Ok(status?),
            signal = signals.next() => signal,
        };
        forward(signal, &child, own_group);
        // The command decides about Ctrl-C: a shell goes on.
        if signal == Signal::INT {
            continue;
        }
        if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
            return Ok(status?);
        }
        forward(Signal::KILL, &child, own_group);
    }
}

fn forward(signal: Signal, child: &Child, own_group: bool) {
    let Some(pid) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
        return;
    };
    // It may have ended just now, which the caller sees next.
    let _ = if own_group { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
}

fn exit_code(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, Some(signal)) => signals::exit_code(signal),
        (None, None) => ExitCode::FAILURE,
    }
}
