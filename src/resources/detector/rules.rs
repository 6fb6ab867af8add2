//! The rules of the detector that a spec switches on.

use detector::rules::Rule;

use crate::api::spec::{CustomRule, Detector, DetectorRules};

/// False if the spec switches the rule off.
#[must_use]
pub const fn is_enabled(rule: Rule, rules: &DetectorRules) -> bool {
    match rule {
        Rule::HighDataTransfer => rules.high_data_transfer.enabled,
        Rule::LargeEgress => rules.large_egress.enabled,
        Rule::SensitivePortAccepted => rules.sensitive_port_accepted.enabled,
        Rule::PortScan => rules.port_scan.enabled,
        Rule::HostSweep => rules.host_sweep.enabled,
        Rule::RejectedTcp => rules.rejected_tcp.enabled,
        Rule::SensitivePortRejected => rules.sensitive_port_rejected.enabled,
        Rule::UnusualProtocol => rules.unusual_protocol.enabled,
        Rule::SkippedRecords => rules.skipped_records.enabled,
    }
}

/// The rules of the user that a spec switches on.
pub fn enabled_custom_rules(spec: &Detector) -> impl Iterator<Item = &CustomRule> {
    spec.custom_rules.iter().filter(|rule| rule.enabled)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;
    use crate::api::spec::DetectorRule;

    #[test]
    fn suppressions_name_every_rule() {
        for rule in Rule::ALL {
            let named: DetectorRule = serde_json::from_value(json!(rule)).unwrap();
            assert_eq!(json!(named), json!(rule.name()));
        }
    }

    #[test]
    fn every_rule_of_the_spec_is_one_and_has_its_own_switch() {
        let spec = serde_json::to_value(DetectorRules::default()).unwrap();
        let fields: BTreeSet<_> = spec.as_object().unwrap().keys().cloned().collect();
        assert_eq!(fields, Rule::ALL.map(|rule| rule.name().to_owned()).into());
        for off in Rule::ALL {
            let rules: DetectorRules = serde_json::from_value(json!({off.name(): {"enabled": false}})).unwrap();
            let disabled: Vec<_> = Rule::ALL.into_iter().filter(|rule| !is_enabled(*rule, &rules)).collect();
            assert_eq!(disabled, [off]);
        }
    }
}
