//! The networks without public addresses, and those that a monitor trusts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{AddrParseError, IpNet};

use super::entry_error::invalid;
use crate::api::{Invalid, VpcFlowMonitorSpec};

/// The field of the spec that names the trusted networks.
pub const TRUSTED_CIDRS: &str = "detections.externalConnections.trustedCidrs";

/// RFC 1918, unique local (RFC 4193) and link-local (RFC 3927, RFC 4291).
pub const PRIVATE: [IpNet; 6] = [
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 0)), 8),
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(172, 16, 0, 0)), 12),
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(192, 168, 0, 0)), 16),
    IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(169, 254, 0, 0)), 16),
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    IpNet::new_assert(IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

/// The networks that the monitor trusts, in the order of the spec.
pub fn trusted(spec: &VpcFlowMonitorSpec) -> Result<Vec<IpNet>, Invalid> {
    let read = |text: &String| {
        text.parse().map_err(|error: AddrParseError| {
            let expected = format!("{error}; write a network in CIDR notation, such as 203.0.113.0/24");
            invalid(TRUSTED_CIDRS, text, expected)
        })
    };
    spec.detections.external_connections.trusted_cidrs.iter().map(read).collect()
}
