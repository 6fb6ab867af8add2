use std::env;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{ArgGroup, Args};
use jiff::Timestamp;
use kube::ResourceExt;
use tokio::time::{Instant, timeout_at};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::aws::{AwsGate, ClientPool, sdk_config};
use vpc_flow_operator::verify::{self, Symbols, Verification, render};

use super::output::Output;
use super::targets::Targets;
use super::{NOT_CHECKED, print_error};

/// The exit code if a check has not passed, for scripts.
const NOT_PASSED: u8 = 1;

/// Check in AWS that a monitor records, stores, alarms and answers
///
/// Reads monitors from the cluster of your kubeconfig, and uses your own AWS credentials. Changes nothing, but runs an Athena query and, with
/// --test-alarm, sets an alarm for a moment.
///
/// Exit codes: 0 all requested checks passed; 1 a check failed, or has not passed yet; 2 a monitor could not be checked.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    group = ArgGroup::new("monitors").required(true).multiple(true).args(["names", "all_namespaces", "selector"])
)]
pub struct Verify {
    #[command(flatten)]
    targets: Targets,

    /// Set one of the alarms to ALARM, and see that its notification goes out. All subscribers receive it. CloudWatch restores the true
    /// state by itself.
    #[arg(long)]
    test_alarm: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,

    /// Longest wait for Kubernetes, and then for the query and the notification of each monitor.
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

impl Verify {
    /// Prints the checklists.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let deadline = Instant::now() + self.timeout;
        let selection = match timeout_at(deadline, self.targets.read()).await {
            Ok(selection) => selection?.typed(),
            Err(_) => bail!("the Kubernetes API did not answer within {}", humantime::format_duration(self.timeout)),
        };
        let pool = ClientPool::new(&sdk_config(None).await?, AwsGate::of_verify());
        let verify = async |object: &VpcFlowMonitor, deadline| self.verify(object, &pool, deadline).await;
        let (verifications, failed) = one_by_one(&selection.monitors, self.timeout, verify).await;
        let errors: Vec<_> = selection.errors.into_iter().chain(failed).collect();
        let text = || {
            let now = Timestamp::now();
            let texts: Vec<_> = verifications.iter().map(|it| render(it, now, symbols())).collect();
            texts.join("\n")
        };
        // As with kubectl, one name asks for an object, anything else for a list.
        match &verifications[..] {
            [verification] if self.targets.is_one() => self.output.print(verification, text)?,
            [] if self.targets.is_one() => {}
            several => self.output.print(&several, text)?,
        }
        errors.iter().for_each(print_error);
        Ok(exit_code(&verifications, errors.is_empty()))
    }

    async fn verify(
        &self,
        object: &VpcFlowMonitor,
        pool: &ClientPool,
        deadline: Instant,
    ) -> anyhow::Result<Verification> {
        let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
        let of = if self.targets.is_one() { String::new() } else { format!("{name}: ") };
        for note in verify::notes(object) {
            eprintln!("note: {of}{note}");
        }
        let (aws, monitor) = verify::connect(object, pool).await?;
        Ok(Box::pin(verify::verify(&aws, &monitor, self.test_alarm, deadline)).await)
    }
}

/// The results and the errors of a check of each item. Each has the whole time: a slow one takes nothing from the next.
async fn one_by_one<I, R>(
    items: &[I],
    time: Duration,
    check: impl AsyncFn(&I, Instant) -> anyhow::Result<R>,
) -> (Vec<R>, Vec<anyhow::Error>) {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for item in items {
        match check(item, Instant::now() + time).await {
            Ok(result) => results.push(result),
            Err(error) => errors.push(error),
        }
    }
    (results, errors)
}

fn exit_code(verifications: &[Verification], all_checked: bool) -> ExitCode {
    if !all_checked {
        ExitCode::from(NOT_CHECKED)
    } else if verifications.iter().all(|verification| verification.passed) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_PASSED)
    }
}

/// Unicode marks where they can be read, else words. The locale's variables are in the order of POSIX.
fn symbols() -> Symbols {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env::var(name).ok().filter(|it| !it.is_empty()));
    let utf8 = locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    if utf8 && stdout().is_terminal() { Symbols::Unicode } else { Symbols::Words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_monitor_has_the_whole_time() {
        let time = Duration::from_mins(2);
        let check = async |_: &usize, deadline: Instant| {
            let begun = Instant::now();
            // The clock moves on, as in a check that takes its time.
            while Instant::now() == begun {}
            Ok((deadline, Instant::now()))
        };
        let (results, errors) = one_by_one(&[1, 2, 3], time, check).await;
        assert!(errors.is_empty() && results.len() == 3, "{errors:?}");
        for pair in results.windows(2) {
            let ((_, ended), (deadline, _)) = (pair[0], pair[1]);
            assert!(deadline >= ended + time, "{results:?}");
        }
    }
}
