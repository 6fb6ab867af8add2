//! Traffic inside a VPC is recorded at both of its ends, and that through a NAT gateway at the gateway as well. It counts
//! where it was seen first.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::mem;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::memory::Table;

/// A conversation in one direction: records with the same values are of the same one.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Conversation {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub source_port: Option<u16>,
    pub destination_port: Option<u16>,
    pub protocol: Option<u8>,
}

/// Where a conversation was seen first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Here: now, or earlier at the same interface.
    Here,
    /// At another interface, where it counted.
    Elsewhere,
    /// At another interface, where it was seen to leave for this one.
    Departed,
}

/// The interface at which each conversation was seen first; hashes stand for both. The lowest bit of an interface's hash marks
/// a departure.
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

    /// The place that saw `conversation` first. `departs` is true if it leaves here for another interface that records it too.
    #[inline]
    pub(super) fn see(&mut self, conversation: &Conversation, interface: &str, departs: bool) -> Seen {
        let key = self.hasher.hash_one(conversation);
        let interface = self.hasher.hash_one(interface) & !1;
        if let Some(first) = self.young.get(&key).or_else(|| self.old.get(&key)) {
            return match first & 1 {
                _ if first & !1 == interface => Seen::Here,
                1 => Seen::Departed,
                _ => Seen::Elsewhere,
            };
        }
        if self.young.len() == self.max {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(key, interface | u64::from(departs));
        Seen::Here
    }

    pub(super) fn bytes(&self) -> usize {
        self.young.bytes() + self.old.bytes()
    }

    /// Forgets all.
    pub(super) fn forget(&mut self, keeps: bool) {
        self.young.forget(keeps);
        self.old.forget(false);
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
        assert_eq!(conversations.see(&conversation(1), "eni-a", false), Seen::Here);
        assert_eq!(conversations.see(&conversation(1), "eni-b", true), Seen::Elsewhere);
        assert_eq!(conversations.see(&conversation(1), "eni-a", false), Seen::Here);
        assert_eq!(conversations.see(&conversation(2), "eni-b", true), Seen::Here);
        assert_eq!(conversations.see(&conversation(2), "eni-a", false), Seen::Departed);
        let back = Conversation { source: [10, 0, 0, 2].into(), destination: [10, 0, 0, 1].into(), ..conversation(1) };
        assert_eq!(conversations.see(&back, "eni-b", false), Seen::Here);
    }

    #[test]
    fn memory_is_bounded_and_what_is_recent_is_remembered() {
        let max = Limits::FUNCTION.conversations;
        let mut conversations = Conversations::new(max);
        let nth =
            |n: usize| Conversation { destination: IpAddr::V4(u32::try_from(n).unwrap().into()), ..conversation(1) };
        for n in 0..3 * max {
            conversations.see(&nth(n), "eni-a", false);
        }
        assert!(conversations.young.len() <= max && conversations.old.len() <= max);
        assert_eq!(conversations.see(&nth(2 * max + 1), "eni-b", false), Seen::Elsewhere);
        for (limits, mebibytes) in [(Limits::FUNCTION, 4), (Limits::FILE, 8), (Limits::WORKSTATION, 64)] {
            // A table grows by doubling: twice the slots, each with a byte of its own, and as much again while it moves.
            assert!(2 * limits.conversations.next_power_of_two() * 17 < mebibytes * 1024 * 1024);
        }
    }
}
