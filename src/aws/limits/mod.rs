//! Rate limits, so that the operator is never faster than AWS allows: a token bucket per account, region and group of operations.
//!
//! Each attempt of a call, the SDK's repeat of it included, takes a token first. The rates come from AWS's published quotas
//! ([`quotas`](super::quotas)), less a fifth, as others share the account. A refusal because of the rate halves the rate of its group; it
//! then climbs back by itself within a minute ([`token_bucket`](crate::token_bucket)). Waiting calls are served by urgency, then in order of
//! arrival ([`queue`]). Changes come before routine reads, and so do all calls of a pass once it has something to change or to delete. But
//! no read is overtaken for longer than half a minute.
//!
//! The token is taken where the SDK resolves the credentials ([`wait_before_signing`]): the last place before signing that can wait. So a call may
//! wait as long as it must without its signature growing old (AWS accepts one for five minutes), and the time it waits does not count
//! against the time an answer may take.
//!
//! `governor` and its like have neither priorities nor rates that change, hence code of our own.

mod metrics;
mod priority;
mod queue;
mod wait_before_signing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use metrics::LimitMetrics;
pub use priority::urgently;
use queue::Queue;
pub use wait_before_signing::WaitBeforeSigning;

use super::operations::Operation;
use super::quotas::QuotaScope;
use crate::token_bucket::TokenBucket;

/// The rate at which the quotas of [`quotas`](super::quotas) may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// As AWS's published quotas allow.
    Published,
    /// That many times faster, where AWS is an emulator.
    Times(f64),
    /// No limit.
    Unlimited,
}

/// The queues of all accounts and regions.
#[derive(Clone, Debug)]
pub struct Limits {
    pace: Pace,
    metrics: LimitMetrics,
    queues: Arc<Mutex<HashMap<Key, Arc<Queue>>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    account: String,
    region: Option<String>,
    group: &'static str,
    operation: Option<&'static str>,
}

/// The limits that calls to one account and region are subject to.
#[derive(Clone, Debug)]
pub struct LocalLimits {
    limits: Limits,
    account: String,
    region: String,
}

impl Limits {
    /// Limits that record waits and refusals in `metrics`.
    #[must_use]
    pub fn new(pace: Pace, metrics: LimitMetrics) -> Self {
        Self { pace, metrics, queues: Arc::default() }
    }

    /// Those of an account and region.
    #[must_use]
    pub fn at(&self, account: &str, region: &str) -> LocalLimits {
        LocalLimits { limits: self.clone(), account: account.to_owned(), region: region.to_owned() }
    }
}

impl LocalLimits {
    /// Waits until a call of the operation may be sent.
    pub async fn turn(&self, operation: &'static Operation) {
        if let Some(queue) = self.queue(operation) {
            let waited = queue.turn(priority::of(operation)).await;
            self.limits.metrics.waited(operation, waited);
        }
    }

    /// AWS has refused a call of the operation because of its rate.
    pub fn throttled(&self, operation: &'static Operation) {
        self.limits.metrics.throttled(operation);
        if let Some(queue) = self.queue(operation) {
            queue.throttled(Instant::now());
        }
    }

    fn queue(&self, operation: &'static Operation) -> Option<Arc<Queue>> {
        let quota = operation.quota;
        let factor = match self.limits.pace {
            Pace::Published => 1.0,
            Pace::Times(factor) => factor,
            Pace::Unlimited => return None,
        };
        let key = Key {
            account: self.account.clone(),
            region: (quota.scope == QuotaScope::Region).then(|| self.region.clone()),
            group: quota.group,
            operation: quota.each.then_some(operation.name),
        };
        let new = || {
            let (rate, burst) = (quota.rate() * factor, quota.burst() * factor);
            Arc::new(Queue::new(TokenBucket::new(rate, burst.max(1.0), Instant::now())))
        };
        // A panic elsewhere leaves at worst a queue without a bucket behind, which is made anew.
        let mut queues = self.limits.queues.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(queues.entry(key).or_insert_with(new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::operations as ops;

    fn same(a: (&str, &str, &'static Operation), b: (&str, &str, &'static Operation)) -> bool {
        let limits = Limits::new(Pace::Published, LimitMetrics::default());
        let queue = |(account, region, operation)| limits.at(account, region).queue(operation).unwrap();
        Arc::ptr_eq(&queue(a), &queue(b))
    }

    #[test]
    fn each_account_region_and_group_has_a_line_of_its_own() {
        let (here, read) = (("1", "eu-west-1"), ops::DESCRIBE_ALARMS);
        assert!(same((here.0, here.1, read), (here.0, here.1, read)));
        assert!(!same((here.0, here.1, read), ("2", here.1, read)));
        assert!(!same((here.0, here.1, read), (here.0, "us-east-1", read)));
        assert!(!same((here.0, here.1, read), (here.0, here.1, ops::GET_DASHBOARD)));
        // Each of these has the quota to itself …
        assert!(!same((here.0, here.1, ops::PUT_METRIC_FILTER), (here.0, here.1, ops::LIST_LOG_TAGS)));
        // … these share it.
        assert!(same((here.0, here.1, ops::CREATE_FUNCTION), (here.0, here.1, ops::ADD_PERMISSION)));
    }

    #[test]
    fn iam_is_one_for_all_regions() {
        assert!(same(("1", "eu-west-1", ops::GET_ROLE), ("1", "us-east-1", ops::GET_ROLE)));
        assert!(!same(("1", "eu-west-1", ops::GET_ROLE), ("2", "eu-west-1", ops::GET_ROLE)));
    }

    #[tokio::test]
    async fn unlimited_never_waits() {
        let limits = Limits::new(Pace::Unlimited, LimitMetrics::default()).at("1", "eu-west-1");
        for _ in 0..1_000 {
            limits.turn(ops::PUT_METRIC_ALARM).await;
        }
        assert!(limits.queue(ops::PUT_METRIC_ALARM).is_none());
    }
}
