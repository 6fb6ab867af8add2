use std::time::Duration;

use thiserror::Error;

/// The times of leader election: duration of the lease, deadline for its renewal, and time between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    lease_duration: Duration,
    renew_deadline: Duration,
    retry_period: Duration,
}

/// Terms under which two replicas could lead at once, or none for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTerms {
    /// The lease stores whole seconds.
    #[error("--leader-elect-lease-duration must be whole seconds, at least 1s")]
    LeaseDuration,
    /// A leader must give up before others take over.
    #[error("--leader-elect-renew-deadline must be shorter than --leader-elect-lease-duration")]
    RenewDeadline,
    /// One lost request must not cost the lease.
    #[error(
        "--leader-elect-retry-period must be more than 0s and at most half as long as --leader-elect-renew-deadline"
    )]
    RetryPeriod,
}

impl Terms {
    /// Others take over `lease_duration` after they last saw the lease change. A leader that could not renew it for `renew_deadline`
    /// gives up; it tries every `retry_period`.
    pub fn new(
        lease_duration: Duration,
        renew_deadline: Duration,
        retry_period: Duration,
    ) -> Result<Self, InvalidTerms> {
        if lease_duration.is_zero() || lease_duration.subsec_nanos() != 0 || seconds(lease_duration).is_none() {
            return Err(InvalidTerms::LeaseDuration);
        }
        if renew_deadline >= lease_duration {
            return Err(InvalidTerms::RenewDeadline);
        }
        if retry_period.is_zero() || retry_period > renew_deadline / 2 {
            return Err(InvalidTerms::RetryPeriod);
        }
        Ok(Self { lease_duration, renew_deadline, retry_period })
    }

    pub(super) const fn lease_duration(&self) -> Duration {
        self.lease_duration
    }

    pub(super) fn lease_duration_seconds(&self) -> Option<i32> {
        seconds(self.lease_duration)
    }

    pub(super) const fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    pub(super) const fn retry_period(&self) -> Duration {
        self.retry_period
    }
}

fn seconds(duration: Duration) -> Option<i32> {
    i32::try_from(duration.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_gives_up_before_others_take_over() {
        let terms = |lease, renew, retry| {
            Terms::new(Duration::from_millis(lease), Duration::from_millis(renew), Duration::from_millis(retry))
        };
        assert!(terms(15_000, 10_000, 2_000).is_ok());
        assert_eq!(terms(0, 10_000, 2_000), Err(InvalidTerms::LeaseDuration));
        assert_eq!(terms(1_500, 1_000, 200), Err(InvalidTerms::LeaseDuration));
        assert_eq!(terms(10_000, 10_000, 2_000), Err(InvalidTerms::RenewDeadline));
        assert_eq!(terms(15_000, 10_000, 0), Err(InvalidTerms::RetryPeriod));
        assert_eq!(terms(15_000, 10_000, 5_001), Err(InvalidTerms::RetryPeriod));
    }
}
