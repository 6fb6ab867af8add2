//! The metrics that Prometheus reads.

use kube::api::DeleteParams;

use crate::process::{DEADLINE, Process, Start};
use testkit::cluster::Cluster;
use testkit::sandbox::Sandbox;

/// The value of a series, which is given with its labels as in the output.
fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test]
async fn metrics_follow_the_monitors() {
    let (sandbox, cluster) = (Sandbox::new("years::metrics").await, Cluster::new("years-metrics").await);
    let operator = Process::start(&Start::new("years-metrics", &cluster, &sandbox)).await;
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    // The pass ends after it has written the status.
    let metrics = devenv::wait_for("the end of the pass", DEADLINE, async || {
        let (_, metrics) = operator.get("/metrics").await;
        let ended = value(&metrics, r#"vpc_flow_operator_reconcile_total{result="success"}"#).is_some();
        Ok((ended && metrics.contains("vpc_flow_operator_active_workers 0\n")).then_some(metrics))
    })
    .await
    .unwrap();
    let is = |series: &str| value(&metrics, series).unwrap_or_else(|| panic!("no {series}:\n{metrics}"));
    // All of these are whole numbers.
    let prefixed = |series: &str| format!("{}", is(&format!("vpc_flow_operator_{series}"))).parse::<u64>().unwrap();
    assert!(prefixed(r#"reconcile_total{result="success"}"#) >= 1);
    assert!(prefixed("reconcile_duration_seconds_count") >= 1);
    assert_eq!(prefixed("reconcile_errors_total"), 0);
    assert_eq!(prefixed(r#"aws_requests_total{service="EC2",operation="CreateFlowLogs",outcome="success"}"#), 2);
    assert!(prefixed(r#"aws_request_duration_seconds_count{service="EC2"}"#) >= 2);
    assert_eq!(prefixed(r#"changes_total{action="Created",kind="flow log"}"#), 2);
    assert_eq!(prefixed(r#"monitors{condition="Ready",status="True",reason="Reconciled"}"#), 1);
    assert_eq!(prefixed(r#"alarms_firing{monitor_namespace="years-metrics",monitor="m"}"#), 0);
    assert_eq!(prefixed("leader"), 1);
    assert_eq!((prefixed("active_workers"), prefixed("queue_depth")), (0, 0));
    assert_eq!(prefixed(&format!(r#"build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION"))), 1);
    assert!(is("process_resident_memory_bytes") > 1e6);
    assert!(is("process_cpu_seconds_total") > 0.0);
    assert!(is("process_start_time_seconds") > 1e9);

    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    devenv::wait_for("the monitor's metrics to go", DEADLINE, async || {
        let (_, metrics) = operator.get("/metrics").await;
        let gone = !metrics.contains("vpc_flow_operator_monitors{") && !metrics.contains(r#"monitor="m""#);
        Ok(gone.then_some(()))
    })
    .await
    .unwrap();
}
