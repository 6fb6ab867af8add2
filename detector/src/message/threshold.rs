//! The threshold that a finding has reached.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use super::Bytes;
use crate::rules::{Config, Rule};

/// A threshold of a rule. A record must have more than the threshold of `highDataTransfer`; a window needs only as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Threshold {
    value: u64,
    unit: Unit,
    /// `None` if it is about a single record.
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Unit {
    Bytes,
    Ports,
    Addresses,
}

impl Threshold {
    /// The threshold of a rule, if it has one.
    #[must_use]
    pub fn of(rule: Rule, config: &Config) -> Option<Self> {
        let (value, unit) = match rule {
            Rule::HighDataTransfer => (config.high_transfer_bytes, Unit::Bytes),
            Rule::LargeEgress => (config.large_egress_min_bytes, Unit::Bytes),
            Rule::PortScan => (config.port_scan_min_ports.into(), Unit::Ports),
            Rule::HostSweep => (config.host_sweep_min_hosts.into(), Unit::Addresses),
            Rule::SensitivePortAccepted
            | Rule::RejectedTcp
            | Rule::SensitivePortRejected
            | Rule::UnusualProtocol
            | Rule::SkippedRecords => return None,
        };
        let window_seconds = (rule != Rule::HighDataTransfer).then_some(config.window_seconds);
        Some(Self { value, unit, window_seconds })
    }
}

impl Display for Threshold {
    /// `500.0 MB in 300 seconds`
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.unit {
            Unit::Bytes => Bytes(self.value).fmt(f)?,
            Unit::Ports => write!(f, "{} ports", self.value)?,
            Unit::Addresses => write!(f, "{} addresses", self.value)?,
        }
        match self.window_seconds {
            Some(seconds) => write!(f, " in {seconds} seconds"),
            None => f.write_str(" in one record"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_those_of_the_settings() {
        let config = Config { window_seconds: 60, host_sweep_min_hosts: 7, ..Config::default() };
        let texts: Vec<_> =
            Rule::ALL.into_iter().filter_map(|rule| Threshold::of(rule, &config)).map(|it| it.to_string()).collect();
        assert_eq!(
            texts,
            ["50.0 MB in one record", "500.0 MB in 60 seconds", "20 ports in 60 seconds", "7 addresses in 60 seconds"]
        );
    }
}
