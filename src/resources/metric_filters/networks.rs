//! Networks as regular expressions that match an address, as text, exactly if it is in the network.
//!
//! The expressions use what "Supported regular expressions" in the `CloudWatch` Logs user guide lists: no groups, so every alternative is
//! spelled out whole. They rely on the text being an address. IPv6 addresses may be written in full (`2001:db8:0:0:0:0:0:1`) or with
//! their longest run of zeros left out (`2001:db8::1`, RFC 5952); in neither form do groups have leading zeros.

use std::ops::Range;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::digits::{Base, range};

const GROUPS: usize = 8;
const GROUP_BITS: u8 = 16;

/// The alternatives that together match the network's addresses.
#[must_use]
pub fn alternatives(network: &IpNet) -> Vec<String> {
    match network {
        IpNet::V4(network) => ipv4(*network),
        IpNet::V6(network) => ipv6(*network),
    }
}

fn ipv4(network: Ipv4Net) -> Vec<String> {
    let octets = network.network().octets();
    let whole = usize::from(network.prefix_len() / 8);
    let start: String = octets[..whole].iter().map(|octet| octet.to_string() + "\\.").collect();
    let bits = network.prefix_len() % 8;
    match (octets.get(whole), bits) {
        // Only IPv4 addresses have dots.
        (_, 0) if whole == 0 => vec!["\\.".to_owned()],
        (None, _) => vec![format!("^{}$", start.trim_end_matches("\\."))],
        (Some(_), 0) => vec![format!("^{start}")],
        (Some(low), bits) => {
            let end = if whole == 3 { "$" } else { "\\." };
            let high = low | (u8::MAX >> bits);
            let last = range(u32::from(*low), u32::from(high), Base::Ten);
            last.iter().map(|digits| format!("^{start}{digits}{end}")).collect()
        }
    }
}

/// The part of an address that a network fixes: its first groups, and the range of the next one.
struct Known<'a> {
    groups: &'a [u16],
    next: Option<(u16, u16)>,
}

impl Known<'_> {
    /// The count of groups that it fixes or limits.
    fn len(&self) -> usize {
        self.groups.len() + usize::from(self.next.is_some())
    }

    /// The text of these groups from number `from` on, after `start` and before `end`. With `nonzero`, the last is not zero.
    fn spell(&self, start: &str, from: usize, nonzero: bool, end: &str) -> Vec<String> {
        let mut parts: Vec<String> = self.groups[from..].iter().map(|group| format!("{group:x}")).collect();
        let Some((low, high)) = self.next else {
            return vec![format!("{start}{}{end}", parts.join(":"))];
        };
        let low = if nonzero { low.max(1) } else { low };
        range(u32::from(low), u32::from(high), Base::Sixteen)
            .into_iter()
            .map(|digits| {
                parts.push(digits);
                let text = format!("{start}{}{end}", parts.join(":"));
                parts.pop();
                text
            })
            .collect()
    }

    /// The groups before a run of zeros that is left out.
    fn before(&self, run: usize) -> String {
        let parts: Vec<String> = self.groups[..run].iter().map(|group| format!("{group:x}")).collect();
        format!("^{}::", parts.join(":"))
    }

    fn zero_runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for (index, _) in self.groups.iter().enumerate().filter(|(_, group)| **group == 0) {
            match runs.last_mut() {
                Some(run) if run.end == index => run.end += 1,
                _ => runs.push(index..index + 1),
            }
        }
        runs
    }
}

fn ipv6(network: Ipv6Net) -> Vec<String> {
    if network.prefix_len() == 0 {
        // Only IPv6 addresses have colons.
        return vec![":".to_owned()];
    }
    let groups = network.network().segments();
    let whole = usize::from(network.prefix_len() / GROUP_BITS);
    let bits = network.prefix_len() % GROUP_BITS;
    let next = (bits > 0).then(|| (groups[whole], groups[whole] | (u16::MAX >> bits)));
    let known = Known { groups: &groups[..whole], next };

    // First form: none of the known groups is left out of the text.
    let mut all = known.spell("^", 0, false, if known.len() == GROUPS { "$" } else { ":" });
    let runs = known.zero_runs();
    for run in &runs {
        // Second form: the run is left out, and a known group follows. All later groups are written, which fixes the length of the run. A
        // single zero is never left out.
        if run.len() > 1 && run.end < known.len() {
            let rest = ":\\w+".repeat(GROUPS - known.len()) + "$";
            all.extend(known.spell(&known.before(run.start), run.end, run.end == whole, &rest));
        }
    }
    // Third form: the run of zeros that is left out extends to the end of the known groups, or beyond.
    let last_run = runs.last().filter(|run| run.end == whole);
    let run = match known.next {
        Some((0, _)) => Some(last_run.map_or(whole, |run| run.start)),
        Some(_) => None,
        None => last_run.map(|run| run.start),
    };
    if let Some(run) = run {
        // At least two groups are left out; each further group that is known to be zero leaves one fewer to be written after the run.
        let end = if known.len() - run <= 2 { String::new() } else { at_most(GROUPS - known.len()) };
        all.push(known.before(run) + &end);
    }
    all
}

/// An expression for at most this many groups up to the end of the text.
fn at_most(groups: usize) -> String {
    match groups {
        0 => "$".to_owned(),
        groups => format!("\\w*{}$", ":?\\w*".repeat(groups - 1)),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use proptest::prelude::*;

    use super::*;
    use crate::resources::metric_filters::interpreter::regex;

    fn expression(network: &str) -> String {
        alternatives(&network.parse().unwrap()).join("|")
    }

    #[test]
    fn whole_octets_and_groups_need_one_alternative() {
        assert_eq!(expression("10.0.0.0/8"), r"^10\.");
        assert_eq!(expression("203.0.113.7/32"), r"^203\.0\.113\.7$");
        assert_eq!(expression("0.0.0.0/0"), r"\.");
        assert_eq!(expression("2001:db8:abcd::/48"), "^2001:db8:abcd:");
        assert_eq!(expression("fc00::/7"), r"^f[cd]\w\w:");
        assert_eq!(expression("::/0"), ":");
    }

    #[test]
    fn other_prefixes_need_more() {
        assert_eq!(expression("172.16.0.0/12"), r"^172\.1[6-9]\.|^172\.2\d\.|^172\.3[01]\.");
        assert_eq!(expression("198.51.100.8/30"), r"^198\.51\.100\.[89]$|^198\.51\.100\.1[01]$");
        assert_eq!(expression("2001:db8::1/128"), "^2001:db8:0:0:0:0:0:1$|^2001:db8::1$");
        assert_eq!(expression("2001:db8::/64"), "^2001:db8:0:0:|^2001:db8::");
    }

    /// Both ways in which the address may be written.
    fn texts(address: Ipv6Addr) -> Vec<String> {
        let full = address.segments().map(|group| format!("{group:x}")).join(":");
        vec![address.to_string(), full]
    }

    fn group() -> impl Strategy<Value = u16> {
        prop_oneof![4 => Just(0), 1 => 0_u16..=0x1f, 1 => any::<u16>()]
    }

    fn ipv6_network() -> impl Strategy<Value = Ipv6Net> {
        let prefix = prop_oneof![0_u8..=128, (0_u8..=8).prop_map(|groups| groups * 16)];
        (prop::array::uniform8(group()), prefix)
            .prop_map(|(groups, prefix)| Ipv6Net::new(Ipv6Addr::from(groups), prefix).unwrap().trunc())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn an_ipv4_network_matches_its_addresses_and_no_others(network: u32, prefix in 0_u8..=32, other: u32, flip in 0_u8..32) {
            let network = Ipv4Net::new(Ipv4Addr::from(network), prefix).unwrap().trunc();
            let regex = regex(&ipv4(network).join("|"));
            let inside = Ipv4Addr::from(u32::from(network.network()) | (other & u32::from(network.hostmask())));
            let near = Ipv4Addr::from(u32::from(inside) ^ (1 << flip));
            for address in [inside, near, Ipv4Addr::from(other), network.broadcast()] {
                prop_assert_eq!(regex.is_match(&address.to_string()), network.contains(&address), "{} {}", address, regex);
            }
            prop_assert!(!regex.is_match("2001:db8::1"));
        }

        #[test]
        fn an_ipv6_network_matches_its_addresses_and_no_others(
            network in ipv6_network(), host in prop::array::uniform8(group()), flip in 0_u8..128,
        ) {
            let regex = regex(&ipv6(network).join("|"));
            let host = u128::from(Ipv6Addr::from(host));
            let inside = Ipv6Addr::from(u128::from(network.network()) | (host & u128::from(network.hostmask())));
            let near = Ipv6Addr::from(u128::from(inside) ^ (1 << flip));
            for address in [inside, near, Ipv6Addr::from(host), network.broadcast()] {
                // Such addresses never occur on the wire, and are written with dots.
                prop_assume!(address.to_ipv4_mapped().is_none());
                for text in texts(address) {
                    prop_assert_eq!(regex.is_match(&text), network.contains(&address), "{} {}", text, regex);
                }
            }
            prop_assert!(!regex.is_match("192.0.2.1"));
        }

        #[test]
        fn expressions_hold_only_what_cloudwatch_supports(network in ipv6_network(), v4: u32, prefix in 0_u8..=32) {
            let v4 = IpNet::new(IpAddr::V4(Ipv4Addr::from(v4)), prefix).unwrap();
            for expression in alternatives(&IpNet::V6(network)).into_iter().chain(alternatives(&v4)) {
                let supported = |c: char| c.is_ascii_alphanumeric() || r":_#=@/;,-^$?[]{}|\*+.".contains(c);
                prop_assert!(expression.chars().all(supported), "{}", expression);
            }
        }
    }
}
