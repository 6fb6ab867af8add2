use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use kube::Config;
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::leader::{Elector, Fence, Terms, identity};

use super::values::duration;

/// The file in which Kubernetes gives a pod its own namespace.
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

    /// Name of the lease. Replicas that share it stand in for each other.
    /// [default: vpc-flow-operator, with --watch-namespace vpc-flow-operator-NAMESPACE]
    #[arg(long, env = "LEADER_ELECT_NAME")]
    leader_elect_name: Option<String>,

    /// Time without a renewal after which another replica may take over; whole seconds.
    #[arg(long, env = "LEADER_ELECT_LEASE_DURATION", default_value = "15s", value_parser = duration)]
    leader_elect_lease_duration: Duration,

    /// Time after which a leader that cannot renew its lease gives up.
    #[arg(long, env = "LEADER_ELECT_RENEW_DEADLINE", default_value = "10s", value_parser = duration)]
    leader_elect_renew_deadline: Duration,

    /// Time between two attempts to take or to renew the lease.
    #[arg(long, env = "LEADER_ELECT_RETRY_PERIOD", default_value = "2s", value_parser = duration)]
    leader_elect_retry_period: Duration,
}

impl LeaderElect {
    /// The fence, which decides if this process may change anything.
    pub fn fence(&self) -> Fence {
        if self.leader_elect { Fence::shut_until_elected() } else { Fence::always_open() }
    }

    /// The candidate, if there is an election.
    pub fn elector(
        &self,
        config: &Config,
        watch_namespaces: &BTreeSet<String>,
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
        let client = kubernetes::client(config)?;
        let name = match &self.leader_elect_name {
            Some(name) => name.clone(),
            None => lease_name(watch_namespaces)?,
        };
        Ok(Some(Elector::new(client, &namespace, &name, identity(), terms, fence.clone())))
    }
}

fn own_namespace(file: &Path) -> anyhow::Result<String> {
    let namespace = std::fs::read_to_string(file)
        .context("not running in a pod, so the namespace of the lease is unknown; set --leader-elect-namespace")?;
    Ok(namespace.trim().to_owned())
}

/// The longest name that Kubernetes accepts.
const NAME_CHARS: usize = 253;

/// The default name of the lease. Operators that watch different namespaces do not stand in for each other.
fn lease_name(watch_namespaces: &BTreeSet<String>) -> anyhow::Result<String> {
    if watch_namespaces.is_empty() {
        return Ok("vpc-flow-operator".to_owned());
    }
    // No namespace has a dot in its name.
    let namespaces = watch_namespaces.iter().map(String::as_str).collect::<Vec<_>>().join(".");
    let name = format!("vpc-flow-operator-{namespaces}");
    ensure!(
        name.len() <= NAME_CHARS,
        "the default lease name for this many namespaces is too long for Kubernetes; set --leader-elect-name"
    );
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(namespaces: &[&str]) -> Option<String> {
        lease_name(&namespaces.iter().map(|&namespace| namespace.to_owned()).collect()).ok()
    }

    #[test]
    fn what_watches_the_same_namespaces_has_the_same_lease() {
        assert_eq!(named(&[]).as_deref(), Some("vpc-flow-operator"));
        assert_eq!(named(&["a"]).as_deref(), Some("vpc-flow-operator-a"));
        assert_eq!(named(&["b", "a", "b"]).as_deref(), Some("vpc-flow-operator-a.b"));
        let many: Vec<String> = (0..100).map(|number| format!("team-{number}")).collect();
        assert_eq!(named(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
    }
}
