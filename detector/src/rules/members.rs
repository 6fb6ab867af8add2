//! A bounded set of the ports and targets that have been counted already.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

use super::memory::Table;

/// The result of adding a member to its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    New,
    Known,
    /// Not known, since the set is full.
    Unknown,
}

/// Members of many sets; hashes stand for them. Each belongs to a window and is removed with it.
#[derive(Debug)]
pub(super) struct Members {
    max: usize,
    hasher: RandomState,
    kept: HashSet<(u64, u32), RandomState>,
}

impl Members {
    /// None yet; at most `max` are kept.
    pub(super) fn new(max: usize) -> Self {
        Self { max, hasher: RandomState::default(), kept: HashSet::default() }
    }

    #[inline]
    pub(super) fn add(&mut self, window: u32, member: &impl Hash) -> Member {
        let member = (self.hasher.hash_one(member), window);
        if self.kept.len() < self.max {
            if self.kept.insert(member) { Member::New } else { Member::Known }
        } else if self.kept.contains(&member) {
            Member::Known
        } else {
            Member::Unknown
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.kept.len() >= self.max
    }

    /// Forgets the windows before `window`.
    pub(super) fn retire(&mut self, window: u32) {
        self.kept.retain(|(_, of)| *of >= window);
    }

    pub(super) fn bytes(&self) -> usize {
        self.kept.bytes()
    }

    /// Forgets all.
    pub(super) fn forget(&mut self, keeps: bool) {
        self.kept.forget(keeps);
    }
}
