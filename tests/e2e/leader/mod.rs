//! Two replicas: one works, the other takes over, never both. Each has a proxy of its own in front of AWS, which sees what it sends.

mod pair;

use kube::ResourceExt;
use rustix::process::Signal;
use serde_json::json;

use crate::cluster::is;
use pair::{LEASE_DURATION, Pair};

#[tokio::test]
async fn the_other_replica_takes_over_at_once_when_the_leader_stops() {
    let mut pair = Pair::new("leader-stop").await;
    pair.cluster.create("m", pair.sandbox.spec()).await;
    pair.cluster.wait_ready("m").await;
    assert_eq!(pair.standby.proxy.calls(), [], "a standby sends nothing");
    for replica in [&pair.leader, &pair.standby] {
        assert_eq!(replica.process.get("/readyz").await.0, 200);
        assert_eq!(replica.process.get("/healthz").await.0, 200);
    }
    let before = pair.lease().await;

    pair.leader.process.signal(Signal::TERM);
    assert_eq!(pair.leader.process.ended().await.code(), Some(0));
    pair.leader.process.logged("released the lease").await;
    pair.standby.process.logged("leads").await;
    let after = pair.lease().await;
    assert_eq!(after.lease_transitions, before.lease_transitions.map(|count| count + 1));

    pair.cluster.change("m", json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    pair.cluster.wait_ready("m").await;
    assert!(!pair.standby.mutating().is_empty());
    pair.assert_never_both();
}

#[tokio::test]
async fn the_other_replica_takes_over_when_the_leader_has_crashed() {
    let mut pair = Pair::new("leader-crash").await;
    let gate = pair.hold_after("iam", "CreateRole");
    pair.cluster.create("m", pair.sandbox.spec()).await;
    pair.arrived(&gate).await;
    pair.leader.process.signal(Signal::KILL);
    pair.leader.process.ended().await;
    let left = pair.lease().await;
    gate.drop_calls();

    pair.standby.process.logged("leads").await;
    let taken = pair.lease().await;
    let (left, taken) = (left.renew_time.unwrap().0, taken.acquire_time.unwrap().0);
    let waited = taken.duration_since(left).unsigned_abs();
    assert!(waited >= LEASE_DURATION, "the lease was taken {waited:?} after its last renewal");
    pair.cluster.wait_ready("m").await;
    pair.assert_never_both();
}

#[tokio::test]
async fn a_leader_that_wakes_from_a_standstill_changes_nothing() {
    let mut pair = Pair::new("leader-frozen").await;
    let gate = pair.hold_after("iam", "CreateRole");
    let monitor = pair.cluster.create("m", pair.sandbox.spec()).await;
    pair.arrived(&gate).await;
    pair.leader.process.signal(Signal::STOP);
    pair.standby.process.logged("leads").await;
    let before = pair.leader.mutating().len();
    let ready = pair.cluster.wait_ready("m").await;
    // The answer waits for it, and with it everything that it would have done next.
    gate.open();
    pair.leader.process.signal(Signal::CONT);
    assert!(!pair.leader.process.ended().await.success());
    pair.leader.process.logged("leads no longer").await;
    assert_eq!(pair.leader.mutating().len(), before, "{:#?}", pair.leader.mutating());
    pair.assert_never_both();
    let now = pair.cluster.monitors.get("m").await.unwrap();
    assert_eq!(now.resource_version(), ready.resource_version(), "nor does it write to Kubernetes");
    assert_eq!(now.uid(), monitor.uid());
}

#[tokio::test]
async fn a_leader_that_is_cut_off_from_kubernetes_gives_up_before_another_begins() {
    let mut pair = Pair::new("leader-cut").await;
    let gate = pair.hold_after("iam", "CreateRole");
    pair.cluster.create("m", pair.sandbox.spec()).await;
    pair.arrived(&gate).await;
    pair.leader.link.cut();
    assert!(!pair.leader.process.ended().await.success());
    let lost = pair.leader.process.logged("leads no longer").await;
    assert!(lost["fields"]["reason"].as_str().unwrap().contains("could not be renewed"), "{lost}");
    gate.drop_calls();

    pair.standby.process.logged("leads").await;
    pair.cluster.wait_ready("m").await;
    pair.assert_never_both();
}

#[tokio::test]
async fn a_short_outage_of_kubernetes_costs_no_leadership() {
    let pair = Pair::new("leader-outage").await;
    pair.leader.link.cut();
    pair.leader.process.logged("could not be read or written").await;
    pair.leader.link.mend();
    let before = pair.lease().await;
    pair.lease_after(&before).await;
    pair.cluster.create("m", pair.sandbox.spec()).await;
    let ready = pair.cluster.wait_ready("m").await;
    assert!(is(&ready, "Ready", "True"));
    assert_eq!(pair.standby.proxy.calls(), []);
    assert!(pair.lease().await.holder_identity.unwrap().starts_with("leader-outage-a"));
}
