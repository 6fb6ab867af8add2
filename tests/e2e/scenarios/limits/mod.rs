//! AWS's quotas, counted at a proxy.

mod attempts;
mod fairness;
pub mod quotas;

use std::time::{Duration, Instant};

use aws_sdk_ec2::Client;
use devenv::{FaultProxy, ProxiedCall, wait_for};
use futures::future::join_all;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::aws::limits::Pace;

use self::quotas::{by_quota, most_within, refused};
use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

/// The pace of `make test`, as a multiple of AWS's quotas.
const FACTOR: f64 = 3.0;
const DEADLINE: Duration = Duration::from_mins(20);

/// A VPC has room for few flow logs, so monitors get one each.
async fn new_vpc(sandbox: &Sandbox) -> String {
    let vpc = Client::new(&sandbox.config).create_vpc().cidr_block("10.0.0.0/16").send().await.unwrap();
    vpc.vpc.unwrap().vpc_id.unwrap()
}

/// Creates that many monitors at once, each in a VPC of its own, and waits until all are Ready.
async fn created_at_once(test: &str, count: usize, pace: Pace) -> Vec<ProxiedCall> {
    let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new(&test.replace("::", "-")).await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let names: Vec<_> = (0..count).map(|number| format!("m{number}")).collect();
    join_all(names.iter().map(async |name| {
        cluster.create(name, VpcFlowMonitorSpec::new(new_vpc(&sandbox).await)).await;
    }))
    .await;
    let start = Instant::now();
    let config = sandbox.config_at(proxy.endpoint());
    let operator = Operator::start_paced(&cluster, &config, pace, |options| options.concurrency = 50);
    let mut ready = 0;
    wait_for("all monitors to be Ready", DEADLINE, async || {
        let monitors = cluster.monitors.list(&kube::api::ListParams::default()).await?;
        ready = monitors.iter().filter(|monitor| is(*monitor, "Ready", "True")).count();
        Ok((ready == count).then_some(()))
    })
    .await
    .unwrap_or_else(|error| panic!("{error}: only {ready} are"));
    operator.stop().await;
    let calls = proxy.calls();
    eprintln!("{count} monitors, {pace:?}: {} calls in {:?}", calls.len(), start.elapsed());
    calls
}

/// Prints the highest rate of calls for each quota, and returns the quotas that are exceeded.
fn beyond_the_quotas(calls: &[ProxiedCall], factor: f64) -> Vec<String> {
    let mut beyond = Vec::new();
    for (name, (quota, arrivals)) in by_quota(calls) {
        let most = most_within(5.0, &arrivals);
        // A full bucket of one second's worth, and the five seconds.
        let (allowed, refused) = (6.0 * f64::from(quota.per_second) * factor, refused(&quota, factor, &arrivals));
        eprintln!("  {name}: {} calls, at most {most} in 5 s of {allowed} allowed", arrivals.len());
        // A busy machine delays some calls, which then arrive closer together than they were sent: one second is too short to count in.
        let exceeded = match quota.at_once {
            Some(_) => refused > 0,
            None => f64::from(u32::try_from(most).unwrap()) > allowed,
        };
        if exceeded {
            beyond.push(format!("{name}: {refused} refused, {most} in 5 s"));
        }
    }
    beyond
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_monitors_created_at_once_stay_below_every_quota_and_none_starves() {
    let full = std::env::var("SWEEP").is_ok_and(|sweep| sweep == "full");
    let (pace, factor) = if full { (Pace::Published, 1.0) } else { (Pace::Times(FACTOR), FACTOR) };
    let calls = created_at_once("limits::fifty", 50, pace).await;
    assert_eq!(beyond_the_quotas(&calls, factor), Vec::<String>::new());
}

#[tokio::test]
async fn without_limits_they_are_exceeded() {
    let calls = created_at_once("limits::without", 15, Pace::Unlimited).await;
    assert_ne!(beyond_the_quotas(&calls, 1.0), Vec::<String>::new());
}
