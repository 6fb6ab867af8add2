//! Names and networks that the saved queries of Athena and of Logs Insights share.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::table::column_name;
use crate::api::FlowLogField::{self, DstAddr, PktDstAddr, PktSrcAddr, SrcAddr};
use crate::monitor::Monitor;
use crate::resources::common::networks::PRIVATE;

/// Shared address space (RFC 6598), which VPCs use for pods.
const SHARED: IpNet = IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(100, 64, 0, 0)), 10);

/// The fields that name sender and receiver. At a NAT gateway, a transit gateway or a load balancer `srcaddr` and `dstaddr` are those of
/// its interface. Only the packet's own addresses are those of the real sender and receiver, and only they allow a query to count traffic
/// once that several interfaces record.
pub fn ends(fields: &[FlowLogField]) -> Option<[FlowLogField; 2]> {
    [[PktSrcAddr, PktDstAddr], [SrcAddr, DstAddr]]
        .into_iter()
        .find(|ends| ends.iter().all(|field| fields.contains(field)))
}

/// Name of a field in queries of Logs Insights. It differs from all discovered names: a query cannot define a discovered field again.
#[must_use]
pub fn alias(field: FlowLogField) -> String {
    format!("flow_{}", column_name(field))
}

/// Networks that are not external: private and shared ones, and those that the spec trusts.
pub fn inside(monitor: &Monitor) -> Vec<IpNet> {
    // Admission rejects invalid networks, and the metric filter that needs them reports them.
    let trusted =
        monitor.spec.detections.external_connections.trusted_cidrs.iter().filter_map(|cidr| cidr.parse().ok());
    IpNet::aggregate(&PRIVATE.into_iter().chain([SHARED]).chain(trusted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;

    #[test]
    fn the_packets_own_addresses_are_preferred_in_pairs() {
        assert_eq!(ends(&[SrcAddr, DstAddr, PktSrcAddr, PktDstAddr]), Some([PktSrcAddr, PktDstAddr]));
        assert_eq!(ends(&[SrcAddr, DstAddr, PktSrcAddr]), Some([SrcAddr, DstAddr]));
        assert_eq!(ends(&[SrcAddr, PktDstAddr]), None);
    }

    #[test]
    fn trusted_networks_are_inside() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detections.external_connections.trusted_cidrs =
            vec!["203.0.113.0/24".into(), "10.1.0.0/16".into(), "2001:db8::/32".into()];
        let networks: Vec<_> = inside(&fixtures::with_spec(spec)).iter().map(ToString::to_string).collect();
        assert_eq!(
            networks,
            [
                "10.0.0.0/8",
                "100.64.0.0/10",
                "169.254.0.0/16",
                "172.16.0.0/12",
                "192.168.0.0/16",
                "203.0.113.0/24",
                "2001:db8::/32",
                "fc00::/7",
                "fe80::/10"
            ]
        );
    }
}
