//! Decides whether an address is public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The networks that are not public: those that no router of the internet carries, and the trusted ones.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    trusted: Vec<IpNet>,
}

impl Networks {
    /// With `trusted` networks besides the private ones.
    #[must_use]
    pub fn new(trusted: Vec<IpNet>) -> Self {
        Self { trusted }
    }

    /// True if `address` is on the internet and not trusted.
    #[inline]
    #[must_use]
    pub fn is_public(&self, address: IpAddr) -> bool {
        // An IPv4 address written as one of IPv6 is still that address.
        let address = if address.is_ipv6() { address.to_canonical() } else { address };
        let routed = match address {
            IpAddr::V4(address) => is_routed_v4(address),
            IpAddr::V6(address) => is_routed_v6(address),
        };
        routed && !self.trusted.iter().any(|network| network.contains(&address))
    }
}

/// See IANA's IPv4 Special-Purpose Address Registry. Documentation networks count as public: examples use them so.
#[inline]
fn is_routed_v4(address: Ipv4Addr) -> bool {
    let [a, b, _, _] = address.octets();
    !matches!(
        (a, b),
        (0 | 10 | 127 | 224.., _) | (172, 16..=31) | (192, 168) | (169, 254) | (100, 64..=127) | (198, 18 | 19)
    )
}

/// See IANA's IPv6 Special-Purpose Address Registry.
fn is_routed_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    !(address.is_unspecified()
        || address.is_loopback()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
        || first & 0xff00 == 0xff00)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        Networks::new(vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()])
            .is_public(address.parse().unwrap())
    }

    #[test]
    fn the_edges_of_every_private_network() {
        for private in [
            "10.0.0.0",
            "10.255.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.19.0.1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "::1",
            "::",
            "::ffff:10.0.0.1",
            "::ffff:203.0.113.9",
            "203.0.113.9",
            "2001:db8::9",
        ] {
            assert!(!public(private), "{private}");
        }
        for address in [
            "9.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.0.1",
            "192.169.0.1",
            "169.253.0.1",
            "100.63.255.255",
            "100.128.0.0",
            "198.17.0.1",
            "223.255.255.255",
            "203.0.112.255",
            "203.0.114.0",
            "fe00::1",
            "fec0::1",
            "2001:db9::1",
            "2600:1f00::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(public(address), "{address}");
        }
    }
}
