use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use rand::Rng;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{info, warn};

use super::election::{Election, NextStep};
use super::fence::Fence;
use super::terms::Terms;

/// A candidate for the lease, and then its holder.
#[derive(Debug)]
pub struct Elector {
    leases: Api<Lease>,
    name: String,
    election: Election,
    terms: Terms,
    fence: Fence,
    /// The time until which this replica leads unless it renews the lease.
    deadline: Instant,
    /// True if the stored lease may differ from the one last seen.
    must_read: bool,
}

/// The loss of leadership.
#[derive(Debug, Error)]
pub enum Lost {
    /// The API server could not be reached, or refused, for too long.
    #[error("the lease {lease} could not be renewed for {} s: {problem}", renew_deadline.as_secs())]
    NotRenewed {
        /// The lease.
        lease: String,
        /// Time for which renewal was tried.
        renew_deadline: Duration,
        /// The latest problem.
        problem: String,
    },
    /// Another replica has it, as after a long standstill of this one.
    #[error("the lease {lease} belongs to {holder}")]
    Taken {
        /// The lease.
        lease: String,
        /// The other replica.
        holder: String,
    },
}

/// The identity of this replica. The host's name is for people; the rest differs from that of any former replica of that name.
#[must_use]
pub fn identity() -> String {
    let host = std::env::var("HOSTNAME").ok().filter(|host| !host.is_empty());
    format!("{}_{:016x}", host.as_deref().unwrap_or("vpc-flow-operator"), rand::rng().random::<u64>())
}

impl Elector {
    /// A candidate for lease `name`, which opens `fence` while it leads. The `client` must not be behind that fence.
    #[must_use]
    pub fn new(client: Client, namespace: &str, name: &str, identity: String, terms: Terms, fence: Fence) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            election: Election::new(identity, terms),
            terms,
            fence,
            deadline: Instant::now(),
            must_read: true,
        }
    }

    /// Waits until this replica leads. Calls `following` with every leader that it follows meanwhile.
    pub async fn acquire(&mut self, mut following: impl FnMut(&str)) {
        let mut reported: Option<String> = None;
        let mut failing = false;
        loop {
            match timeout(self.attempt_timeout(), self.attempt()).await {
                Ok(Ok(Attempt::Leads)) => {
                    info!(lease = self.name, "became leader");
                    return;
                }
                Ok(Ok(Attempt::Follows(leader))) => {
                    failing = false;
                    following(&leader);
                    if reported.as_ref() != Some(&leader) {
                        info!(lease = self.name, leader, "another replica is the leader; standing by");
                        reported = Some(leader);
                    }
                }
                Ok(Err(error)) => {
                    self.warn(&mut failing, &error.to_string());
                }
                Err(_) => {
                    self.must_read = true;
                    self.warn(&mut failing, "no answer");
                }
            }
            // Candidates that started together do not ask together.
            sleep(self.terms.retry_period().mul_f64(1.0 + rand::rng().random_range(0.0..0.2))).await;
        }
    }

    /// Renews the lease until that fails for too long, or another replica has it.
    pub async fn keep(&mut self) -> Lost {
        let mut problem = "this process stood still".to_owned();
        let mut failing = false;
        loop {
            sleep(self.terms.retry_period()).await;
            let attempt_ends = self.deadline.min(Instant::now() + self.attempt_timeout());
            // Past the deadline another replica may lead already: too late to renew.
            if Instant::now() < self.deadline {
                match timeout_at(attempt_ends, self.attempt()).await {
                    Ok(Ok(Attempt::Leads)) => failing = false,
                    Ok(Ok(Attempt::Follows(holder))) => {
                        self.fence.shut();
                        return Lost::Taken { lease: self.name.clone(), holder };
                    }
                    Ok(Err(error)) => {
                        problem = error.to_string();
                        self.warn(&mut failing, &problem);
                    }
                    Err(_) => {
                        self.must_read = true;
                        "no answer".clone_into(&mut problem);
                        self.warn(&mut failing, &problem);
                    }
                }
            }
            if Instant::now() >= self.deadline {
                self.fence.shut();
                let renew_deadline = self.terms.renew_deadline();
                return Lost::NotRenewed { lease: self.name.clone(), renew_deadline, problem };
            }
        }
    }

    /// Releases the lease, if it is this replica's, so that another replica can take it at once. No change may be under way.
    pub async fn release(mut self) {
        self.fence.shut();
        match timeout(self.attempt_timeout(), self.give_away()).await {
            Ok(Ok(true)) => info!(lease = self.name, "released the lease"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(lease = self.name, %error, "could not release the lease; it expires"),
            Err(_) => warn!(lease = self.name, error = "no answer", "could not release the lease; it expires"),
        }
    }

    /// Releases the lease. False if it was not this replica's.
    async fn give_away(&mut self) -> kube::Result<bool> {
        // A write that was cut short may have taken effect.
        let stored = self.leases.get_opt(&self.name).await?;
        self.election.observe(stored, Instant::now().into_std());
        let Some(released) = self.election.released(Timestamp::now()) else { return Ok(false) };
        self.leases.replace(&self.name, &PostParams::default(), &released).await?;
        Ok(true)
    }

    async fn attempt(&mut self) -> kube::Result<Attempt> {
        // Others may count from the moment the lease is stored, which is never before this one.
        let start = Instant::now();
        if self.must_read || !self.election.is_ours() {
            let stored = self.leases.get_opt(&self.name).await?;
            self.election.observe(stored, Instant::now().into_std());
        }
        let post = PostParams::default();
        self.must_read = true;
        let stored = match self.election.next(Instant::now().into_std(), Timestamp::now()) {
            NextStep::Follow(leader) => return Ok(Attempt::Follows(leader)),
            NextStep::Create(spec) => {
                let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
                self.leases.create(&post, &Lease { metadata, spec: Some(spec) }).await?
            }
            NextStep::Replace(lease) => self.leases.replace(&self.name, &post, &lease).await?,
        };
        self.must_read = false;
        self.election.observe(Some(stored), Instant::now().into_std());
        self.deadline = start + self.terms.renew_deadline();
        self.fence.open_until(self.deadline.into_std());
        Ok(Attempt::Leads)
    }

    /// Timeout of a request, which leaves time for another one.
    fn attempt_timeout(&self) -> Duration {
        self.terms.renew_deadline() / 2
    }

    /// Logs the first of several failures in a row.
    fn warn(&self, failing: &mut bool, error: &str) {
        if !std::mem::replace(failing, true) {
            warn!(lease = self.name, error, "cannot read or write the lease; retrying");
        }
    }
}

enum Attempt {
    Leads,
    Follows(String),
}
