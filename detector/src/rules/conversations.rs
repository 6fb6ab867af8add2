//! Traffic inside a VPC is recorded at both of its ends, and that through a NAT gateway at the gateway as well. It counts
//! where it was seen first.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::mem;
use std::net::IpAddr;

use foldhash::fast::RandomState;

/// What makes two records the same conversation in the same direction.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Conversation {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
    pub protocol: Option<u8>,
}

/// The interface at which each conversation was seen first; hashes stand for both.
#[derive(Debug)]
pub(super) struct Conversations {
    max: usize,
    hasher: RandomState,
    young: HashMap<u64, u64, RandomState>,
    old: HashMap<u64, u64, RandomState>,
}

impl Conversations {
    /// None yet; at most `max` are remembered in each of two generations.
    pub(super) fn new(max: usize) -> Self {
        Self { max, hasher: RandomState::default(), young: HashMap::default(), old: HashMap::default() }
    }

    /// Whether `conversation` was first seen at another interface.
    #[inline]
    pub(super) fn seen_elsewhere(&mut self, conversation: &Conversation, interface: &str) -> bool {
        let key = self.hasher.hash_one(conversation);
        let interface = self.hasher.hash_one(interface);
        if let Some(first) = self.young.get(&key).or_else(|| self.old.get(&key)) {
            return *first != interface;
        }
        if self.young.len() == self.max {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, interface);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Limits;

    fn conversation(port: u16) -> Conversation {
        Conversation {
            source: [10, 0, 0, 1].into(),
            destination: [10, 0, 0, 2].into(),
            source_port: Some(port),
            destination_port: Some(443),
            protocol: Some(6),
        }
    }

    #[test]
    fn the_first_interface_counts_again_and_again_and_the_other_never() {
        let mut conversations = Conversations::new(Limits::FUNCTION.conversations);
        assert!(!conversations.seen_elsewhere(&conversation(1), "eni-a"));
        assert!(conversations.seen_elsewhere(&conversation(1), "eni-b"));
        assert!(!conversations.seen_elsewhere(&conversation(1), "eni-a"));
        assert!(!conversations.seen_elsewhere(&conversation(2), "eni-b"));
        let back = Conversation { source: [10, 0, 0, 2].into(), destination: [10, 0, 0, 1].into(), ..conversation(1) };
        assert!(!conversations.seen_elsewhere(&back, "eni-b"));
    }

    #[test]
    fn memory_is_bounded_and_what_is_recent_is_remembered() {
        let max = Limits::FUNCTION.conversations;
        let mut conversations = Conversations::new(max);
        let nth =
            |n: usize| Conversation { destination: IpAddr::V4(u32::try_from(n).unwrap().into()), ..conversation(1) };
        for n in 0..3 * max {
            conversations.seen_elsewhere(&nth(n), "eni-a");
        }
        assert!(conversations.young.len() <= max && conversations.old.len() <= max);
        assert!(conversations.seen_elsewhere(&nth(2 * max + 1), "eni-b"));
        for (limits, mebibytes) in [(Limits::FUNCTION, 4), (Limits::WORKSTATION, 64)] {
            // A table grows by doubling: twice the slots, each with a byte of its own, and as much again while it moves.
            assert!(2 * limits.conversations.next_power_of_two() * 17 < mebibytes * 1024 * 1024);
        }
    }
}
