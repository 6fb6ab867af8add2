//! `devenv demo`: the operator at work, from the first `kubectl apply` to the delete.

mod account;
mod attack;
mod conditions;
mod detection;
mod operator;
mod shell;
mod story;

use std::io::{IsTerminal, stdin, stdout};
use std::process::ExitCode;

use anyhow::Result;
use devenv::{ACCOUNT, Environment, REGION};

use crate::folder::Folder;
use crate::signals::Signals;
use crate::up::print_exports;
use story::{Running, Story};

/// Runs the demo; the exit code is 0 only if every step succeeded. On a terminal, everything then stays up until
/// Ctrl-C.
pub async fn demo() -> Result<ExitCode> {
    Folder::run(start_and_play).await
}

async fn start_and_play(folder: &Folder) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    println!("Starting a Kubernetes control plane and an AWS emulator on this machine ...");
    let environment = signals.until_signal(Environment::start(folder.path())).await?;
    let result = play_in(&environment, folder, &mut signals).await;
    let stopped = environment.stop().await;
    result?;
    stopped?;
    Ok(ExitCode::SUCCESS)
}

async fn play_in(environment: &Environment, folder: &Folder, signals: &mut Signals) -> Result<()> {
    let Running { operator, vpc } = signals.until_signal(Story::new(environment, folder.path())?.play()).await?;
    if stdin().is_terminal() && stdout().is_terminal() {
        println!("\nEverything is still up, for you to explore until Ctrl-C. In another terminal:\n");
        print_exports(environment);
        println!("# the operator's metrics: {}", operator.metrics_url());
        println!("# its log:                {}", operator.log().display());
        println!("# more traffic, or port-scan, brute-force, exfiltration, sweep, attack, quiet:");
        println!("#   curl -d '{}' $AWS_ENDPOINT_URL/_devenv/traffic", traffic(&vpc));
        signals.next().await;
    }
    operator.stop().await
}

/// The body of a request to the emulator for traffic.
fn traffic(vpc: &str) -> serde_json::Value {
    serde_json::json!({ "account": ACCOUNT, "region": REGION, "vpcId": vpc, "scenario": "normal", "minutes": 15 })
}
