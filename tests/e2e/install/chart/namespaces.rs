//! One operator that watches several namespaces, and nothing else.

use devenv::wait_for;
use kube::api::DeleteParams;
use serde_json::json;

use crate::process::DEADLINE;
use testkit::cluster::{Cluster, Operator, is};
use testkit::rights;
use testkit::sandbox::Sandbox;

/// An operator for the namespaces of two clusters, installed in the first.
async fn start(clusters: [&Cluster; 2], sandbox: &Sandbox) -> Operator {
    let [release, _] = clusters;
    let namespaces = clusters.map(|cluster| &*cluster.namespace);
    rights::install_release(&release.client, &release.namespace, &namespaces).await;
    let namespaces = namespaces.map(str::to_owned).into();
    Operator::start_with(release, sandbox, |options| options.watch_namespaces = namespaces)
}

#[tokio::test]
async fn monitors_of_all_watched_namespaces_are_looked_after_and_no_others() {
    let sandbox = Sandbox::new("chart::namespaces").await;
    let (a, b) = (Cluster::new("chart-namespaces-a").await, Cluster::new("chart-namespaces-b").await);
    let other = Cluster::new("chart-namespaces-other").await;
    other.create("m", sandbox.spec()).await;
    a.create("m", sandbox.spec()).await;
    let mut operator = start([&a, &b], &sandbox).await;
    tokio::time::timeout(DEADLINE, operator.all_known.wait_for(|known| *known)).await.unwrap().unwrap();
    b.create("m", sandbox.spec()).await;
    a.wait_ready("m").await;
    b.wait_ready("m").await;

    a.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    a.wait_gone("m").await;
    b.change("m", json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    b.wait_ready("m").await;
    // It could have been seen ever since.
    let unseen = other.monitors.get("m").await.unwrap().status.unwrap();
    assert_eq!((unseen.observed_generation, unseen.owner), (Some(-1), None), "what the schema gives it");
    operator.stop().await;
}

#[tokio::test]
async fn it_stops_at_once_when_only_one_namespace_can_be_listed() {
    let sandbox = Sandbox::new("chart::unlisted").await;
    let (a, b) = (Cluster::new("chart-unlisted-a").await, Cluster::new("chart-unlisted-b").await);
    // The rights of one namespace only.
    let namespaces = [&a, &b].map(|cluster| cluster.namespace.clone()).into();
    let operator = Operator::start_with(&a, &sandbox, |options| options.watch_namespaces = namespaces);
    a.create("m", sandbox.spec()).await;
    wait_for("the monitor that can be seen", DEADLINE, async || {
        Ok(is(&a.monitors.get("m").await?, "Ready", "True").then_some(()))
    })
    .await
    .unwrap();
    assert!(!*operator.all_known.borrow());
    tokio::time::timeout(DEADLINE, operator.stop()).await.unwrap();
}
