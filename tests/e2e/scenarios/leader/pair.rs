//! Two replicas and what stands around them.

use std::time::Duration;

use devenv::{FaultProxy, Gate, ProxiedCall, ProxyFault, Rule, wait_for};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;

use crate::link::Link;
use crate::process::{DEADLINE, Process, Start};
use testkit::cluster::Cluster;
use testkit::rights::LEASE;
use testkit::sandbox::Sandbox;

/// Long enough for a busy machine, short enough to be waited for.
pub const LEASE_DURATION: Duration = Duration::from_secs(9);
const TERMS: [&str; 6] =
    ["--leader-elect-lease-duration", "9s", "--leader-elect-renew-deadline", "6s", "--leader-elect-retry-period", "1s"];

pub struct Replica {
    pub process: Process,
    pub proxy: FaultProxy,
    pub link: Link,
}

/// A leader, and a standby that follows it.
pub struct Pair {
    pub sandbox: Sandbox,
    pub cluster: Cluster,
    pub leader: Replica,
    pub standby: Replica,
}

impl Pair {
    /// `test` is unlike that of any other test.
    pub async fn new(test: &str) -> Self {
        let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new(test).await);
        let leader = Replica::start(&format!("{test}-a"), &sandbox, &cluster).await;
        leader.process.logged("became leader").await;
        let standby = Replica::start(&format!("{test}-b"), &sandbox, &cluster).await;
        let follows = standby.process.logged("another replica is the leader").await;
        assert!(follows["fields"]["leader"].as_str().unwrap().starts_with(&format!("{test}-a")), "{follows}");
        Self { sandbox, cluster, leader, standby }
    }

    /// Holds the leader's first call of an operation once it has taken effect.
    pub fn hold_after(&self, service: &str, operation: &str) -> Gate {
        let gate = Gate::new();
        self.leader.proxy.add(Rule::of(service, operation, ProxyFault::HoldAfter(gate.clone())).times(1));
        gate
    }

    pub async fn arrived(&self, gate: &Gate) -> ProxiedCall {
        let arrived = gate.arrived(DEADLINE).await;
        arrived.unwrap_or_else(|error| panic!("{error}:\n{}", self.leader.process.text()))
    }

    pub async fn lease(&self) -> LeaseSpec {
        let leases: Api<Lease> = Api::namespaced(self.cluster.client.clone(), &self.cluster.namespace);
        leases.get(LEASE).await.unwrap().spec.unwrap()
    }

    /// Waits until the lease is renewed or taken.
    pub async fn lease_after(&self, before: &LeaseSpec) -> LeaseSpec {
        let renewed = wait_for("the lease to be renewed", DEADLINE, async || {
            let lease = self.lease().await;
            Ok((lease.renew_time != before.renew_time).then_some(lease))
        });
        renewed.await.unwrap()
    }

    /// Everything the former leader changed came before anything the other one did.
    pub fn assert_never_both(&self) {
        let (former, other) = (self.leader.mutating(), self.standby.mutating());
        let late: Vec<_> = former.iter().filter(|call| other.iter().any(|after| after.at < call.at)).collect();
        assert!(late.is_empty(), "both changed AWS: {late:#?}");
    }
}

impl Replica {
    async fn start(name: &str, sandbox: &Sandbox, cluster: &Cluster) -> Self {
        let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
        let link = Link::start(name).await;
        let mut arguments =
            vec!["--leader-elect", "--leader-elect-namespace", &cluster.namespace, "--leader-elect-name", LEASE];
        arguments.extend(TERMS);
        let process = Process::start(&Start {
            endpoint: proxy.endpoint(),
            kubeconfig: Some(&link.kubeconfig),
            arguments: &arguments,
            ..Start::new(name, cluster, sandbox)
        })
        .await;
        Self { process, proxy, link }
    }

    /// The calls of this replica that can change AWS.
    pub fn mutating(&self) -> Vec<ProxiedCall> {
        self.proxy.calls().into_iter().filter(|call| call.mutating).collect()
    }
}
