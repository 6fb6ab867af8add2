//! Counts over windows of time: ports of a target, targets of a port, bytes of a sender.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::members::{Member, Members};
use super::memory::Table as _;
use super::{Config, Limits, Rule};
use crate::evidence::{AcceptedHosts, AcceptedPorts, Destinations, Evidence};
use crate::finding::{Detail, Subject};
use crate::findings::Groups;
use crate::let_in::Room;
use crate::record::{Action, Record};
use crate::tally::{Port, Tally};

/// The last window that a record can have, so that there is always one after it.
const LAST_WINDOW: u32 = u32::MAX - 1;

/// Marks of the members of either rule: without them a port of a host and a host at a port could look alike.
const OF_SCAN: u8 = 1;
const OF_SWEEP: u8 = 2;

/// A connection that a record opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub window: u32,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub port: u16,
}

/// Counts by subject and window.
#[derive(Debug)]
struct Table<K, E> {
    max: usize,
    counts: HashMap<(K, u32), Count<E>, RandomState>,
}

/// A count with its evidence.
#[derive(Debug, Default)]
struct Count<E> {
    tally: Tally,
    distinct: u32,
    destination: Only<IpAddr>,
    evidence: E,
}

/// The value if it is always the same.
#[derive(Clone, Copy, Debug, Default)]
enum Only<T> {
    #[default]
    None,
    One(T),
    Many,
}

impl<T: Copy + PartialEq> Only<T> {
    fn add(&mut self, value: T) {
        *self = match *self {
            Self::None => Self::One(value),
            Self::One(known) if known == value => return,
            _ => Self::Many,
        };
    }

    fn get(self) -> Option<T> {
        match self {
            Self::One(value) => Some(value),
            Self::None | Self::Many => None,
        }
    }
}

impl<K: Copy + Eq + Hash + Ord, E: Default> Table<K, E> {
    fn new(max: usize) -> Self {
        Self { max, counts: HashMap::default() }
    }

    #[inline]
    fn count(&mut self, key: K, window: u32) -> Option<&mut Count<E>> {
        if self.counts.len() < self.max {
            Some(self.counts.entry((key, window)).or_default())
        } else {
            self.counts.get_mut(&(key, window))
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.counts.len() >= self.max
    }

    /// Hands over the counts of the windows before `window` for which `holds` is true, the largest first: where there is no room
    /// for all findings, the choice of those kept depends on the records alone.
    fn retire(&mut self, window: u32, holds: impl Fn(&Count<E>) -> bool, mut finish: impl FnMut(K, Count<E>)) {
        let over = self.counts.extract_if(|(_, of), _| *of < window);
        let mut found: Vec<_> = over.filter(|(_, count)| holds(count)).collect();
        let size = |count: &Count<E>| (count.distinct, count.tally.bytes);
        found.sort_unstable_by(|(a, one), (b, other)| size(other).cmp(&size(one)).then_with(|| a.cmp(b)));
        for ((key, _), count) in found {
            finish(key, count);
        }
    }
}

/// The counts of all three rules.
#[derive(Debug)]
pub(super) struct Windows {
    seconds: u32,
    min_ports: Option<u32>,
    min_hosts: Option<u32>,
    min_egress: Option<u64>,
    scans: Table<(IpAddr, IpAddr), AcceptedPorts>,
    sweeps: Table<(IpAddr, u16), AcceptedHosts>,
    egress: Table<IpAddr, Destinations>,
    members: Members,
    let_in: Room,
    newest: u32,
    /// Windows before this one are forgotten.
    oldest: u32,
    unexamined: u64,
}

impl Windows {
    pub(super) fn new(config: &Config, limits: &Limits) -> Self {
        let enabled = |rule| !config.disabled.contains(&rule);
        Self {
            seconds: config.window_seconds.max(1),
            min_ports: enabled(Rule::PortScan).then_some(config.port_scan_min_ports),
            min_hosts: enabled(Rule::HostSweep).then_some(config.host_sweep_min_hosts),
            min_egress: enabled(Rule::LargeEgress).then_some(config.large_egress_min_bytes),
            scans: Table::new(limits.subjects),
            sweeps: Table::new(limits.subjects),
            egress: Table::new(limits.subjects),
            members: Members::new(limits.members),
            let_in: Room(limits.let_in),
            newest: 0,
            oldest: 0,
            unexamined: 0,
        }
    }

    /// The window of a record; one without a time belongs to the newest.
    #[inline]
    pub(super) fn window(&mut self, record: &Record) -> u32 {
        let Some(start) = record.start else { return self.newest };
        let window = u32::try_from(start / u64::from(self.seconds)).unwrap_or(LAST_WINDOW).min(LAST_WINDOW);
        self.newest = self.newest.max(window);
        window
    }

    /// Counts a record that opens a connection, among the ports of its target.
    #[inline]
    pub(super) fn add_port(&mut self, record: &Record, opening: Opening, groups: &mut Groups) {
        let Opening { window, source, destination, port } = opening;
        if self.min_ports.is_none() {
            return;
        }
        self.make_room(groups);
        let Some(count) = self.scans.count((source, destination), window) else {
            self.unexamined += 1;
            return;
        };
        if record.action == Some(Action::Accept) {
            count.evidence.add(port, &mut self.let_in);
        }
        let member = match count.tally.add(record) {
            Port::New => Member::New,
            Port::Known => Member::Known,
            // More than a tally keeps.
            Port::Unkept => self.members.add(window, &(OF_SCAN, source, destination, port)),
        };
        count.distinct += u32::from(member == Member::New);
        self.unexamined += u64::from(member == Member::Unknown);
    }

    /// Counts a record that opens a connection, among the targets of its port.
    #[inline]
    pub(super) fn add_host(&mut self, record: &Record, opening: Opening, groups: &mut Groups) {
        let Opening { window, source, destination, port } = opening;
        if self.min_hosts.is_none() {
            return;
        }
        self.make_room(groups);
        let Some(count) = self.sweeps.count((source, port), window) else {
            self.unexamined += 1;
            return;
        };
        let mut add = |host: IpAddr| self.members.add(window, &(OF_SWEEP, source, port, host));
        let member = match count.destination {
            Only::None => Member::New,
            Only::One(known) if known == destination => Member::Known,
            // The first target is known from the count itself.
            Only::One(first) => {
                add(first);
                add(destination)
            }
            Only::Many => add(destination),
        };
        if record.action == Some(Action::Accept) {
            count.evidence.add(destination, &mut self.let_in);
        }
        count.tally.add(record);
        count.destination.add(destination);
        count.distinct += u32::from(member == Member::New);
        self.unexamined += u64::from(member == Member::Unknown);
    }

    /// Counts a record of bytes that `source`, inside, sent to `destination`, in public.
    #[inline]
    pub(super) fn add_egress(
        &mut self,
        record: &Record,
        window: u32,
        source: IpAddr,
        destination: IpAddr,
        groups: &mut Groups,
    ) {
        if self.min_egress.is_none() {
            return;
        }
        self.make_room(groups);
        match self.egress.count(source, window) {
            Some(count) => {
                count.tally.add(record);
                count.destination.add(destination);
                count.evidence.add(destination, record.bytes.unwrap_or_default());
            }
            None => self.unexamined += 1,
        }
    }

    /// Judges and forgets all windows but the newest two, if something is full.
    #[inline]
    fn make_room(&mut self, groups: &mut Groups) {
        let full = self.members.is_full() || self.scans.is_full() || self.sweeps.is_full() || self.egress.is_full();
        let oldest = self.newest.saturating_sub(1);
        if full && oldest > self.oldest {
            self.oldest = oldest;
            self.judge_before(oldest, groups);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.scans.counts.bytes() + self.sweeps.counts.bytes() + self.egress.counts.bytes() + self.members.bytes()
    }

    /// Judges the remaining windows, and begins anew; `keeps` is true if the memory stays. Returns the number of records that could not
    /// be counted for want of room.
    pub(super) fn finish(&mut self, keeps: bool, groups: &mut Groups) -> u64 {
        self.judge_before(u32::MAX, groups);
        self.scans.counts.forget(keeps);
        self.sweeps.counts.forget(keeps);
        self.egress.counts.forget(keeps);
        self.members.forget(keeps);
        (self.newest, self.oldest) = (0, 0);
        mem::take(&mut self.unexamined)
    }

    fn judge_before(&mut self, window: u32, groups: &mut Groups) {
        self.members.retire(window);
        let reaches = |min: Option<u32>, distinct| min.is_some_and(|min| distinct >= min);
        let min = self.min_ports;
        self.scans.retire(
            window,
            |count| reaches(min, count.distinct),
            |(source, destination), count| {
                let subject = Subject { source: Some(source), destination: Some(destination), detail: Detail::None };
                let evidence = Evidence::AcceptedPorts(count.evidence);
                groups.merge(Rule::PortScan, subject, &count.tally, count.distinct, &evidence);
            },
        );
        let min = self.min_hosts;
        self.sweeps.retire(
            window,
            |count| reaches(min, count.distinct),
            |(source, port), count| {
                let subject = Subject { source: Some(source), destination: None, detail: Detail::Port(port) };
                let evidence = Evidence::AcceptedHosts(count.evidence);
                groups.merge(Rule::HostSweep, subject, &count.tally, count.distinct, &evidence);
            },
        );
        let min = self.min_egress;
        self.egress.retire(
            window,
            |count| min.is_some_and(|min| count.tally.bytes >= min),
            |source, count| {
                let destination = count.destination.get();
                let subject = Subject { source: Some(source), destination, detail: Detail::None };
                groups.merge(Rule::LargeEgress, subject, &count.tally, 0, &Evidence::Destinations(count.evidence));
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of that many: a power of two of slots, each with a byte of its own, and half as many that move.
    fn bytes(max: usize, slot: usize) -> usize {
        let slots = max.next_power_of_two();
        (slots + slots / 2) * (slot + 1)
    }

    #[test]
    fn full_tables_stay_below_what_is_documented() {
        for (limits, tables, members) in
            [(Limits::FUNCTION, 18, 5), (Limits::FILE, 36, 10), (Limits::WORKSTATION, 288, 80)]
        {
            let of = |slot| bytes(limits.subjects, slot);
            let all = of(size_of::<(((IpAddr, IpAddr), u32), Count<AcceptedPorts>)>())
                + of(size_of::<(((IpAddr, u16), u32), Count<AcceptedHosts>)>())
                + of(size_of::<((IpAddr, u32), Count<Destinations>)>());
            let let_in = limits.let_in * 2 * size_of::<IpAddr>();
            assert!(all + let_in < tables * 1024 * 1024, "{all}");
            assert!(bytes(limits.members, size_of::<(u64, u32)>()) < members * 1024 * 1024);
        }
    }
}
