//! Reads of monitors at rest: those that AWS answers for many at once are shared.

use std::collections::BTreeMap;
use std::time::Duration;

use devenv::{Call, wait_for};

use super::created_at_once;
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::{REGION, Sandbox};
use vpc_flow_operator::aws::limits::Pace;

const MONITORS: usize = 5;

fn counted(calls: &[Call]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in calls {
        *counts.entry(format!("{} {}", call.service, call.operation)).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn what_aws_answers_for_many_at_once_is_read_once_for_all() {
    let test = "limits::reads-at-rest";
    created_at_once(test, MONITORS, Pace::Unlimited).await;
    let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new(&test.replace("::", "-")).await);
    let start = sandbox.latest_call().await;
    // Monitors that come back within a tenth of this share what was read.
    let resync = Duration::from_secs(20);
    let operator = Operator::start_with(&cluster, &sandbox, |options| options.resync = resync);
    // Each pass reads its dashboard once; the first ones, after a start, look for themselves.
    let passes = async |at_least: usize| {
        wait_for("passes", Duration::from_mins(5), async || {
            let calls = sandbox.emulator.calls(&sandbox.account, start).await?;
            let passes = calls.iter().filter(|call| call.operation == "GetDashboard").count();
            Ok((passes >= at_least).then_some(calls))
        })
        .await
        .unwrap()
    };
    let first = passes(MONITORS).await.len();
    let all = passes(4 * MONITORS).await;
    operator.stop().await;
    assert!(all.iter().all(|call| !call.mutating), "{:?} {REGION}", counted(&all));
    let counts = counted(&all[first..]);
    let dashboards = counts["monitoring GetDashboard"];
    let reads: usize = counts.values().sum();
    eprintln!("{MONITORS} monitors: {dashboards} passes, {reads} reads: {counts:#?}");
    for shared in ["ec2 DescribeFlowLogs", "monitoring DescribeAlarms", "logs DescribeQueryDefinitions"] {
        assert!(counts[shared] < dashboards, "{shared}: {} in {dashboards} passes", counts[shared]);
    }
}
