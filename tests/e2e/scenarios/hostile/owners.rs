//! Monitors whose names look alike.

use std::collections::BTreeSet;

use vpc_flow_operator::api::spec::DeletionPolicy;

use super::{Stage, is_empty};
use testkit::cluster::{Cluster, Operator};

/// ARNs and ids of all that a monitor has.
async fn resources(cluster: &Cluster, name: &str) -> BTreeSet<String> {
    let status = cluster.wait_ready(name).await.status.unwrap();
    let resources: BTreeSet<_> = status.resources.into_iter().filter_map(|resource| resource.arn).collect();
    assert!(resources.len() > 20, "{resources:?}");
    resources
}

#[tokio::test]
async fn look_alikes_share_nothing_and_go_alone() {
    let stage = Stage::new("hostile-like").await;
    let (near, sandbox) = (Cluster::new("hostile-like-a").await, &stage.sandbox);
    let operator = Operator::start(&near, sandbox);
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    // hostile-like-a/b and hostile-like/a-b, and one with a dot.
    near.create("b", spec.clone()).await;
    let alone = {
        near.wait_ready("b").await;
        stage.inventory().await
    };
    stage.cluster.create("a-b", spec.clone()).await;
    stage.cluster.create("a.b", spec).await;
    let sets =
        [resources(&near, "b").await, resources(&stage.cluster, "a-b").await, resources(&stage.cluster, "a.b").await];
    for (index, left) in sets.iter().enumerate() {
        for right in &sets[index + 1..] {
            assert_eq!(left.intersection(right).collect::<Vec<_>>(), Vec::<&String>::new());
        }
    }
    stage.delete("a-b").await;
    stage.delete("a.b").await;
    assert_eq!(stage.inventory().await, alone);
    near.monitors.delete("b", &kube::api::DeleteParams::default()).await.unwrap();
    near.wait_gone("b").await;
    assert!(is_empty(&stage.inventory().await));
    operator.stop().await;
    stage.operator.stop().await;
}
