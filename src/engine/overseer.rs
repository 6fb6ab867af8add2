use std::future::{Future, ready};

use super::outcome::Outcome;

/// Oversees a pass: hears how it goes, and may end it early.
pub trait Overseer: Sync {
    /// Asked before every step. From the first no on, steps under way are finished and no other is begun.
    fn may_begin_step(&self) -> impl Future<Output = bool> + Send {
        ready(true)
    }

    /// Hears of each system as soon as it is done.
    fn hear(&self, outcome: &Outcome);
}

/// Nobody oversees.
impl Overseer for () {
    fn hear(&self, _outcome: &Outcome) {}
}
