//! The settings of the rules as a monitor declares them: `spec.detector`, and the networks that the whole spec trusts.

use std::collections::BTreeSet;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::config::cidrs;
use super::{Config, Rule, Severity};

/// The part of a monitor's spec that is about the rules; the rest is passed over.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeclaredSpec {
    detector: Declared,
    detections: Detections,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detections {
    external_connections: ExternalConnections,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ExternalConnections {
    #[serde(deserialize_with = "cidrs::deserialize")]
    trusted_cidrs: Vec<IpNet>,
}

/// `spec.detector`. Fields that are left out have their defaults, unknown ones are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Declared {
    min_severity: Option<Severity>,
    window_seconds: Option<u32>,
    high_transfer_bytes: Option<u64>,
    sensitive_ports: Option<BTreeSet<u16>>,
    rules: Rules,
    // Rules of users and suppressions do not change the settings of the detector's own rules.
    #[serde(rename = "customRules")]
    _custom_rules: IgnoredAny,
    #[serde(rename = "suppress")]
    _suppress: IgnoredAny,
    // Settings of the function, which are not about the rules.
    #[serde(rename = "renotifyAfter")]
    _renotify_after: IgnoredAny,
    #[serde(rename = "enabled")]
    _enabled: IgnoredAny,
    #[serde(rename = "source")]
    _source: IgnoredAny,
    #[serde(rename = "memoryMb")]
    _memory_mb: IgnoredAny,
    #[serde(rename = "timeoutSeconds")]
    _timeout_seconds: IgnoredAny,
    #[serde(rename = "logRetentionDays")]
    _log_retention_days: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Rules {
    high_data_transfer: Switch,
    large_egress: LargeEgress,
    sensitive_port_accepted: Switch,
    port_scan: PortScan,
    host_sweep: HostSweep,
    rejected_tcp: Switch,
    sensitive_port_rejected: Switch,
    unusual_protocol: UnusualProtocol,
    skipped_records: Switch,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Switch {
    enabled: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct LargeEgress {
    enabled: Option<bool>,
    min_bytes: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct PortScan {
    enabled: Option<bool>,
    min_ports: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct HostSweep {
    enabled: Option<bool>,
    min_hosts: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct UnusualProtocol {
    enabled: Option<bool>,
    expected_protocols: Option<BTreeSet<u8>>,
}

impl Rules {
    const fn switch(&self, rule: Rule) -> Option<bool> {
        match rule {
            Rule::HighDataTransfer => self.high_data_transfer.enabled,
            Rule::LargeEgress => self.large_egress.enabled,
            Rule::SensitivePortAccepted => self.sensitive_port_accepted.enabled,
            Rule::PortScan => self.port_scan.enabled,
            Rule::HostSweep => self.host_sweep.enabled,
            Rule::RejectedTcp => self.rejected_tcp.enabled,
            Rule::SensitivePortRejected => self.sensitive_port_rejected.enabled,
            Rule::UnusualProtocol => self.unusual_protocol.enabled,
            Rule::SkippedRecords => self.skipped_records.enabled,
        }
    }
}

impl From<Declared> for Config {
    fn from(declared: Declared) -> Self {
        let Declared { min_severity, window_seconds, high_transfer_bytes, sensitive_ports, rules, .. } = declared;
        let default = Self::default();
        Self {
            disabled: Rule::ALL.into_iter().filter(|rule| rules.switch(*rule) == Some(false)).collect(),
            expected_protocols: rules.unusual_protocol.expected_protocols.unwrap_or(default.expected_protocols),
            high_transfer_bytes: high_transfer_bytes.unwrap_or(default.high_transfer_bytes),
            host_sweep_min_hosts: rules.host_sweep.min_hosts.unwrap_or(default.host_sweep_min_hosts),
            large_egress_min_bytes: rules.large_egress.min_bytes.unwrap_or(default.large_egress_min_bytes),
            min_severity: min_severity.unwrap_or(Self::of_monitor().min_severity),
            port_scan_min_ports: rules.port_scan.min_ports.unwrap_or(default.port_scan_min_ports),
            sensitive_ports: sensitive_ports.unwrap_or(default.sensitive_ports),
            trusted_cidrs: default.trusted_cidrs,
            window_seconds: window_seconds.unwrap_or(default.window_seconds),
        }
    }
}

impl From<DeclaredSpec> for Config {
    fn from(spec: DeclaredSpec) -> Self {
        Self { trusted_cidrs: spec.detections.external_connections.trusted_cidrs, ..spec.detector.into() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn declared(detector: Value) -> Result<Config, serde_json::Error> {
        serde_json::from_value::<Declared>(detector).map(Config::from)
    }

    #[test]
    fn a_rule_is_switched_off_under_its_own_name() {
        assert_eq!(declared(json!({})).unwrap(), Config::of_monitor());
        for rule in Rule::ALL {
            let config = declared(json!({"rules": {rule.name(): {"enabled": false}}})).unwrap();
            assert_eq!(config, Config { disabled: [rule].into(), ..Config::of_monitor() });
        }
    }

    #[test]
    fn settings_of_the_function_are_passed_over_and_unknown_ones_refused() {
        let config =
            declared(json!({"enabled": true, "memoryMb": 256, "rules": {"portScan": {"minPorts": 7}}})).unwrap();
        assert_eq!(config, Config { port_scan_min_ports: 7, ..Config::of_monitor() });
        for unknown in [json!({"disabled": []}), json!({"rules": {"portScan": {"minHosts": 7}}})] {
            assert!(declared(unknown.clone()).unwrap_err().to_string().starts_with("unknown field"), "{unknown}");
        }
    }
}
