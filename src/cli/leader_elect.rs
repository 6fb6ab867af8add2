use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use kube::{Client, Config};
use vpc_flow_operator::leader::{Elector, Fence, Terms, identity};

use super::run::duration;

/// Where Kubernetes tells a pod its own namespace.
const OWN_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Settings of leader election.
#[derive(Debug, Args)]
pub struct LeaderElect {
    /// Work only while holding a lease, so that several replicas can run and one works.
    #[arg(long, env = "LEADER_ELECT")]
    leader_elect: bool,

    /// Namespace of the lease. [default: the pod's own]
    #[arg(long, env = "LEADER_ELECT_NAMESPACE")]
    leader_elect_namespace: Option<String>,

    /// How long after its last sign of life a leader is taken for dead; whole seconds.
    #[arg(long, env = "LEADER_ELECT_LEASE_DURATION", default_value = "15s", value_parser = duration)]
    leader_elect_lease_duration: Duration,

    /// How long a leader that cannot renew its lease goes on before it gives up.
    #[arg(long, env = "LEADER_ELECT_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    leader_elect_renew_deadline: Duration,

    /// How often the lease is renewed, or tried for.
    #[arg(long, env = "LEADER_ELECT_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    leader_elect_retry_period: Duration,
}

impl LeaderElect {
    /// What decides whether this process may change anything.
    pub fn fence(&self) -> Fence {
        if self.leader_elect { Fence::shut_until_elected() } else { Fence::always_open() }
    }

    /// The candidate, if there is an election.
    pub fn elector(
        &self,
        config: &Config,
        watch_namespace: Option<&str>,
        fence: &Fence,
    ) -> anyhow::Result<Option<Elector>> {
        if !self.leader_elect {
            return Ok(None);
        }
        let terms = Terms::new(
            self.leader_elect_lease_duration,
            self.leader_elect_renew_deadline,
            self.leader_elect_retry_period,
        )?;
        let namespace = match &self.leader_elect_namespace {
            Some(namespace) => namespace.clone(),
            None => own_namespace(Path::new(OWN_NAMESPACE))?,
        };
        // Its own connections: the lease must not wait for what the controller sends.
        let client = Client::try_from(config.clone())?;
        let name = lease_name(watch_namespace);
        Ok(Some(Elector::new(client, &namespace, &name, identity(), terms, fence.clone())))
    }
}

fn own_namespace(file: &Path) -> anyhow::Result<String> {
    let namespace = std::fs::read_to_string(file)
        .context("this process is in no pod, whose namespace would hold the lease; set --leader-elect-namespace")?;
    Ok(namespace.trim().to_owned())
}

/// Operators that watch different namespaces do not stand in for each other.
fn lease_name(watch_namespace: Option<&str>) -> String {
    match watch_namespace {
        Some(namespace) => format!("vpc-flow-operator-{namespace}"),
        None => "vpc-flow-operator".to_owned(),
    }
}
