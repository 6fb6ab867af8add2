//! Measures one monitor: the time and the calls until it is Ready, at rest, and until it is gone. Limits are as on AWS.
//!
//! `devenv run -- bench-operator`

#![allow(clippy::unwrap_used, reason = "a measurement ends where something unexpected happens")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use devenv::{FaultProxy, ProxiedCall, ProxyFault, Rule};
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::Sandbox;
use vpc_flow_operator::aws::limits::Pace;

const RUNS: usize = 3;

struct Run {
    ready: Duration,
    created_by: Vec<ProxiedCall>,
    at_rest: usize,
    gone: Duration,
    deleted_by: Vec<ProxiedCall>,
}

async fn measure(name: &str, delay: Duration) -> Run {
    let (sandbox, cluster) = (Sandbox::new(name).await, Cluster::new(name).await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    if !delay.is_zero() {
        proxy.add(Rule::all(ProxyFault::Delay(delay)));
    }
    let config = sandbox.config_at(proxy.endpoint());
    let operator = Operator::start_paced(&cluster, &config, Pace::Published, |_| ());
    // The identity of the account is asked for once in the life of an operator.
    cluster.create("warm", sandbox.spec()).await;
    cluster.wait_ready("warm").await;
    cluster.delete("warm").await;
    cluster.wait_gone("warm").await;
    tokio::time::sleep(Duration::from_secs(2)).await;

    let (start, before) = (Instant::now(), proxy.calls().len());
    cluster.create("bench", sandbox.spec()).await;
    cluster.wait_ready("bench").await;
    let (ready, created) = (start.elapsed(), proxy.calls().len());
    cluster.reconcile_now("bench", "at-rest").await;
    let rested = proxy.calls().len();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let start = Instant::now();
    cluster.delete("bench").await;
    cluster.wait_gone("bench").await;
    let gone = start.elapsed();
    operator.stop().await;
    let calls = proxy.calls();
    Run {
        ready,
        created_by: calls[before..created].to_vec(),
        at_rest: rested - created,
        gone,
        deleted_by: calls[rested..].to_vec(),
    }
}

fn print_calls(title: &str, calls: &[ProxiedCall]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for call in calls {
        *counts.entry(format!("{} {}", call.service, call.operation)).or_default() += 1;
    }
    println!("{title}:");
    for (call, count) in counts {
        println!("{count:4} {call}");
    }
}

#[tokio::main]
async fn main() {
    println!("| A call takes | Ready | calls | of these writes | at rest | gone | calls |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for delay in [0, 50] {
        let mut runs = Vec::new();
        for number in 0..RUNS {
            runs.push(Box::pin(measure(&format!("bench-{delay}-{number}"), Duration::from_millis(delay))).await);
        }
        runs.sort_by_key(|run| run.ready);
        let Run { ready, created_by, at_rest, gone, deleted_by } = &runs[RUNS / 2];
        let writes = created_by.iter().filter(|call| call.mutating).count();
        println!(
            "| {delay} ms more | {:.1} s | {} | {writes} | {at_rest} | {:.1} s | {} |",
            ready.as_secs_f64(),
            created_by.len(),
            gone.as_secs_f64(),
            deleted_by.len()
        );
        if delay == 0 && std::env::args().any(|argument| argument == "--calls") {
            print_calls("until Ready", created_by);
            print_calls("until gone", deleted_by);
        }
    }
}
