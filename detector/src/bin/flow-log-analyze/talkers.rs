//! The pairs of source and destination with the most bytes, in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

/// Pairs of addresses kept; 7/8 of a power of two, the most entries of a table before it doubles. Below 96 MiB, also while
/// it grows.
const MAX_PAIRS: usize = 917_504;

/// A sum over records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Bytes.
    pub bytes: u64,
    /// Records.
    pub records: u64,
}

impl Sum {
    /// Adds a record of `bytes`.
    #[inline]
    pub fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.records += 1;
    }
}

/// The largest sums by source and destination.
#[derive(Debug)]
pub struct Talkers {
    max: usize,
    sums: HashMap<(IpAddr, IpAddr), Sum, RandomState>,
    error: u64,
}

impl Default for Talkers {
    fn default() -> Self {
        Self { max: MAX_PAIRS, sums: HashMap::default(), error: 0 }
    }
}

impl Talkers {
    /// Counts a record.
    #[inline]
    pub fn add(&mut self, source: IpAddr, destination: IpAddr, bytes: u64) {
        if self.sums.len() >= self.max && !self.sums.contains_key(&(source, destination)) {
            self.forget_half();
        }
        self.sums.entry((source, destination)).or_default().add(bytes);
    }

    /// The most bytes that a pair has sent beyond its sum; 0 as long as all pairs are kept.
    pub fn error(&self) -> u64 {
        self.error
    }

    /// The pairs that sent most bytes, the largest first.
    pub fn top(&self, count: usize) -> Vec<((IpAddr, IpAddr), Sum)> {
        let mut all: Vec<_> = self.sums.iter().map(|(pair, sum)| (*pair, *sum)).collect();
        all.sort_unstable_by(|(a, x), (b, y)| (y.bytes, y.records).cmp(&(x.bytes, x.records)).then(a.cmp(b)));
        all.truncate(count);
        all
    }

    /// Makes room: removes the half with the smaller sums. A pair that comes again has lost the largest of them at most.
    #[cold]
    fn forget_half(&mut self) {
        let mut sums: Vec<_> = self.sums.values().map(|sum| sum.bytes).collect();
        let middle = sums.len() / 2;
        let (_, median, _) = sums.select_nth_unstable(middle);
        let median = *median;
        self.error = self.error.saturating_add(median);
        self.sums.retain(|_, sum| sum.bytes > median);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(n.into())
    }

    #[test]
    fn the_largest_come_first_each_way_by_itself() {
        let mut talkers = Talkers::default();
        for (source, destination, bytes) in [(1, 2, 10), (2, 1, 30), (1, 2, 15), (3, 1, 1)] {
            talkers.add(address(source), address(destination), bytes);
        }
        let top = talkers.top(2);
        assert_eq!(top[0], ((address(2), address(1)), Sum { bytes: 30, records: 1 }));
        assert_eq!(top[1], ((address(1), address(2)), Sum { bytes: 25, records: 2 }));
        assert_eq!((top.len(), talkers.top(9).len(), talkers.error()), (2, 3, 0));
    }

    #[test]
    fn when_there_are_too_many_the_large_ones_stay_and_the_error_is_reported() {
        let mut talkers = Talkers { max: 64, ..Talkers::default() };
        talkers.add(address(0), address(1), 1_000_000);
        for n in 0..10_000 {
            talkers.add(address(n), address(2), 1 + u64::from(n % 7));
            assert!(talkers.sums.len() <= 64);
        }
        talkers.add(address(0), address(1), 1);
        assert_eq!(talkers.top(1)[0].1, Sum { bytes: 1_000_001, records: 2 });
        assert!(talkers.error() > 0);
    }

    #[test]
    fn a_full_table_stays_below_what_is_documented() {
        let slots = MAX_PAIRS.next_power_of_two();
        assert!((slots + slots / 2) * (size_of::<((IpAddr, IpAddr), Sum)>() + 1) < 96 * 1024 * 1024);
    }
}
