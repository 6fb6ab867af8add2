//! An operator that is started with another cluster name: it must not build a monitor a second time and forget the first.

use serde_json::json;
use vpc_flow_operator::api::conditions::READY;

use testkit::cluster::{Cluster, Operator, message, reason};
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn a_monitor_of_another_cluster_name_is_left_alone_and_waits_for_the_right_one() {
    let (sandbox, cluster) = (Sandbox::new("cluster-name").await, Cluster::new("cluster-name").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    operator.stop().await;

    let before = sandbox.latest_call().await;
    let operator =
        Operator::start_with(&cluster, &sandbox, |options| options.settings.cluster_name = "renamed".to_owned());
    let refused = cluster.wait("m", "refused", |monitor| reason(monitor, READY).as_deref() == Some("Conflict")).await;
    let reported = message(&refused, READY);
    assert!(reported.contains("start the operator with --cluster-name test, or delete"), "{reported}");
    assert_eq!(refused.status.unwrap().owner.as_deref(), Some("test/cluster-name/m"));

    cluster.change("m", json!({"tags": {"team": "a"}})).await;
    cluster.delete("m").await;
    let waits = cluster.wait("m", "refused while it is deleted", |monitor| {
        monitor.metadata.deletion_timestamp.is_some()
            && monitor.status.as_ref().and_then(|status| status.observed_generation) == monitor.metadata.generation
    });
    assert_eq!(reason(&waits.await, READY).as_deref(), Some("Conflict"));
    assert_eq!(sandbox.writes_since(before).await, []);
    operator.stop().await;

    let operator = Operator::start(&cluster, &sandbox);
    cluster.wait_gone("m").await;
    let left = sandbox.inventory().await;
    assert_eq!(left["topics"], json!({}), "the right operator removes everything");
    operator.stop().await;
}
