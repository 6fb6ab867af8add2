//! A bounded set of what has been counted already.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;

/// Members kept: their table stays below 5 MiB, also while it grows.
pub(super) const MAX_MEMBERS: usize = 114_688;

/// Whether a member is new to its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    New,
    Known,
    /// Nobody can say: the set is full.
    Unknown,
}

/// Members of many sets; hashes stand for them. Each belongs to a window, with which it goes.
#[derive(Debug, Default)]
pub(super) struct Members {
    hasher: RandomState,
    kept: HashSet<(u64, u32), RandomState>,
}

impl Members {
    #[inline]
    pub(super) fn add(&mut self, window: u32, member: &impl Hash) -> Member {
        let member = (self.hasher.hash_one(member), window);
        if self.kept.len() < MAX_MEMBERS {
            if self.kept.insert(member) { Member::New } else { Member::Known }
        } else if self.kept.contains(&member) {
            Member::Known
        } else {
            Member::Unknown
        }
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.kept.len() >= MAX_MEMBERS
    }

    /// Forgets the windows before `window`.
    pub(super) fn retire(&mut self, window: u32) {
        self.kept.retain(|(_, of)| *of >= window);
    }
}
