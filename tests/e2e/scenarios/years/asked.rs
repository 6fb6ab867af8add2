//! A person's request takes effect at once: a pass, or the end of all changes.

use devenv::{FaultProxy, Gate, ProxyFault, Rule};
use kube::api::DeleteParams;
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;

use crate::process::{DEADLINE, Process, Start};
use crate::scenarios::lifecycle::denied;
use crate::scenarios::stopping::only_the_log_group_is_under_way;
use testkit::cluster::{Cluster, Operator, is, message, reason};
use testkit::sandbox::Sandbox;

/// The next pass would come in ten minutes, or minutes later than a test waits.
#[tokio::test]
async fn a_pass_that_is_asked_for_comes_now_and_is_acknowledged() {
    let (sandbox, cluster) = (Sandbox::new("asked::now").await, Cluster::new("asked-now").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let operator = Operator::start_at(&cluster, &sandbox.config_at(proxy.endpoint()), |options| {
        options.backoff.first = options.resync;
        options.backoff.longest = options.resync;
    });

    // Stalled.
    sandbox.emulator.add_fault(denied(&sandbox, "iam", "CreateRole")).await.unwrap();
    cluster.create("m", sandbox.spec()).await;
    cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    cluster.reconcile_now("m", "while stalled").await;
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "mended").await;
    cluster.wait_ready("m").await;

    // Backing off, and the pass fails again.
    proxy.add(Rule::of("ec2", "DescribeFlowLogs", ProxyFault::ServerError));
    let failing = cluster.reconcile_now("m", "to fail").await;
    assert!(is(&failing, "FlowLogsReady", "False"), "{failing:#?}");
    cluster.reconcile_now("m", "while backing off").await;
    proxy.clear();
    assert!(is(&cluster.reconcile_now("m", "mended again").await, "Ready", "True"));

    // Suspended.
    cluster.change("m", json!({"suspend": true})).await;
    cluster.wait("m", "Suspended", |monitor| reason(monitor, "Ready").as_deref() == Some("Suspended")).await;
    let before = proxy.calls().len();
    cluster.reconcile_now("m", "while suspended").await;
    let calls = proxy.calls().split_off(before);
    assert!(!calls.is_empty() && calls.iter().all(|call| !call.mutating), "{calls:#?}");
    operator.stop().await;
}

#[tokio::test]
async fn a_request_is_acknowledged_though_the_account_cannot_be_reached() {
    let (sandbox, cluster) = (Sandbox::new("asked::nowhere").await, Cluster::new("asked-nowhere").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    proxy.add(Rule::of("sts", "GetCallerIdentity", ProxyFault::AccessDenied));
    let operator = Operator::start_at(&cluster, &sandbox.config_at(proxy.endpoint()), |_| ());
    cluster.create("m", sandbox.spec()).await;
    let reported = cluster.reconcile_now("m", "1").await;
    assert_eq!(reason(&reported, "Ready").as_deref(), Some("AccessDenied"), "{reported:#?}");
    cluster.wait_events("AccessDenied", 1).await;
    operator.stop().await;
}

/// Calls off a pass in the middle of its work, and checks that no further step begins.
async fn called_off(test: &str, call_off: impl AsyncFnOnce(&Cluster), is_over: impl Fn(&VpcFlowMonitor) -> bool) {
    let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new(test).await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let gate = Gate::new();
    proxy.add(Rule::of("logs", "CreateLogGroup", ProxyFault::HoldBefore(gate.clone())));
    let operator = Process::start(&Start { endpoint: proxy.endpoint(), ..Start::new(test, &cluster, &sandbox) }).await;
    cluster.create("m", sandbox.spec()).await;
    gate.arrived(DEADLINE).await.unwrap();
    cluster.wait("m", "all others to be through", only_the_log_group_is_under_way).await;
    let before = proxy.calls().len();
    call_off(&cluster).await;
    let generation = cluster.monitors.get("m").await.unwrap().metadata.generation.unwrap();
    let seen = |line: &Value| line["fields"]["generation"] == json!(generation);
    operator.line(&format!("generation {generation}"), seen).await;
    gate.open();
    cluster.wait("m", "the end of the pass", is_over).await;
    let calls = proxy.calls().split_off(before);
    let begun: Vec<_> = calls.iter().filter(|call| call.mutating).map(|call| call.operation.as_str()).collect();
    assert_eq!(begun, ["PutRetentionPolicy"], "it belongs to the step that was under way: {}", operator.text());
}

#[tokio::test]
async fn suspend_stops_a_pass_that_is_under_way() {
    let suspend = async |cluster: &Cluster| _ = cluster.change("m", json!({"suspend": true})).await;
    let suspended = |monitor: &VpcFlowMonitor| reason(monitor, "Ready").as_deref() == Some("Suspended");
    called_off("asked-suspend", suspend, suspended).await;
}

#[tokio::test]
async fn deletion_stops_a_pass_that_still_builds() {
    let delete = async |cluster: &Cluster| {
        // Suspended as well, so that no removal follows: the test is about the pass that builds.
        cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
        cluster.change("m", json!({"suspend": true})).await;
    };
    let waits = |monitor: &VpcFlowMonitor| message(monitor, "Ready").contains("deletion waits");
    called_off("asked-delete", delete, waits).await;
}
