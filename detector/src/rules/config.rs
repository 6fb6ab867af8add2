//! The settings of the rules: the operator writes them from `spec.detector`.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Rule, Severity};

/// Thresholds and switches. As JSON every member may be left out; unknown ones are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Config {
    /// Rules that are switched off.
    pub disabled: BTreeSet<Rule>,
    /// IANA's numbers of the protocols that are not unusual.
    pub expected_protocols: BTreeSet<u8>,
    /// [`Rule::HighDataTransfer`] fires above this many bytes in one record.
    pub high_transfer_bytes: u64,
    /// [`Rule::HostSweep`] fires from this many targets on.
    pub host_sweep_min_hosts: u32,
    /// [`Rule::LargeEgress`] fires from this many bytes in a window on.
    pub large_egress_min_bytes: u64,
    /// The lowest severity that is published.
    pub min_severity: Severity,
    /// [`Rule::PortScan`] fires from this many ports on.
    pub port_scan_min_ports: u32,
    /// Ports that no public address should reach.
    pub sensitive_ports: BTreeSet<u16>,
    /// Networks that are not public, besides the private ones. A function has them in its package, so they are not
    /// written; they are still read, because the environment of a function is replaced after its code.
    #[serde(skip_serializing, deserialize_with = "cidrs::deserialize")]
    pub trusted_cidrs: Vec<IpNet>,
    /// The length of a window in seconds. Windows begin at multiples of it.
    pub window_seconds: u32,
}

impl Config {
    /// The settings of a monitor that sets none: LOW findings, ordinary on the internet, are counted and not published.
    #[must_use]
    pub fn of_monitor() -> Self {
        Self { min_severity: Severity::Medium, ..Self::default() }
    }
}

impl Default for Config {
    /// Reports everything, as for files.
    fn default() -> Self {
        Self {
            disabled: BTreeSet::new(),
            expected_protocols: [1, 6, 17, 58].into(),
            high_transfer_bytes: 50_000_000,
            host_sweep_min_hosts: 50,
            large_egress_min_bytes: 500_000_000,
            min_severity: Severity::Low,
            port_scan_min_ports: 20,
            sensitive_ports: [22, 23, 445, 1433, 2375, 3306, 3389, 5432, 5900, 6379, 9200, 11211, 27017].into(),
            trusted_cidrs: Vec::new(),
            window_seconds: 300,
        }
    }
}

/// Networks as text: `203.0.113.0/24`.
pub(crate) mod cidrs {
    use ipnet::IpNet;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub fn serialize<S: Serializer>(networks: &[IpNet], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(networks.iter().map(ToString::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let network = |text: String| {
            let network: IpNet = text.parse().map_err(|_| {
                D::Error::custom(format!("`{text}` is not a network in CIDR notation, such as 203.0.113.0/24"))
            })?;
            // A network that is wider than meant would hide traffic.
            if network.trunc() == network {
                Ok(network)
            } else {
                let meant = network.trunc();
                Err(D::Error::custom(format!("`{text}` has address bits beyond the prefix length; write {meant}")))
            }
        };
        texts.into_iter().map(network).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default_and_what_is_misspelt_is_refused() {
        assert_eq!(serde_json::from_str::<Config>("{}").unwrap(), Config::default());
        let config: Config = serde_json::from_str(
            r#"{"disabled":["rejectedTcp"],"minSeverity":"HIGH","trustedCidrs":["203.0.113.0/24"]}"#,
        )
        .unwrap();
        assert_eq!(config.disabled, [Rule::RejectedTcp].into());
        assert_eq!(config.min_severity, Severity::High);
        assert_eq!(config.trusted_cidrs.len(), 1);
        assert_eq!(config.window_seconds, 300);
        for bad in [r#"{"disabled":["rejected"]}"#, r#"{"windowsSeconds":1}"#, r#"{"trustedCidrs":["10.0.0.0"]}"#] {
            assert!(serde_json::from_str::<Config>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rules_are_called_in_json_what_they_are_called_elsewhere() {
        for rule in Rule::ALL {
            assert_eq!(serde_json::to_value(rule).unwrap(), rule.name());
            assert_eq!(serde_json::to_value(rule.severity()).unwrap(), rule.severity().to_string());
        }
    }
}
