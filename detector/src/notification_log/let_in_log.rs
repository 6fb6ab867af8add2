//! The ports and hosts that let scans from the internet in, as far as messages named them. They are many and small, so they are kept apart
//! from the incidents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The places that are kept, the latest. One takes 60 bytes. A place that is not kept is new when it is seen again.
pub(super) const MAX_PLACES: usize = 2048;

/// The places by the digits of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LetInLog(BTreeMap<String, Named>);

/// The time of the latest message that named the place, in Unix seconds, and its batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Named(u64, String);

impl LetInLog {
    /// The time of the message that named the place; not one of `batch`, which may not have been published.
    pub(super) fn named(&self, place: &str, batch: &str) -> Option<u64> {
        self.0.get(place).filter(|Named(_, of)| of != batch).map(|Named(time, _)| *time)
    }

    /// Notes that a message of `batch` names the place.
    pub(super) fn name(&mut self, place: &str, now: u64, batch: &str) {
        self.0.insert(place.to_owned(), Named(now, batch.to_owned()));
    }

    /// Takes back that a message of `batch` was published.
    pub(super) fn withdraw(&mut self, batch: &str, before: &Self) {
        self.0.retain(|place, Named(_, of)| of != batch || before.0.contains_key(place));
        for (place, named) in &mut self.0 {
            if let Some(earlier) = before.0.get(place).filter(|_| named.1 == batch) {
                named.clone_from(earlier);
            }
        }
    }

    /// Forgets places whose latest message is as old as `seconds`, and the oldest beyond the bound.
    pub(super) fn forget(&mut self, now: u64, seconds: u64) {
        self.0.retain(|_, Named(time, _)| now.saturating_sub(*time) < seconds);
        let excess = self.0.len().saturating_sub(MAX_PLACES);
        if excess > 0 {
            let mut places: Vec<_> = self.0.iter().map(|(place, Named(time, _))| (*time, place.clone())).collect();
            places.sort_unstable();
            for (_, place) in places.into_iter().take(excess) {
                self.0.remove(&place);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_places_are_kept() {
        let mut log = LetInLog::default();
        for place in 0..=MAX_PLACES as u64 {
            log.name(&place.to_string(), place, "a");
        }
        log.forget(MAX_PLACES as u64, u64::MAX);
        assert_eq!((log.len(), log.named("0", "b"), log.named("1", "b")), (MAX_PLACES, None, Some(1)));
        log.forget(MAX_PLACES as u64 + 5, 10);
        assert_eq!(log.len(), 5);
    }

    #[test]
    fn a_batch_that_comes_again_does_not_know_what_it_named() {
        let mut log = LetInLog::default();
        log.name("port", 1, "a");
        assert_eq!((log.named("port", "a"), log.named("port", "b")), (None, Some(1)));
    }

    #[test]
    fn what_was_withdrawn_is_as_before() {
        let mut log = LetInLog::default();
        log.name("known", 1, "a");
        let before = log.clone();
        log.name("known", 2, "b");
        log.name("new", 2, "b");
        log.withdraw("b", &before);
        assert_eq!(log, before);
    }
}
