//! Processes end with the one that supervises them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use devenv::{Supervised, supervised_command, wait_for};
use rustix::process::{Pid, test_kill_process};

const DEADLINE: Duration = Duration::from_secs(20);

/// A shell that starts a process of its own, prints both process ids, and waits.
fn spawn_family(dir: &Path, script: &str) -> Result<Supervised> {
    let mut command = supervised_command("sh");
    command.args(["-c", script]);
    Supervised::spawn("the family", command, &dir.join("log"))
}

async fn pids(family: &Supervised) -> Result<Vec<Pid>> {
    wait_for("two process ids", DEADLINE, async || {
        let text = std::fs::read_to_string(family.log())?;
        let pids: Vec<Pid> = text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect();
        Ok((pids.len() == 2).then_some(pids))
    })
    .await
}

async fn wait_until_gone(pids: Vec<Pid>) -> Result<()> {
    wait_for("the processes to be gone", DEADLINE, async || {
        Ok(pids.iter().all(|pid| test_kill_process(*pid).is_err()).then_some(()))
    })
    .await
}

#[tokio::test]
async fn dropping_ends_the_process_and_what_it_started() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let family = spawn_family(dir.path(), "sleep 600 & echo $$; echo $!; wait")?;
    let pids = pids(&family).await?;
    drop(family);
    wait_until_gone(pids).await
}

#[tokio::test]
async fn stopping_ends_a_process_that_ignores_sigterm() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let family = spawn_family(dir.path(), "trap '' TERM; sleep 600 & echo $$; echo $!; wait; wait")?;
    let pids = pids(&family).await?;
    family.stop().await?;
    wait_until_gone(pids).await
}

#[tokio::test]
async fn a_process_that_ends_by_itself_is_reported_with_its_log() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut family = spawn_family(dir.path(), "echo cannot go on; exit 3")?;
    let error = wait_for("the process to end", DEADLINE, async || Ok(family.check_running().err())).await?;
    let text = error.to_string();
    assert!(text.contains("the family ended by itself"), "{text}");
    assert!(text.contains("cannot go on"), "{text}");
    assert!(text.contains("ended with status 3"), "{text}");
    Ok(())
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_reported() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let command = supervised_command(dir.path().join("absent"));
    let mut process = Supervised::spawn("nothing", command, &dir.path().join("log")).context("the shell must start")?;
    let error = wait_for("the process to end", DEADLINE, async || Ok(process.check_running().err())).await?;
    assert!(error.to_string().contains("absent"), "{error}");
    Ok(())
}
