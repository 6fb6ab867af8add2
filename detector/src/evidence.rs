//! The part of a finding that a person asks for first: the ports or hosts where a scan was let in, the addresses that got the data.

use std::net::IpAddr;

use crate::let_in::LetIn;

/// Addresses that are kept in place, and that a sentence has.
pub(crate) const MAX_ADDRESSES: usize = 3;

/// Ports at which a scan was let in: 4 in place, at most 256.
pub type AcceptedPorts = LetIn<u16, 4, 256>;

/// Hosts at which a sweep was let in: 3 in place, at most 64.
pub type AcceptedHosts = LetIn<IpAddr, MAX_ADDRESSES, 64>;

/// The evidence of a finding over a window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Evidence {
    /// None: the finding says all.
    #[default]
    None,
    /// The ports at which a scan was accepted.
    AcceptedPorts(AcceptedPorts),
    /// The hosts at which a sweep was accepted.
    AcceptedHosts(AcceptedHosts),
    /// The destinations that got most of the data.
    Destinations(Destinations),
}

impl Evidence {
    pub(crate) fn merge(&mut self, other: &Self) {
        match (self, other) {
            (Self::AcceptedPorts(ports), Self::AcceptedPorts(others)) => ports.merge(others),
            (Self::AcceptedHosts(hosts), Self::AcceptedHosts(others)) => hosts.merge(others),
            (Self::Destinations(destinations), Self::Destinations(others)) => destinations.merge(others),
            (evidence @ Self::None, _) => evidence.clone_from(other),
            _ => {}
        }
    }

    /// The evidence with the places that let the scan in sorted, those that are `new` first.
    #[must_use]
    pub(crate) fn with_new_first(self, is_new: impl Fn(Place) -> bool) -> Self {
        match self {
            Self::AcceptedPorts(ports) => Self::AcceptedPorts(ports.with_new_first(|port| is_new(Place::Port(port)))),
            Self::AcceptedHosts(hosts) => Self::AcceptedHosts(hosts.with_new_first(|host| is_new(Place::Host(host)))),
            other => other,
        }
    }
}

/// A place that let a scan in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A port of the host that was scanned.
    Port(u16),
    /// A host at the port of the sweep.
    Host(IpAddr),
}

/// The largest destinations. Their bytes are at least those stated: a destination that was not kept from its first record on got more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    kept: [Option<(IpAddr, u64)>; MAX_ADDRESSES],
}

impl Destinations {
    #[inline]
    pub(crate) fn add(&mut self, address: IpAddr, bytes: u64) {
        let known = self.kept.iter_mut().flatten().find(|(known, _)| *known == address);
        if let Some((_, sum)) = known {
            *sum = sum.saturating_add(bytes);
            return;
        }
        // The smallest gives way to a larger one.
        let least = self.kept.iter_mut().min_by_key(|place| place.map_or(0, |(_, sum)| sum));
        if let Some(place) = least
            && place.is_none_or(|(_, sum)| sum < bytes)
        {
            *place = Some((address, bytes));
        }
    }

    fn merge(&mut self, other: &Self) {
        for (address, bytes) in other.kept.into_iter().flatten() {
            self.add(address, bytes);
        }
    }

    /// The destinations kept, the largest first.
    #[must_use]
    pub fn sorted(&self) -> Vec<(IpAddr, u64)> {
        let mut kept: Vec<_> = self.kept.into_iter().flatten().collect();
        kept.sort_unstable_by(|(a, one), (b, other)| other.cmp(one).then_with(|| a.cmp(b)));
        kept
    }

    /// The destination that got more than half of `bytes`.
    #[must_use]
    pub fn main(&self, bytes: u64) -> Option<IpAddr> {
        self.kept.into_iter().flatten().find(|(_, sum)| *sum > bytes / 2).map(|(address, _)| address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::let_in::Room;

    fn address(host: u8) -> IpAddr {
        [198, 51, 100, host].into()
    }

    #[test]
    fn the_largest_destinations_stay_among_many_small_ones() {
        let mut destinations = Destinations::default();
        for host in 1..100 {
            destinations.add(address(host), u64::from(host));
            destinations.add(address(200), 1_000);
        }
        let sorted = destinations.sorted();
        assert_eq!(sorted[0], (address(200), 99_000));
        assert_eq!(sorted.len(), 3);
        assert_eq!(destinations.main(150_000), Some(address(200)));
        assert_eq!(destinations.main(198_000), None, "half is not most");
        let mut others = Destinations::default();
        others.add(address(200), 500);
        others.merge(&destinations);
        assert_eq!(others.sorted()[0], (address(200), 99_500));
    }

    #[test]
    fn evidence_of_two_windows_is_that_of_both() {
        let mut hosts = AcceptedHosts::default();
        hosts.add(address(1), &mut Room(0));
        let mut evidence = Evidence::None;
        evidence.merge(&Evidence::AcceptedHosts(hosts.clone()));
        hosts.add(address(2), &mut Room(0));
        evidence.merge(&Evidence::AcceptedHosts(hosts.clone()));
        assert_eq!(evidence, Evidence::AcceptedHosts(hosts));
    }
}
