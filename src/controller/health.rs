//! The health of the process. Only problems that a restart can solve count: not that AWS or Kubernetes cannot be reached.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

/// Every request has an end within a minute or two, and back-off one within minutes.
const STUCK_AFTER: Duration = Duration::from_mins(15);

/// A pass has an end: long work, such as emptying a bucket, goes on in the next one.
const PASS_STUCK_AFTER: Duration = Duration::from_hours(1);

/// A watch is renewed at least every five minutes.
const WATCH_STUCK_AFTER: Duration = Duration::from_mins(15);

/// Signs of life of the watch and of the passes.
#[derive(Clone, Debug)]
pub struct Health {
    stuck_after: Duration,
    signs: Arc<Mutex<Signs>>,
}

#[derive(Debug, Default)]
struct Signs {
    /// Time of the latest request of each watch to the API server, by the path of the watch.
    watched: HashMap<String, Instant>,
    /// Time at which a pass last began, ended or had an answer from AWS.
    progressed: Option<Instant>,
    /// Start of the pass under way over each monitor.
    running: HashMap<String, Instant>,
    /// Time at which the next pass over each of the others is due.
    due: HashMap<String, Instant>,
}

/// The part of the process that is stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Stuck {
    /// Changes to monitors are no longer seen.
    #[error("the watch has not asked the API server for anything for {} s", .0.as_secs())]
    Watch(Duration),
    /// Work is due, and no pass makes progress.
    #[error("there is work to do, and nothing has moved for {} s", .0.as_secs())]
    Passes(Duration),
    /// The pass over a monitor does not end, whatever the others do.
    #[error("the pass over a monitor has not ended for {} s", .0.as_secs())]
    Pass(Duration),
}

impl Default for Health {
    fn default() -> Self {
        Self::stuck_after(STUCK_AFTER)
    }
}

impl Health {
    /// Health that reports passes as stuck if none of them makes progress for `limit`.
    #[must_use]
    pub fn stuck_after(limit: Duration) -> Self {
        Self { stuck_after: limit, signs: Arc::default() }
    }

    /// An error if anything is stuck.
    pub fn check(&self) -> Result<(), Stuck> {
        self.check_at(Instant::now())
    }

    /// The watch of `path` asks the API server for something.
    pub(crate) fn watch_asks(&self, path: &str) {
        self.signs().watched.insert(path.to_owned(), Instant::now());
    }

    /// AWS has answered, or did not in time.
    pub fn progress(&self) {
        self.signs().progressed = Some(Instant::now());
    }

    pub(crate) fn pass_begins(&self, uid: &str) {
        let (mut signs, now) = (self.signs(), Instant::now());
        signs.progressed = Some(now);
        signs.due.remove(uid);
        signs.running.insert(uid.to_owned(), now);
    }

    /// `next`: the time until the next pass, if one is planned.
    pub(crate) fn pass_ends(&self, uid: &str, next: Option<Duration>) {
        let (mut signs, now) = (self.signs(), Instant::now());
        signs.progressed = Some(now);
        signs.running.remove(uid);
        match next.and_then(|wait| now.checked_add(wait)) {
            Some(due) => signs.due.insert(uid.to_owned(), due),
            None => signs.due.remove(uid),
        };
    }

    /// True if a pass over the monitor is under way.
    pub(crate) fn is_running(&self, uid: &str) -> bool {
        self.signs().running.contains_key(uid)
    }

    /// A pass is due now.
    pub(crate) fn pass_is_due(&self, uid: &str) {
        let mut signs = self.signs();
        if !signs.running.contains_key(uid) {
            signs.due.insert(uid.to_owned(), Instant::now());
        }
    }

    pub(crate) fn forget(&self, uid: &str) {
        self.signs().due.remove(uid);
    }

    /// Monitors with a pass under way, and those whose pass is due.
    #[must_use]
    pub fn passes(&self) -> (usize, usize) {
        let (signs, now) = (self.signs(), Instant::now());
        (signs.running.len(), signs.due.values().filter(|due| **due <= now).count())
    }

    fn check_at(&self, now: Instant) -> Result<(), Stuck> {
        let signs = self.signs();
        let oldest = signs.watched.values().min();
        let silent = oldest.map_or(Duration::ZERO, |watched| now.saturating_duration_since(*watched));
        if silent > WATCH_STUCK_AFTER {
            return Err(Stuck::Watch(silent));
        }
        let work_since = if signs.running.is_empty() { signs.due.values().min().copied() } else { signs.progressed };
        let moved = work_since.max(signs.progressed).filter(|_| work_since.is_some_and(|since| since <= now));
        let still = moved.map_or(Duration::ZERO, |moved| now.saturating_duration_since(moved));
        if still > self.stuck_after {
            return Err(Stuck::Passes(still));
        }
        let longest =
            signs.running.values().min().map_or(Duration::ZERO, |began| now.saturating_duration_since(*began));
        if longest > PASS_STUCK_AFTER {
            return Err(Stuck::Pass(longest));
        }
        Ok(())
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        // A panic elsewhere leaves at worst one sign out.
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn is_stuck(health: &Health, minutes: u32) -> bool {
        health.check_at(Instant::now() + minutes * MINUTE).is_err()
    }

    #[test]
    fn what_has_nothing_to_do_is_not_stuck() {
        let health = Health::default();
        assert!(!is_stuck(&health, 1000), "not begun");
        health.pass_begins("a");
        health.pass_ends("a", None);
        assert!(!is_stuck(&health, 1000), "nothing planned");
        health.pass_begins("a");
        health.pass_ends("a", Some(600 * MINUTE));
        assert!(!is_stuck(&health, 599), "planned for later");
    }

    #[test]
    fn a_pass_that_stands_still_is_stuck() {
        let health = Health::default();
        health.pass_begins("a");
        assert!(!is_stuck(&health, 14));
        assert!(is_stuck(&health, 16));
        health.progress();
        assert!(!is_stuck(&health, 14));
    }

    #[test]
    fn a_pass_without_end_is_stuck_although_others_move() {
        let health = Health::default();
        let long_ago = Instant::now().checked_sub(61 * MINUTE).unwrap();
        health.signs().running.insert("a".to_owned(), long_ago);
        health.pass_begins("b");
        health.pass_ends("b", None);
        assert!(matches!(health.check(), Err(Stuck::Pass(_))));
        health.pass_ends("a", None);
        assert_eq!(health.check(), Ok(()));
    }

    #[test]
    fn work_that_is_due_and_not_begun_is_stuck() {
        let health = Health::default();
        health.pass_begins("a");
        health.pass_ends("a", Some(30 * MINUTE));
        assert!(!is_stuck(&health, 44));
        assert!(is_stuck(&health, 46));
        health.forget("a");
        assert!(!is_stuck(&health, 46), "the monitor is gone");
    }

    #[test]
    fn a_watch_that_asks_nothing_is_stuck() {
        let health = Health::default();
        health.watch_asks("/a");
        assert!(!is_stuck(&health, 14));
        assert!(matches!(health.check_at(Instant::now() + 16 * MINUTE), Err(Stuck::Watch(_))));
    }

    #[test]
    fn one_watch_does_not_hide_that_another_is_stuck() {
        let health = Health::default();
        let long_ago = Instant::now().checked_sub(16 * MINUTE).unwrap();
        health.signs().watched.insert("/a".to_owned(), long_ago);
        health.watch_asks("/b");
        assert!(matches!(health.check(), Err(Stuck::Watch(_))));
        health.watch_asks("/a");
        assert_eq!(health.check(), Ok(()));
    }
}
