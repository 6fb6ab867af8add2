//! Two replicas: one works, the other takes over, never both. Each has a proxy of its own in front of AWS, which sees what it sends.

mod pair;

use std::time::Duration;

use devenv::FaultProxy;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::api::{ListParams, ObjectMeta, PostParams};
use kube::{Api, ResourceExt};
use rustix::process::Signal;
use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::aws::ClientPool;
use vpc_flow_operator::controller::{self, Health, aws_gate};
use vpc_flow_operator::engine::{Direction, Outcome};
use vpc_flow_operator::leader::{Elector, Fence, Terms};
use vpc_flow_operator::metrics::Metrics;

use crate::process::{Process, Start};
use pair::{LEASE_DURATION, Pair};
use testkit::cluster::{Cluster, is};
use testkit::sandbox::{Sandbox, all_components, pass};

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
    pair.standby.process.logged("became leader").await;
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

    pair.standby.process.logged("became leader").await;
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
    // The flow logs come last, and no other system changes anything at the same time: such a call could be on its way past the fence.
    let mut spec = pair.sandbox.spec();
    spec.detector.enabled = false;
    spec.analytics.enabled = false;
    spec.dashboard.enabled = false;
    spec.detections.rejected_connections.enabled = false;
    spec.detections.high_data_transfer.enabled = false;
    spec.detections.external_connections.enabled = false;
    let gate = pair.hold_after("ec2", "CreateFlowLogs");
    let monitor = pair.cluster.create("m", spec).await;
    pair.arrived(&gate).await;
    pair.leader.process.signal(Signal::STOP);
    pair.standby.process.logged("became leader").await;
    let before = pair.leader.mutating().len();
    let ready = pair.cluster.wait_ready("m").await;
    // The stopped process gets its answer now, and would go on with its work.
    gate.open();
    pair.leader.process.signal(Signal::CONT);
    assert!(!pair.leader.process.ended().await.success());
    pair.leader.process.logged("lost the lease").await;
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
    let lost = pair.leader.process.logged("lost the lease").await;
    assert!(lost["fields"]["reason"].as_str().unwrap().contains("could not be renewed"), "{lost}");
    gate.drop_calls();

    pair.standby.process.logged("became leader").await;
    pair.cluster.wait_ready("m").await;
    pair.assert_never_both();
}

/// The process of a former leader ends at once; until then, the fence keeps it from changing anything.
#[tokio::test]
async fn behind_a_shut_fence_nothing_is_changed() {
    let (sandbox, _cluster) = (Sandbox::new("leader-fence").await, Cluster::new("leader-fence").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let fence = Fence::shut_until_elected();

    let gate = aws_gate(Metrics::default(), fence.clone(), Health::default());
    let aws = ClientPool::new(&sandbox.config_at(proxy.endpoint()), gate).get(None, None).await.unwrap();
    let monitor = sandbox.monitor(sandbox.spec());
    let outcomes = pass(&aws, &monitor, &all_components(), Direction::Build).await;
    let refused =
        |outcome: &Outcome| outcome.failures.iter().any(|(_, failure)| failure.message.contains("is not the leader"));
    assert!(outcomes.iter().any(refused), "{outcomes:#?}");
    let calls = proxy.calls();
    assert!(calls.len() > 10 && calls.iter().all(|call| !call.mutating), "{calls:#?}");

    let config = kube::Config::infer().await.unwrap();
    let client = controller::clients(&config, fence, Health::default()).unwrap().work;
    let monitors: Api<VpcFlowMonitor> = Api::namespaced(client, "leader-fence");
    let created = monitors.create(&PostParams::default(), &VpcFlowMonitor::new("m", sandbox.spec())).await;
    assert!(created.unwrap_err().to_string().contains("is not the leader"));
    assert_eq!(monitors.list(&ListParams::default()).await.unwrap().items.len(), 0);
}

/// As one that is stopped before it hears that it leads.
#[tokio::test]
async fn a_lease_that_a_replica_does_not_know_to_be_its_own_is_released_too() {
    let cluster = Cluster::new("leader-unheard").await;
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    for holder in ["me", "other"] {
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(15),
            ..LeaseSpec::default()
        };
        let metadata = ObjectMeta { name: Some(holder.to_owned()), ..ObjectMeta::default() };
        leases.create(&PostParams::default(), &Lease { metadata, spec: Some(spec) }).await.unwrap();
        let terms = Terms::new(Duration::from_secs(15), Duration::from_secs(10), Duration::from_secs(2)).unwrap();
        let fence = Fence::shut_until_elected();
        let client = cluster.client.clone();
        Elector::new(client, &cluster.namespace, holder, "me".to_owned(), terms, fence).release().await;
    }
    let holder = async |name| leases.get(name).await.unwrap().spec.unwrap().holder_identity;
    assert_eq!(holder("me").await, None);
    assert_eq!(holder("other").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn without_a_namespace_for_the_lease_it_says_what_to_set() {
    let (sandbox, cluster) = (Sandbox::new("leader-nowhere").await, Cluster::new("leader-nowhere").await);
    let mut operator =
        Process::start(&Start { arguments: &["--leader-elect"], ..Start::new("leader-nowhere", &cluster, &sandbox) })
            .await;
    assert_eq!(operator.ended().await.code(), Some(1));
    assert!(operator.text().contains("set --leader-elect-namespace"), "{}", operator.text());
}

#[tokio::test]
async fn a_short_outage_of_kubernetes_costs_no_leadership() {
    let pair = Pair::new("leader-outage").await;
    pair.leader.link.cut();
    pair.leader.process.logged("cannot read or write the lease").await;
    pair.leader.link.mend();
    let before = pair.lease().await;
    pair.lease_after(&before).await;
    pair.cluster.create("m", pair.sandbox.spec()).await;
    let ready = pair.cluster.wait_ready("m").await;
    assert!(is(&ready, "Ready", "True"));
    assert_eq!(pair.standby.proxy.calls(), []);
    assert!(pair.lease().await.holder_identity.unwrap().starts_with("leader-outage-a"));
}
