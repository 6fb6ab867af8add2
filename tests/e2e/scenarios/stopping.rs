//! SIGTERM: what is under way is finished, nothing else is begun.

use devenv::{FaultProxy, Gate, ProxiedCall, ProxyFault, Rule};
use kube::ResourceExt;
use rustix::process::Signal;
use vpc_flow_operator::api::VpcFlowMonitor;

use crate::process::{DEADLINE, Process, Start};
use testkit::cluster::{Cluster, is, reason};
use testkit::rights::LEASE;
use testkit::sandbox::Sandbox;

/// The changing calls after the held one: those of the step of `CreateLogGroup`, and those of other systems until they are done.
fn after(calls: &[ProxiedCall], held: &ProxiedCall) -> Vec<String> {
    let later = calls.iter().filter(|call| call.mutating && call.seq > held.seq);
    later.map(|call| format!("{}.{}", call.service, call.operation)).collect()
}

/// True if all systems that do not need the log group are done. The others wait for it.
pub fn only_the_log_group_is_under_way(monitor: &VpcFlowMonitor) -> bool {
    ["BucketReady", "NotificationsReady", "AlarmsReady", "DashboardReady", "AnalyticsReady"]
        .iter()
        .all(|condition| is(monitor, condition, "True"))
}

#[tokio::test]
async fn the_call_in_flight_is_heard_out_and_nothing_else_begins() {
    let (sandbox, cluster) = (Sandbox::new("stopping").await, Cluster::new("stopping").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let gate = Gate::new();
    proxy.add(Rule::of("logs", "CreateLogGroup", ProxyFault::HoldBefore(gate.clone())).times(1));
    let start = Start { endpoint: proxy.endpoint(), ..Start::new("stopping-1", &cluster, &sandbox) };
    let mut operator = Process::start(&start).await;
    cluster.create("m", sandbox.spec()).await;
    let held = gate.arrived(DEADLINE).await.unwrap_or_else(|error| panic!("{error}:\n{}", operator.text()));
    cluster.wait("m", "all others to be through", only_the_log_group_is_under_way).await;
    let before = after(&proxy.calls(), &held).len();

    operator.signal(Signal::TERM);
    operator.logged("stopping").await;
    gate.open();
    assert_eq!(operator.ended().await.code(), Some(0));
    // Its retention belongs to the step.
    assert_eq!(after(&proxy.calls(), &held)[before..], ["logs.PutRetentionPolicy"], "{}", operator.text());
    let stopped = cluster.monitors.get("m").await.unwrap();
    assert_eq!(reason(&stopped, "Ready").as_deref(), Some("Progressing"), "{stopped:#?}");
    assert!(is(&stopped, "LogGroupReady", "True"), "its answer was heard: {stopped:#?}");
    assert!(cluster.events().await.iter().all(|(reason, _)| reason == "Created"), "nothing went wrong");

    let _operator = Process::start(&Start { name: "stopping-2", ..start }).await;
    cluster.wait_ready("m").await;
    let created = proxy.calls().into_iter().filter(|call| call.operation == "CreateLogGroup").count();
    assert_eq!(created, 2, "the monitor's and the detector's, each once");
}

#[tokio::test]
async fn a_call_that_is_never_answered_is_abandoned_and_the_next_start_finds_out() {
    let (sandbox, cluster) = (Sandbox::new("stopping::stuck").await, Cluster::new("stopping-stuck").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let gate = Gate::new();
    proxy.add(Rule::of("iam", "CreateRole", ProxyFault::HoldAfter(gate.clone())).times(1));
    let arguments = ["--leader-elect", "--leader-elect-namespace", "stopping-stuck", "--leader-elect-name", LEASE];
    let start = Start {
        endpoint: proxy.endpoint(),
        arguments: &arguments,
        ..Start::new("stopping-stuck-1", &cluster, &sandbox)
    };
    let mut operator = Process::start(&start).await;
    let uid = cluster.create("m", sandbox.spec()).await.uid();
    gate.arrived(DEADLINE).await.unwrap_or_else(|error| panic!("{error}:\n{}", operator.text()));
    operator.signal(Signal::TERM);
    assert_eq!(operator.ended().await.code(), Some(0));
    operator.logged("did not finish in time").await;
    assert!(!operator.text().contains("released the lease"), "what was abandoned may still take effect");
    gate.drop_calls();

    let _operator = Process::start(&Start { name: "stopping-stuck-2", arguments: &[], ..start }).await;
    assert_eq!(cluster.wait_ready("m").await.uid(), uid);
}
