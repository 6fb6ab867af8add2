//! Sets of values, quick to look up.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

/// A set of numbers.
#[derive(Debug)]
pub(super) enum Numbers {
    /// From the first to the last, both included.
    Range(u64, u64),
    /// A bit for each number of 16 bits.
    Small(Box<[u64; 1024]>),
    /// A bit for each number of 8 bits.
    Tiny([u64; 4]),
    /// In ascending order.
    Large(Box<[u64]>),
}

impl Numbers {
    /// The set of `numbers`, in a field whose largest value is `max`.
    pub(super) fn new(mut numbers: Vec<u64>, max: u64) -> Self {
        numbers.sort_unstable();
        numbers.dedup();
        match numbers.as_slice() {
            [only] => Self::Range(*only, *only),
            _ if u8::try_from(max).is_ok() => {
                let mut bits = [0; 4];
                set(&mut bits, &numbers);
                Self::Tiny(bits)
            }
            _ if u16::try_from(max).is_ok() => {
                let mut bits = Box::new([0; 1024]);
                set(bits.as_mut_slice(), &numbers);
                Self::Small(bits)
            }
            _ => Self::Large(numbers.into()),
        }
    }

    /// The numbers; `None` for a range of several.
    pub(super) fn listed(&self) -> Option<Vec<u64>> {
        match self {
            Self::Range(first, last) => (first == last).then(|| vec![*first]),
            Self::Small(bits) => Some(members(bits.as_slice())),
            Self::Tiny(bits) => Some(members(bits)),
            Self::Large(numbers) => Some(numbers.to_vec()),
        }
    }

    /// The first number of each range of the set, and the first one after it.
    pub(super) fn edges(&self) -> Vec<u64> {
        match self {
            Self::Range(first, last) => [Some(*first), last.checked_add(1)].into_iter().flatten().collect(),
            Self::Small(bits) => edges(&members(bits.as_slice())),
            Self::Tiny(bits) => edges(&members(bits)),
            Self::Large(numbers) => edges(numbers),
        }
    }

    #[inline]
    pub(super) fn contains(&self, number: u64) -> bool {
        match self {
            Self::Range(first, last) => (*first..=*last).contains(&number),
            Self::Small(bits) => has(bits.as_slice(), number),
            Self::Tiny(bits) => has(bits, number),
            Self::Large(numbers) => numbers.binary_search(&number).is_ok(),
        }
    }
}

fn set(bits: &mut [u64], numbers: &[u64]) {
    for number in numbers {
        if let Some(word) = usize::try_from(number / 64).ok().and_then(|place| bits.get_mut(place)) {
            *word |= 1 << (number % 64);
        }
    }
}

fn members(bits: &[u64]) -> Vec<u64> {
    let numbers = (0_u64..)
        .zip(bits)
        .flat_map(|(place, word)| (0..64).filter(move |bit| word & (1 << bit) != 0).map(move |bit| 64 * place + bit));
    numbers.collect()
}

/// The numbers and those that follow them.
fn edges(numbers: &[u64]) -> Vec<u64> {
    numbers.iter().flat_map(|number| [Some(*number), number.checked_add(1)]).flatten().collect()
}

#[inline]
fn has(bits: &[u64], number: u64) -> bool {
    let word = usize::try_from(number / 64).ok().and_then(|place| bits.get(place));
    word.is_some_and(|word| word & (1 << (number % 64)) != 0)
}

/// A set of addresses, as ranges of numbers. An IPv4 address written as one of IPv6 is still that address.
#[derive(Debug)]
pub(super) struct Addresses {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl Addresses {
    /// The set of the addresses in `networks`.
    pub(super) fn new(networks: &[IpNet]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in networks {
            match network {
                IpNet::V4(network) => v4.push((network.network().to_bits(), network.broadcast().to_bits())),
                IpNet::V6(network) => {
                    let (first, last) = (network.network(), network.broadcast());
                    if let (Some(first), Some(last)) = (first.to_ipv4_mapped(), last.to_ipv4_mapped()) {
                        v4.push((first.to_bits(), last.to_bits()));
                        continue;
                    }
                    v6.push((first.to_bits(), last.to_bits()));
                    // A wider network has all mapped addresses or none.
                    if network.contains(&Ipv4Addr::UNSPECIFIED.to_ipv6_mapped()) {
                        v4.push((0, u32::MAX));
                    }
                }
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    /// Adds the first address of each range of the set, and the first one after it.
    pub(super) fn edges(&self, v4: &mut Vec<u32>, v6: &mut Vec<u128>) {
        v4.extend(self.v4.0.iter().flat_map(|(first, last)| [Some(*first), last.checked_add(1)]).flatten());
        v6.extend(self.v6.0.iter().flat_map(|(first, last)| [Some(*first), last.checked_add(1)]).flatten());
    }

    /// The networks that together have the addresses.
    pub(super) fn networks(&self) -> Vec<IpNet> {
        let v4 = self.v4.0.iter().flat_map(|(first, last)| Ipv4Subnets::new((*first).into(), (*last).into(), 0));
        let v6 = self.v6.0.iter().flat_map(|(first, last)| Ipv6Subnets::new((*first).into(), (*last).into(), 0));
        v4.map(IpNet::V4).chain(v6.map(IpNet::V6)).collect()
    }

    #[inline]
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(address.to_bits()),
            IpAddr::V6(address) => match address.to_ipv4_mapped() {
                Some(address) => self.v4.contains(address.to_bits()),
                None => self.v6.contains(address.to_bits()),
            },
        }
    }
}

/// Ranges in ascending order that neither overlap nor touch each other; both ends are included.
#[derive(Debug)]
struct Ranges<T>(Box<[(T, T)]>);

impl<T: Copy + Ord> Ranges<T> {
    fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        let mut joined: Vec<(T, T)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match joined.last_mut() {
                Some((_, end)) if first <= *end => *end = last.max(*end),
                _ => joined.push((first, last)),
            }
        }
        Self(joined.into())
    }

    #[inline]
    fn contains(&self, value: T) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= value);
        after.checked_sub(1).and_then(|place| self.0.get(place)).is_some_and(|(_, last)| value <= *last)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn addresses(networks: &[&str]) -> Addresses {
        Addresses::new(&networks.iter().map(|it| it.parse().unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn mapped_addresses_are_those_of_ipv4() {
        let has = |set: &Addresses, address: &str| set.contains(address.parse().unwrap());
        for networks in [["10.0.0.0/8"], ["::ffff:10.0.0.0/104"]] {
            let set = addresses(&networks);
            assert!(has(&set, "10.0.0.1") && has(&set, "::ffff:10.255.255.255"));
            assert!(!has(&set, "11.0.0.0") && !has(&set, "::ffff:9.255.255.255") && !has(&set, "::a00:1"));
        }
        let wide = addresses(&["::/64"]);
        assert!(has(&wide, "10.0.0.1") && has(&wide, "::1") && !has(&wide, "0:0:0:1::"));
    }

    fn network() -> impl Strategy<Value = IpNet> {
        // Few bits differ, so that networks overlap.
        let v4 = (any::<[bool; 3]>(), 0_u8..=32).prop_map(|(bits, len)| {
            let address = [10 + 128 * u8::from(bits[0]), 0, 128 * u8::from(bits[1]), u8::from(bits[2])];
            IpNet::new(address.into(), len).unwrap().trunc()
        });
        let v6 = (0_u16..3, 0_u16..3, 0_u8..=128)
            .prop_map(|(a, b, len)| IpNet::new([0x2001, a, 0, 0, 0, 0, 0, b].into(), len).unwrap().trunc());
        prop_oneof![v4, v6]
    }

    proptest! {
        #[test]
        fn a_set_has_the_addresses_of_its_networks(
            networks in prop::collection::vec(network(), 0..12), others in prop::collection::vec(network(), 0..12),
        ) {
            let set = Addresses::new(&networks);
            for address in networks.iter().chain(&others).flat_map(|it| [it.network(), it.broadcast()]) {
                let mapped = |it: &IpNet| matches!((it, address), (IpNet::V6(it), IpAddr::V4(v4)) if it.contains(&v4.to_ipv6_mapped()));
                let expected = networks.iter().any(|it| it.contains(&address) || mapped(it));
                prop_assert_eq!(set.contains(address), expected, "{}", address);
                prop_assert_eq!(Addresses::new(&set.networks()).contains(address), expected, "{}", address);
            }
        }

        #[test]
        fn a_set_has_its_numbers_and_no_others(
            numbers in prop::collection::vec(0_u64..200, 1..9), other in 0_u64..70_000,
            max in prop::sample::select(vec![255, 65_535, u64::MAX]),
        ) {
            let set = Numbers::new(numbers.clone(), max);
            for number in numbers.iter().copied().chain([other]) {
                prop_assert_eq!(set.contains(number), numbers.contains(&number));
            }
            let mut listed = numbers;
            listed.sort_unstable();
            listed.dedup();
            prop_assert_eq!(set.listed(), Some(listed));
        }
    }
}
