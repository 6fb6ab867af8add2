use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::distinct;

/// The rules of the detector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DetectorRules {
    /// A single flow of more than `highTransferBytes`. Severity HIGH. Needs the field bytes.
    pub high_data_transfer: Switch,
    /// A rejected TCP flow. Severity LOW. Needs the fields action and protocol.
    pub rejected_tcp: Switch,
    /// One source that tries many ports of one target. Severity MEDIUM. Needs the fields srcaddr or pkt-srcaddr, dstaddr or pkt-dstaddr, and
    /// dstport.
    pub port_scan: PortScan,
    /// One source that tries one port of many targets. Severity MEDIUM. Needs the fields srcaddr or pkt-srcaddr, dstaddr or pkt-dstaddr, and
    /// dstport. CloudWatch Logs hands the function the records of one network interface at a time: a sweep is seen at the interface that it
    /// comes from, or at one that it passes through.
    pub host_sweep: HostSweep,
    /// An accepted flow from a public address to one of `sensitivePorts`. Severity HIGH. Needs the fields srcaddr or pkt-srcaddr, dstport and
    /// action.
    pub sensitive_port_accepted: Switch,
    /// A rejected flow from a public address to one of `sensitivePorts`. Severity LOW. Needs the fields srcaddr or pkt-srcaddr, dstport and
    /// action.
    pub sensitive_port_rejected: Switch,
    /// One source that sends many bytes to public addresses, in all its flows together. Severity HIGH. Needs the fields srcaddr or
    /// pkt-srcaddr, dstaddr or pkt-dstaddr, and bytes.
    pub large_egress: LargeEgress,
    /// A flow of a protocol that is not expected. Severity LOW. Needs the field protocol.
    pub unusual_protocol: UnusualProtocol,
    /// AWS could not capture records (SKIPDATA): what happened then is unknown. Severity LOW. Needs the field log-status.
    pub skipped_records: Switch,
}

/// A rule without thresholds of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Switch {
    /// False switches the rule off. Default true.
    pub enabled: bool,
}

impl Default for Switch {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// Many ports of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PortScan {
    /// False switches the rule off. Default true.
    pub enabled: bool,
    /// A finding begins at this many different destination ports of one target within `windowSeconds`, 2 to 65535. Default 20.
    #[schemars(range(min = 2, max = 65535))]
    pub min_ports: i32,
}

impl Default for PortScan {
    fn default() -> Self {
        Self { enabled: true, min_ports: 20 }
    }
}

/// Many targets on one port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct HostSweep {
    /// False switches the rule off. Default true.
    pub enabled: bool,
    /// A finding begins at this many different targets on one port within `windowSeconds`, 2 to 65535. Default 50.
    #[schemars(range(min = 2, max = 65535))]
    pub min_hosts: i32,
}

impl Default for HostSweep {
    fn default() -> Self {
        Self { enabled: true, min_hosts: 50 }
    }
}

/// Many bytes to public addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LargeEgress {
    /// False switches the rule off. Default true.
    pub enabled: bool,
    /// A finding begins at this many bytes within `windowSeconds`. Default 500000000 (500 MB).
    #[schemars(range(min = 1))]
    pub min_bytes: i64,
}

impl Default for LargeEgress {
    fn default() -> Self {
        Self { enabled: true, min_bytes: 500_000_000 }
    }
}

/// A protocol that is not expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct UnusualProtocol {
    /// False switches the rule off. Default true.
    pub enabled: bool,
    /// Protocols that are no finding, by their IANA numbers (0 to 255), 1 to 32 different ones. Default 1 (ICMP), 6 (TCP), 17 (UDP) and 58
    /// (ICMP of IPv6). A list given here replaces the default.
    #[schemars(length(min = 1, max = 32), inner(range(min = 0, max = 255)))]
    #[schemars(extend("x-kubernetes-validations" = [
        distinct("a protocol may be named once only in expectedProtocols: take out the repeated one")
    ]))]
    pub expected_protocols: Vec<i32>,
}

impl Default for UnusualProtocol {
    fn default() -> Self {
        Self { enabled: true, expected_protocols: vec![1, 6, 17, 58] }
    }
}
