use std::env;
use std::io::{IsTerminal, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use vpc_flow_operator::aws::{AwsGate, ClientPool, sdk_config};
use vpc_flow_operator::verify::{self, Symbols, render};

use super::live;
use super::print;

/// The exit code if a check has not passed, for scripts.
const NOT_PASSED: u8 = 1;

/// Check in AWS that a monitor records, stores, alarms and answers
///
/// Uses the current context of your kubeconfig, and your own AWS credentials. Changes nothing, but runs an Athena query and, with
/// --test-alarm, sets an alarm for a moment.
///
/// Exit codes: 0 all requested checks passed; 1 a check failed, or has not passed yet; 2 nothing could be checked.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Verify {
    /// Name of the `VpcFlowMonitor`.
    name: String,

    /// Its namespace. [default: that of the kubeconfig's context]
    #[arg(short, long)]
    namespace: Option<String>,

    /// Set one of the alarms to ALARM, and see that its notification goes out. All subscribers receive it. CloudWatch restores the true
    /// state by itself.
    #[arg(long)]
    test_alarm: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,

    /// Longest wait for Kubernetes, for the query and for the notification.
    #[arg(long, default_value = "2m", value_parser = humantime::parse_duration)]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    /// For people.
    Table,
    /// For programs.
    Json,
}

impl Verify {
    /// Prints the checklist.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let deadline = Instant::now() + self.timeout;
        let object = match timeout_at(deadline, live::read(&self.name, self.namespace.as_deref())).await {
            Ok(object) => object?,
            Err(_) => bail!("the Kubernetes API did not answer within {}", humantime::format_duration(self.timeout)),
        };
        for note in verify::notes(&object) {
            eprintln!("note: {note}");
        }
        let config = sdk_config(None).await?;
        let (aws, monitor) = verify::connect(&object, &ClientPool::new(&config, AwsGate::of_verify())).await?;
        let verification = Box::pin(verify::verify(&aws, &monitor, self.test_alarm, deadline)).await;
        let text = match self.output {
            Output::Table => render(&verification, Timestamp::now(), symbols()),
            Output::Json => serde_json::to_string_pretty(&verification)? + "\n",
        };
        print(&text)?;
        Ok(if verification.passed { ExitCode::SUCCESS } else { ExitCode::from(NOT_PASSED) })
    }
}

/// Unicode marks where they can be read, else words. The locale's variables are in the order of POSIX.
fn symbols() -> Symbols {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env::var(name).ok().filter(|it| !it.is_empty()));
    let utf8 = locale.is_some_and(|locale| locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    if utf8 && stdout().is_terminal() { Symbols::Unicode } else { Symbols::Words }
}
