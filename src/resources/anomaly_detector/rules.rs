//! What the anomaly detector's rules are called: shared by its settings and the dashboard.

use crate::api::spec::DetectorRules;

/// A rule of the anomaly detector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "`DetectorRules` describes them")]
pub enum Rule {
    HighDataTransfer,
    LargeEgress,
    SensitivePortAccepted,
    PortScan,
    HostSweep,
    RejectedTcp,
    SensitivePortRejected,
    UnusualProtocol,
    SkippedRecords,
}

impl Rule {
    /// Every rule, the most severe first.
    pub const ALL: [Self; 9] = [
        Self::HighDataTransfer,
        Self::LargeEgress,
        Self::SensitivePortAccepted,
        Self::PortScan,
        Self::HostSweep,
        Self::RejectedTcp,
        Self::SensitivePortRejected,
        Self::UnusualProtocol,
        Self::SkippedRecords,
    ];

    /// Its name in the detector's settings, metrics and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HighDataTransfer => "high_data_transfer",
            Self::LargeEgress => "large_egress",
            Self::SensitivePortAccepted => "sensitive_port_accepted",
            Self::PortScan => "port_scan",
            Self::HostSweep => "host_sweep",
            Self::RejectedTcp => "rejected_tcp",
            Self::SensitivePortRejected => "sensitive_port_rejected",
            Self::UnusualProtocol => "unusual_protocol",
            Self::SkippedRecords => "skipped_records",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::HighDataTransfer => "High data transfer",
            Self::LargeEgress => "Large egress",
            Self::SensitivePortAccepted => "Sensitive port accepted",
            Self::PortScan => "Port scan",
            Self::HostSweep => "Host sweep",
            Self::RejectedTcp => "Rejected TCP",
            Self::SensitivePortRejected => "Sensitive port rejected",
            Self::UnusualProtocol => "Unusual protocol",
            Self::SkippedRecords => "Skipped records",
        }
    }

    /// False if the spec switches it off.
    #[must_use]
    pub const fn enabled(self, rules: &DetectorRules) -> bool {
        match self {
            Self::HighDataTransfer => rules.high_data_transfer.enabled,
            Self::LargeEgress => rules.large_egress.enabled,
            Self::SensitivePortAccepted => rules.sensitive_port_accepted.enabled,
            Self::PortScan => rules.port_scan.enabled,
            Self::HostSweep => rules.host_sweep.enabled,
            Self::RejectedTcp => rules.rejected_tcp.enabled,
            Self::SensitivePortRejected => rules.sensitive_port_rejected.enabled,
            Self::UnusualProtocol => rules.unusual_protocol.enabled,
            Self::SkippedRecords => rules.skipped_records.enabled,
        }
    }
}

#[cfg(test)]
impl Rule {
    /// Its name in the spec: `port_scan` is `portScan` there.
    pub(crate) fn field(self) -> String {
        let word = |(number, word): (usize, &str)| match number {
            0 => word.to_owned(),
            _ => word[..1].to_uppercase() + &word[1..],
        };
        self.name().split('_').enumerate().map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_rule_of_the_spec_is_one_and_has_its_own_switch() {
        let spec = serde_json::to_value(DetectorRules::default()).unwrap();
        let fields: BTreeSet<_> = spec.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, Rule::ALL.map(Rule::field).into());
        for off in Rule::ALL {
            let rules: DetectorRules = serde_json::from_value(json!({off.field(): {"enabled": false}})).unwrap();
            let disabled: Vec<_> = Rule::ALL.into_iter().filter(|rule| !rule.enabled(&rules)).collect();
            assert_eq!(disabled, [off]);
        }
    }
}
