use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use thiserror::Error;

/// The permission to change anything at this very moment. Everything that changes AWS or Kubernetes checks it right before it sends.
///
/// It shuts by itself when the lease was not renewed in time, whatever the process was doing meanwhile: a process that was frozen finds
/// it shut when it wakes.
#[derive(Clone, Debug)]
pub struct Fence(Option<Arc<Timed>>);

#[derive(Debug)]
struct Timed {
    start: Instant,
    /// In nanoseconds after `start`; 0 is shut.
    open_until: AtomicU64,
}

/// Another replica may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not sent: this replica is not the leader")]
pub struct NotLeader;

impl Fence {
    /// The fence of a lone replica, which needs no lease.
    #[must_use]
    pub const fn always_open() -> Self {
        Self(None)
    }

    /// The fence of a candidate: shut until it leads.
    #[must_use]
    pub fn shut_until_elected() -> Self {
        Self(Some(Arc::new(Timed { start: Instant::now(), open_until: AtomicU64::new(0) })))
    }

    pub(super) fn open_until(&self, deadline: Instant) {
        if let Some(timed) = &self.0 {
            timed.open_until.store(nanoseconds(deadline.saturating_duration_since(timed.start)), Ordering::SeqCst);
        }
    }

    pub(super) fn shut(&self) {
        if let Some(timed) = &self.0 {
            timed.open_until.store(0, Ordering::SeqCst);
        }
    }

    /// True if this replica leads now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open_at(Instant::now())
    }

    fn is_open_at(&self, now: Instant) -> bool {
        let Some(timed) = &self.0 else { return true };
        nanoseconds(now.saturating_duration_since(timed.start)) < timed.open_until.load(Ordering::SeqCst)
    }

    /// An error unless this replica leads now.
    pub fn check(&self) -> Result<(), NotLeader> {
        if self.is_open() { Ok(()) } else { Err(NotLeader) }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shuts_by_itself_and_at_once_when_told() {
        assert!(Fence::always_open().check().is_ok());
        let fence = Fence::shut_until_elected();
        assert_eq!(fence.check(), Err(NotLeader));
        let now = Instant::now();
        fence.open_until(now + Duration::from_secs(10));
        assert!(fence.is_open());
        assert!(fence.is_open_at(now + Duration::from_millis(9_999)));
        assert!(!fence.is_open_at(now + Duration::from_secs(10)));
        fence.shut();
        assert!(!fence.is_open());
    }
}
