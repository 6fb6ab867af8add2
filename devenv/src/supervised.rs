//! Processes that never outlive this one.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, ChildStdin, Command};

/// Five seconds for a process to end by itself, as in the script, and time for the script.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
const LINES_OF_LOG_IN_ERRORS: usize = 15;

/// A process that ends with this one, even if this one is killed: dropping it, or calling [`Supervised::stop`], ends it
/// and everything it started.
#[derive(Debug)]
pub struct Supervised {
    name: String,
    log: PathBuf,
    process: Child,
    lifeline: ChildStdin,
}

/// A command that runs `program` under supervision: add arguments and environment, then hand it to
/// [`Supervised::spawn`].
pub fn supervised_command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", include_str!("supervise.sh"), "supervise"]).arg(program);
    command
}

impl Supervised {
    /// Starts a command made by [`supervised_command`]. Its output goes to the file `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Ctrl-C on a terminal goes to this process alone, which then ends its children in order.
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let lifeline = process.stdin.take().with_context(|| format!("{name} has no standard input"))?;
        Ok(Self { name: name.to_owned(), log: log.to_owned(), process, lifeline })
    }

    /// The file with everything the process printed.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// An error with the end of its log if the process has ended by itself.
    pub fn check_running(&mut self) -> Result<()> {
        if self.process.try_wait()?.is_some() {
            bail!("{} ended by itself\n{}", self.name, self.end_of_log());
        }
        Ok(())
    }

    /// The last lines of the log, and where to find the rest.
    #[must_use]
    pub fn end_of_log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LINES_OF_LOG_IN_ERRORS)..];
        format!("the end of {}:\n  {}", self.log.display(), tail.join("\n  "))
    }

    /// Ends the process (SIGTERM, and after five seconds SIGKILL) and waits until it is gone.
    pub async fn stop(self) -> Result<()> {
        let Self { name, mut process, lifeline, .. } = self;
        drop(lifeline);
        tokio::time::timeout(STOP_DEADLINE, process.wait())
            .await
            .with_context(|| format!("{name} did not stop within {STOP_DEADLINE:?}"))??;
        Ok(())
    }
}
