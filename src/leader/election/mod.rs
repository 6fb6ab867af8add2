//! The next step of a candidate for the lease. No I/O.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

use super::terms::Terms;

/// The lease as this replica has seen it.
#[derive(Debug)]
pub struct Election {
    identity: String,
    terms: Terms,
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    lease: Lease,
    /// The time at which its record was first seen as it is.
    since: Instant,
    /// False if somebody has deleted it since.
    exists: bool,
}

/// The next step of a replica.
#[derive(Debug, PartialEq)]
pub enum NextStep {
    /// Somebody else leads, or may.
    Follow(String),
    /// Lead, or go on leading, if this can be created.
    Create(LeaseSpec),
    /// Lead, or go on leading, if the lease can be replaced by this one, which carries the version it was read at.
    Replace(Box<Lease>),
}

impl Election {
    pub const fn new(identity: String, terms: Terms) -> Self {
        Self { identity, terms, seen: None }
    }

    /// Learns what is stored now. Only a record that has changed is a sign of life.
    pub fn observe(&mut self, stored: Option<Lease>, now: Instant) {
        match (stored, &mut self.seen) {
            (Some(lease), Some(seen)) if seen.exists && seen.lease.spec == lease.spec => seen.lease = lease,
            (Some(lease), seen) => *seen = Some(Seen { lease, since: now, exists: true }),
            (None, Some(seen)) => seen.exists = false,
            (None, None) => {}
        }
    }

    /// The holder of the lease, as far as it is known.
    pub fn holder(&self) -> Option<&str> {
        let spec = self.seen.as_ref()?.lease.spec.as_ref()?;
        spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    /// True if the lease, as last seen, is this replica's.
    pub fn is_ours(&self) -> bool {
        self.holder() == Some(&self.identity)
    }

    /// The next step at `now`. `time` goes into the lease, for people.
    pub fn next(&self, now: Instant, time: Timestamp) -> NextStep {
        let Some(seen) = &self.seen else { return NextStep::Create(self.taken(&LeaseSpec::default(), time)) };
        let spec = seen.lease.spec.clone().unwrap_or_default();
        if let Some(holder) = self.holder()
            && !self.is_ours()
            && now < seen.since + self.duration(&spec)
        {
            // Also if the lease was deleted: its holder does not know yet.
            return NextStep::Follow(holder.to_owned());
        }
        let spec = if self.is_ours() { self.renewed(spec, time) } else { self.taken(&spec, time) };
        if seen.exists {
            NextStep::Replace(Box::new(Lease { spec: Some(spec), ..seen.lease.clone() }))
        } else {
            NextStep::Create(spec)
        }
    }

    /// The lease without a holder, if it is ours.
    pub fn released(&self, time: Timestamp) -> Option<Lease> {
        let seen = self.seen.as_ref().filter(|seen| seen.exists && self.is_ours())?;
        let spec = LeaseSpec {
            holder_identity: None,
            // Kubernetes wants at least a second.
            lease_duration_seconds: Some(1),
            acquire_time: Some(MicroTime(time)),
            renew_time: Some(MicroTime(time)),
            ..seen.lease.spec.clone().unwrap_or_default()
        };
        Some(Lease { spec: Some(spec), ..seen.lease.clone() })
    }

    /// The duration in the lease counts, not our own: replicas may be configured differently during an upgrade.
    fn duration(&self, spec: &LeaseSpec) -> Duration {
        let reported = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        reported.map_or(self.terms.lease_duration(), Duration::from_secs)
    }

    fn renewed(&self, spec: LeaseSpec, time: Timestamp) -> LeaseSpec {
        LeaseSpec {
            lease_duration_seconds: self.terms.lease_duration_seconds(),
            renew_time: Some(MicroTime(time)),
            ..spec
        }
    }

    fn taken(&self, former: &LeaseSpec, time: Timestamp) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: self.terms.lease_duration_seconds(),
            acquire_time: Some(MicroTime(time)),
            renew_time: Some(MicroTime(time)),
            lease_transitions: Some(former.lease_transitions.map_or(0, |count| count.saturating_add(1))),
            ..former.clone()
        }
    }
}

#[cfg(test)]
mod tests;
