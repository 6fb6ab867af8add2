//! The rules of users, as the detector reads them from its package, with the outcomes of their tests.

use detector::custom_rule::CustomRule;
use detector::format::LogFormat;
use detector::rule_tests::{self, RuleTest, TestOutcome};
use flow_log_fields::Field;
use ipnet::IpNet;
use serde_json::json;

use crate::api::{Invalid, spec};
use crate::resources::common::condition_tests::{self, first_failure};
use crate::resources::common::entry_error::{EntryError, compile};

pub(super) const CUSTOM_RULES: &str = "detector.customRules";

/// A valid rule with its tests.
#[derive(Debug)]
pub struct TestedRule {
    /// The rule as the function has it.
    pub rule: CustomRule,
    /// The field that the rule needs and the format lacks: the rule is idle, and its tests are not run.
    pub missing: Option<Field>,
    tests: Vec<RuleTest>,
}

impl TestedRule {
    /// The tests with their outcomes.
    #[must_use]
    pub fn outcomes(&self, format: &LogFormat, trusted: &[IpNet]) -> Vec<TestOutcome<'_>> {
        rule_tests::run(&self.rule.when, &self.tests, format, trusted)
    }

    /// True if a failed test counts: one of a rule that is switched off, or that is idle, does not.
    #[must_use]
    pub const fn is_tested(&self) -> bool {
        self.rule.enabled && self.missing.is_none()
    }

    /// The first failed test of the rule at `index` of the list.
    pub(super) fn failure(&self, index: usize, format: &LogFormat, trusted: &[IpNet]) -> Option<Invalid> {
        if !self.is_tested() {
            return None;
        }
        let (place, problem) = first_failure("rule", &self.rule.name, &self.outcomes(format, trusted))?;
        Some(Invalid::failed_test(format!("{CUSTOM_RULES}[{index}].tests[{place}]"), problem))
    }
}

/// The rule as the function has it. One that is switched off must be valid too.
pub(super) fn read(declared: &spec::CustomRule, format: &LogFormat) -> Result<TestedRule, EntryError> {
    compile(&declared.when)?;
    let mut value = json!(declared);
    value.as_object_mut().and_then(|rule| rule.remove("tests"));
    // The function reads the same form.
    let rule: CustomRule = serde_json::from_value(value).map_err(|problem| EntryError::whole(&problem.to_string()))?;
    let tests = condition_tests::read(&declared.tests)?;
    Ok(TestedRule { missing: rule.when.lacks(format), rule, tests })
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use serde_json::Value;

    use super::super::own_rules::OwnRules;
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::conditions::Reason;

    fn rule(changes: &Value) -> Value {
        let mut rule = json!({
            "name": "database_from_elsewhere",
            "severity": "HIGH",
            "when": "action == \"ACCEPT\" && dstport == 5432",
            "description": "Only the bastion may open PostgreSQL.",
            "tests": [
                {"name": "accepted", "matches": true, "record": {"action": "ACCEPT", "dstport": 5432}},
                {"name": "rejected", "matches": false, "record": {"action": "REJECT", "dstport": "5432"}},
            ],
        });
        for (name, value) in changes.as_object().unwrap() {
            rule[name] = value.clone();
        }
        rule
    }

    fn checked(rules: Value) -> Result<Vec<CustomRule>, Invalid> {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        spec.detector.custom_rules = serde_json::from_value(rules).unwrap();
        spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/24".to_owned()];
        Ok(OwnRules::read(&spec, SystemTime::UNIX_EPOCH)?.package_config()?.custom_rules)
    }

    #[test]
    fn the_detector_reads_a_rule_as_it_is_declared() {
        let all = json!({
            "groupBy": ["destination", "interface_id"], "minRecords": 7, "runbook": "https://example.com/a", "mitre": ["T1046"],
        });
        let rules = checked(json!([rule(&all)])).unwrap();
        let mut expected = rule(&all);
        expected["enabled"] = json!(true);
        expected.as_object_mut().unwrap().remove("tests");
        assert_eq!(json!(rules), json!([expected]));
        let defaults = json!(checked(json!([rule(&json!({}))])).unwrap());
        let default = |name: &str| defaults[0][name].clone();
        assert_eq!(
            (default("groupBy"), default("minRecords"), default("runbook"), default("mitre")),
            (json!(["source", "destination"]), json!(1), Value::Null, Value::Null)
        );
    }

    #[test]
    fn rules_that_are_switched_off_are_left_out_and_the_others_sorted() {
        let off = rule(&json!({"name": "off", "enabled": false, "tests": []}));
        let rules = checked(json!([rule(&json!({"name": "b_rule"})), off, rule(&json!({"name": "a_rule"}))])).unwrap();
        assert_eq!(rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["a_rule", "b_rule"]);
        let broken = rule(&json!({"name": "off", "enabled": false, "when": "syn &&"}));
        assert_eq!(checked(json!([broken])).unwrap_err().field, "detector.customRules[0].when");
    }

    #[test]
    fn a_broken_condition_is_named_with_its_place_in_one_line() {
        let error = checked(json!([rule(&json!({"name": "a_rule"})), rule(&json!({"when": "syn &&\n dstprt == 1"}))]));
        let error = error.unwrap_err();
        assert_eq!(error.reason, Reason::InvalidSpec);
        assert_eq!(
            error.to_string(),
            "spec.detector.customRules[1].when: `database_from_elsewhere`, line 2, column 2: there is no field `dstprt`; write \
             `dstport` if you mean it: ^dstprt^ == 1"
        );
        let error = checked(json!([rule(&json!({"name": "portScan"}))])).unwrap_err().to_string();
        assert!(
            error.starts_with("spec.detector.customRules[0]: name `portScan` is not the name of a rule"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_test_is_named_with_its_rule_and_its_record() {
        let failing = json!({"tests": [
            {"name": "hit", "matches": true, "record": {"action": "ACCEPT", "dstport": 5432}},
            {"name": "miss", "matches": true, "record": {"action": "ACCEPT", "dstport": 5433}},
            {"name": "wrong", "matches": false, "record": {"dstprt": 1}},
        ]});
        let error = checked(json!([rule(&failing)])).unwrap_err();
        assert_eq!(error.reason, Reason::TestsFailed);
        assert_eq!(
            error.to_string(),
            "spec.detector.customRules[0].tests[1]: the test `miss` of the rule `database_from_elsewhere` fails: `when` does not \
             match action=ACCEPT dstport=5433, and should (1 more of its tests fail); correct the rule or the test"
        );
        let of = |test: Value| checked(json!([rule(&json!({"tests": [test]}))])).unwrap_err().problem;
        let matches = of(json!({"name": "t", "matches": false, "record": {"action": "ACCEPT", "dstport": 5432}}));
        assert!(matches.contains("`when` matches action=ACCEPT dstport=5432, and should not;"), "{matches}");
        let unknown = of(json!({"name": "t", "matches": false, "record": {"dst\u{202e}\n": 1}}));
        assert!(unknown.contains("flow logs have no field `dst\\u{202e}\\n`"), "{unknown}");
    }

    #[test]
    fn tests_see_the_networks_and_the_fields_of_the_monitor() {
        let public = |matches: bool| json!({"when": "source_public", "tests": [{"name": "t", "matches": matches, "record": {"srcaddr": "203.0.113.7"}}]});
        assert!(checked(json!([rule(&public(false))])).is_ok());
        assert!(checked(json!([rule(&public(true))])).is_err());
        let line = "2 123456789012 eni-1 10.0.3.4 10.0.9.9 50000 5432 6 1 40 1 2 ACCEPT OK";
        let of_line = |line: &str| json!({"tests": [{"name": "t", "matches": true, "line": line}]});
        assert!(checked(json!([rule(&of_line(line))])).is_ok());
        let error = checked(json!([rule(&of_line("2 1"))])).unwrap_err();
        assert_eq!(error.reason, Reason::TestsFailed);
        assert!(error.problem.contains("expected 14 fields, found 2"), "{error}");
        let test = json!({"name": "t", "matches": false, "record": {"tcp_flags": 2}});
        let idle = json!({"when": "syn", "tests": [test]});
        assert!(checked(json!([rule(&idle)])).is_ok(), "the default format has no tcp-flags");
    }
}
