//! The API server and etcd start anew, and the watch is too old to be resumed.

use kube::api::DeleteParams;
use serde_json::json;

use super::own::control_plane;
use crate::link::Link;
use crate::process::{Process, Start};
use testkit::cluster::Cluster;
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn the_operator_outlives_kubernetes() {
    let (control_plane, client) = control_plane("years-restart").await;
    let sandbox = Sandbox::new("years::restart").await;
    let cluster = Cluster::at(client, "years-restart").await;
    let link = Link::to(control_plane.kubeconfig(), "years-restart").await;
    let operator = Process::start(&Start {
        kubeconfig: Some(&link.kubeconfig),
        ..Start::new("years-restart", &cluster, &sandbox)
    })
    .await;
    cluster.create("a", sandbox.spec()).await;
    cluster.create("gone", sandbox.spec()).await;
    cluster.wait_ready("a").await;
    cluster.wait_ready("gone").await;

    // The operator misses the changes made meanwhile, and the restarted API server does not send them: its watch cache has only later ones.
    link.cut();
    operator.logged("cannot watch monitors").await;
    cluster.change("a", json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    cluster.monitors.delete("gone", &DeleteParams::default()).await.unwrap();
    cluster.create("b", sandbox.spec()).await;
    let _control_plane = control_plane.restart().await.unwrap();
    assert_eq!(operator.get("/healthz").await.0, 200, "a new start would mend nothing");
    link.mend();

    operator.logged("monitors are watched again").await;
    cluster.wait_ready("a").await;
    cluster.wait_ready("b").await;
    cluster.wait_gone("gone").await;
    let expired = |line: &serde_json::Value| line.to_string().contains("too old resource version");
    operator.line("the watch to have expired", expired).await;
    // And it watches on.
    cluster.change("a", json!({"cloudWatchLogs": {"retentionDays": 30}})).await;
    cluster.wait_ready("a").await;
    let (_, metrics) = operator.get("/metrics").await;
    assert!(
        metrics.contains(r#"vpc_flow_operator_monitors{condition="Ready",status="True",reason="Reconciled"} 2"#),
        "{metrics}"
    );
}
