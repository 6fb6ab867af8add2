//! Traffic that the emulator simulates, and the deliveries of its flow logs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A kind of traffic in the VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// Web clients, databases, name and time servers, a few rejected packets; an interface without traffic.
    Normal,
    /// An attacker tries one port after the other of one host.
    PortScan,
    /// A host sends flows of over 60 MB each to one public address.
    Exfiltration,
    /// Logins on SSH from one public address, most of them rejected.
    BruteForce,
    /// One public address tries one port of sixty hosts, each once: a network interface sees one packet of it.
    Sweep,
    /// Nothing: records without data.
    Quiet,
    /// All of the above, but for sweep and quiet, by one attacker: [`Scenario::ATTACKER`].
    Attack,
}

impl Scenario {
    /// Address of the attacker, which also receives what is exfiltrated.
    pub const ATTACKER: &str = "198.51.100.66";
}

/// The request for traffic.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Order {
    pub account: String,
    pub region: String,
    pub vpc_id: String,
    pub scenario: Scenario,
    pub minutes: u32,
}

/// The deliveries of a VPC's flow logs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// By flow log id.
    pub flow_logs: BTreeMap<String, Delivery>,
}

/// The records that a flow log delivered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// Name of the log group, or the ARN of the bucket and folder.
    pub destination: String,
    /// Number of records.
    pub delivered: u64,
    /// `DeliverLogsErrorMessage` of a destination that did not accept them, such as `Access error`.
    pub refused: Option<String>,
    /// Keys of the objects.
    pub files: Vec<String>,
    /// Names of the log streams.
    pub streams: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_have_the_emulators_names() {
        let named = |scenario| serde_json::to_value(scenario).unwrap();
        assert_eq!(named(Scenario::PortScan), "port-scan");
        assert_eq!(named(Scenario::BruteForce), "brute-force");
        assert_eq!(named(Scenario::Attack), "attack");
    }
}
