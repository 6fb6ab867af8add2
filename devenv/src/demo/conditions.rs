//! A monitor's conditions as they turn true.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::Instant;

use super::operator::Operator;
use super::shell::Shell;

const READY_DEADLINE: Duration = Duration::from_mins(2);
const LOOK_AT_OPERATOR_EVERY: Duration = Duration::from_millis(500);
/// One line per change of the monitor: `Type=Status` of every condition.
const CONDITIONS: &str = r#"{range .status.conditions[*]}{.type}={.status} {end}{"\n"}"#;

/// Watches `monitor` (`-n NAMESPACE vpcflowmonitor/NAME`), prints each condition when it turns true, and returns when
/// `Ready` does. Fails if the condition of a system is not true then.
pub async fn print_until_ready(shell: &Shell<'_>, monitor: &str, operator: &mut Operator) -> Result<()> {
    let start = Instant::now();
    let watch = format!("exec \"$KUBECTL\" get {monitor} --watch -o jsonpath='{CONDITIONS}'");
    let (mut process, mut lines) = spawn(shell, &watch)?;
    let mut seen = BTreeSet::new();
    let mut last = String::new();
    while start.elapsed() < READY_DEADLINE {
        operator.check_running()?;
        let Ok(line) = tokio::time::timeout(LOOK_AT_OPERATOR_EVERY, lines.next_line()).await else {
            continue;
        };
        let Some(line) = line? else {
            // The API server ends watches of a kind that was defined a moment ago.
            let status = process.wait().await?;
            ensure!(status.success(), "kubectl could not watch {monitor}: {status}");
            (process, lines) = spawn(shell, &watch)?;
            continue;
        };
        for condition in turned_true(&line) {
            if seen.insert(condition.to_owned()) {
                println!("   {:5.1} s  {condition}", start.elapsed().as_secs_f64());
            }
        }
        if seen.contains("Ready") {
            let open = not_true(&line);
            ensure!(open.is_empty(), "{monitor} is Ready, but these are not true: {}", open.join(" "));
            return Ok(());
        }
        last = line;
    }
    bail!("not Ready within {} s; its conditions: {last}\n{}", READY_DEADLINE.as_secs(), operator.end_of_log());
}

fn spawn(shell: &Shell<'_>, line: &str) -> Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let mut process = shell.command(line).stdout(Stdio::piped()).spawn().context("cannot run kubectl")?;
    let output = process.stdout.take().context("kubectl has no output")?;
    Ok((process, BufReader::new(output).lines()))
}

/// Types of the conditions that are true and stay, `Ready` itself last: `Reconciling` and `Stalled` come and go.
fn turned_true(line: &str) -> Vec<&str> {
    let mut conditions: Vec<_> = line
        .split_whitespace()
        .filter_map(|condition| condition.strip_suffix("=True"))
        .filter(|condition| condition.ends_with("Ready"))
        .collect();
    conditions.sort_by_key(|condition| *condition == "Ready");
    conditions
}

/// Conditions that stay and are not true.
fn not_true(line: &str) -> Vec<&str> {
    let lasting = |condition: &&str| condition.split('=').next().is_some_and(|name| name.ends_with("Ready"));
    line.split_whitespace().filter(lasting).filter(|condition| !condition.ends_with("=True")).collect()
}

#[cfg(test)]
mod tests {
    use super::{not_true, turned_true};

    #[test]
    fn only_lasting_conditions_that_are_true_count() {
        let line = "BucketReady=True Reconciling=True AlarmsReady=False Ready=Unknown LogGroupReady=True ";
        assert_eq!(turned_true(line), ["BucketReady", "LogGroupReady"]);
        assert_eq!(turned_true("Ready=True AlarmsReady=True"), ["AlarmsReady", "Ready"]);
    }

    #[test]
    fn every_system_must_be_ready() {
        assert_eq!(not_true("AlarmsReady=Unknown Ready=True Reconciling=False "), ["AlarmsReady=Unknown"]);
        assert!(not_true("AlarmsReady=True Ready=True").is_empty());
    }

    #[test]
    fn a_monitor_without_status_has_none() {
        assert!(turned_true("").is_empty());
    }
}
