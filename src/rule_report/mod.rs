//! Runs the tests of a monitor's own rules, without a cluster and without AWS.

mod junit;
mod text;

use detector::declared_rule::DeclaredRule;
use detector::format::{FormatError, LogFormat};
use detector::rule_tests::{self, TestOutcome};
use detector::suppression::Suppression;
use ipnet::IpNet;
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

pub use junit::render as render_junit;
pub use text::render;

use crate::api::{VpcFlowMonitorSpec, log_format};

/// The rules of several monitors.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Rules and suppressions that are invalid, so that no test of theirs can run.
    pub invalid: usize,
    /// Tests of rules that are idle.
    pub skipped: usize,
    /// The monitors.
    pub monitors: Vec<MonitorReport>,
}

/// The rules of one monitor.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct MonitorReport {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The rules in the order of the spec.
    pub rules: Vec<RuleReport>,
    /// Invalid suppressions. Suppressions have no tests.
    pub suppress: Vec<InvalidEntry>,
}

/// A rule with its tests.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// The name of the rule.
    pub rule: String,
    /// The reason the rule is invalid, with the line of its condition and a caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The field that the rule needs and `cloudWatchLogs.fields` lacks: the rule is idle, and its tests do not run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_field: Option<&'static str>,
    /// The tests in the order of the spec.
    pub tests: Vec<TestReport>,
}

/// A test.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct TestReport {
    /// The name of the test.
    pub name: String,
    /// The outcome.
    pub result: TestResult,
    /// True if the condition should match.
    pub expected: bool,
    /// True if the condition matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub got: Option<bool>,
    /// The reason the record is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The record in one line.
    pub record: String,
}

/// The outcome of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TestResult {
    /// The condition does as expected.
    Passed,
    /// It does not, or the record is invalid.
    Failed,
    /// The rule is idle.
    Skipped,
}

/// An entry that is invalid.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct InvalidEntry {
    /// Its name.
    pub name: String,
    /// The reason.
    pub problem: String,
}

/// A spec whose rules cannot be judged.
#[derive(Debug, Error)]
pub enum SpecError {
    /// The format of the flow log is invalid.
    #[error("spec.cloudWatchLogs.fields: {0}")]
    Fields(#[from] FormatError),
    /// A network is invalid.
    #[error("spec.detections.externalConnections.trustedCidrs: `{0}` is not a network in CIDR notation")]
    Network(String),
}

impl Report {
    /// The report on `monitors`.
    #[must_use]
    pub fn new(monitors: Vec<MonitorReport>) -> Self {
        let rules = || monitors.iter().flat_map(|monitor| &monitor.rules);
        let tests = |result| rules().flat_map(|rule| &rule.tests).filter(|test| test.result == result).count();
        let invalid = rules().filter(|rule| rule.problem.is_some()).count();
        let suppressions = monitors.iter().map(|monitor| monitor.suppress.len()).sum::<usize>();
        Self {
            passed: tests(TestResult::Passed),
            failed: tests(TestResult::Failed),
            skipped: tests(TestResult::Skipped),
            invalid: invalid + suppressions,
            monitors,
        }
    }

    /// True if no test failed and every rule is valid.
    #[must_use]
    pub const fn passes(&self) -> bool {
        self.failed == 0 && self.invalid == 0
    }
}

/// Runs the tests of the monitor called `name`, also those of rules that are switched off.
pub fn of_monitor(name: &str, spec: &VpcFlowMonitorSpec) -> Result<MonitorReport, SpecError> {
    let format: LogFormat = log_format(spec.detector_fields()).parse()?;
    let network = |text: &String| text.parse().map_err(|_| SpecError::Network(text.clone()));
    let trusted = spec.detections.external_connections.trusted_cidrs.iter().map(network);
    let trusted: Vec<IpNet> = trusted.collect::<Result<_, _>>()?;
    // The function reads the same form.
    Ok(of_detector(name, &json!(spec.detector), &format, &trusted))
}

/// As [`of_monitor`], for the JSON of `spec.detector`.
fn of_detector(name: &str, detector: &Value, format: &LogFormat, trusted: &[IpNet]) -> MonitorReport {
    let entries = |field: &str| detector[field].as_array().into_iter().flatten();
    let invalid = |entry: &Value| {
        let error = serde_json::from_value::<Suppression>(entry.clone()).err()?;
        Some(InvalidEntry { name: name_of(entry), problem: error.to_string() })
    };
    MonitorReport {
        monitor: name.to_owned(),
        rules: entries("customRules").map(|rule| of_rule(rule, format, trusted)).collect(),
        suppress: entries("suppress").filter_map(invalid).collect(),
    }
}

fn of_rule(value: &Value, format: &LogFormat, trusted: &[IpNet]) -> RuleReport {
    let report = RuleReport { rule: name_of(value), problem: None, missing_field: None, tests: Vec::new() };
    let DeclaredRule { rule, tests } = match serde_json::from_value(value.clone()) {
        Ok(declared) => declared,
        Err(error) => return RuleReport { problem: Some(error.to_string()), ..report },
    };
    let missing = rule.when.lacks(format);
    let outcomes = rule_tests::run(&rule, &tests, format, trusted);
    RuleReport {
        missing_field: missing.map(flow_log_fields::Field::name),
        tests: outcomes.iter().map(|outcome| of_test(outcome, missing.is_some())).collect(),
        ..report
    }
}

fn of_test(outcome: &TestOutcome<'_>, is_idle: bool) -> TestReport {
    let TestOutcome { test, matched } = outcome;
    let result = match (is_idle, outcome.passed()) {
        (true, _) => TestResult::Skipped,
        (false, true) => TestResult::Passed,
        (false, false) => TestResult::Failed,
    };
    TestReport {
        name: test.name.clone(),
        result,
        expected: test.matches,
        got: matched.as_ref().ok().copied().filter(|_| !is_idle),
        problem: matched.as_ref().err().filter(|_| !is_idle).map(ToString::to_string),
        record: test.input.to_string(),
    }
}

fn name_of(entry: &Value) -> String {
    entry["name"].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod fixtures {
    use super::*;

    /// A rule with `when` and the tests: names with the expected outcome and a record.
    pub fn rule(name: &str, when: &str, tests: &Value) -> Value {
        json!({"name": name, "severity": "HIGH", "when": when, "description": "d", "tests": tests})
    }

    /// A report with each outcome.
    pub fn report() -> Report {
        let record = |name: &str, matches: bool, port: u16| json!({"name": name, "matches": matches, "record": {"action": "ACCEPT", "dstport": port}});
        let rules = [
            rule("database", "dstport == 5432", &json!([record("other port", false, 80), record("port", true, 5432)])),
            rule(
                "smb_out",
                "dstport == 445",
                &json!([
                    record("<web> & \"more\"", true, 80),
                    record("smb", true, 445),
                    {"name": "misspelt", "matches": true, "record": {"dstprt": 445}},
                ]),
            ),
            rule("typo", "action == \"ACCEPT\" && dstprt == 22", &json!([record("port", true, 22)])),
            rule("scan", "syn && !ack", &json!([record("syn", true, 22)])),
            rule("without", "dstport == 1", &json!([])),
        ];
        let suppress = [json!({"name": "scanner", "when": "source", "until": "2027-03-01T00:00:00Z", "reason": "r"})];
        let detector = json!({"customRules": rules, "suppress": suppress});
        Report::new(vec![of_detector("network/shop", &detector, &LogFormat::aws_default(), &[])])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_outcome() {
        let report = fixtures::report();
        assert_eq!((report.passed, report.failed, report.skipped, report.invalid), (3, 2, 1, 2));
        assert!(!report.passes());
        let rules = &report.monitors[0].rules;
        assert_eq!(rules[3].missing_field, Some("tcp-flags"));
        let problem = rules[2].problem.as_deref().unwrap();
        assert!(problem.starts_with("line 1, column 23: there is no field `dstprt`"), "{problem}");
        let failed = &rules[1].tests[0];
        assert_eq!((failed.result, failed.expected, failed.got), (TestResult::Failed, true, Some(false)));
        assert!(rules[1].tests[2].problem.as_deref().is_some_and(|problem| problem.contains("no field `dstprt`")));
    }

    #[test]
    fn a_monitor_without_rules_passes() {
        let spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        let report = Report::new(vec![of_monitor("network/shop", &spec).unwrap()]);
        assert!(report.passes());
        assert_eq!(report.passed, 0);
    }

    /// Every rule of the examples has tests of both outcomes, a runbook and techniques of MITRE ATT&CK.
    #[test]
    fn the_rules_of_the_examples_pass_their_tests() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rules");
        let mut rules = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let monitor: Value = serde_yaml_ng::from_str(&text).unwrap();
            let spec = &monitor["spec"];
            let fields = spec["cloudWatchLogs"]["fields"].as_array();
            let names = fields.map(|fields| fields.iter().filter_map(Value::as_str));
            let format = names.map_or_else(LogFormat::aws_default, |names| LogFormat::from_names(names).unwrap());
            let trusted = spec["detections"]["externalConnections"]["trustedCidrs"].as_array();
            let networks = trusted.into_iter().flatten().filter_map(Value::as_str);
            let trusted: Vec<IpNet> = networks.map(|network| network.parse().unwrap()).collect();
            let report = Report::new(vec![of_detector("examples", &spec["detector"], &format, &trusted)]);
            assert!(report.passes() && report.skipped == 0, "{}", render(&report));
            for entry in spec["detector"]["customRules"].as_array().unwrap() {
                let DeclaredRule { rule, tests } = serde_json::from_value(entry.clone()).unwrap();
                assert!(rule.runbook.is_some() && !rule.mitre.is_empty(), "{}", rule.name);
                assert!([true, false].iter().all(|outcome| tests.iter().any(|test| test.matches == *outcome)));
                rules.push(rule.name);
            }
        }
        rules.sort();
        let expected = [
            "beaconing",
            "database_from_elsewhere",
            "foreign_dns",
            "long_egress",
            "new_talker_to_management",
            "smb_out",
        ];
        assert_eq!(rules, expected);
    }

    #[test]
    fn networks_that_the_monitor_trusts_are_not_public() {
        let record = json!([{"name": "ours", "matches": false, "record": {"dstaddr": "203.0.113.9"}}]);
        let detector = json!({"customRules": [fixtures::rule("out", "destination_public", &record)]});
        let of = |trusted: &[IpNet]| {
            Report::new(vec![of_detector("a/b", &detector, &LogFormat::aws_default(), trusted)]).passes()
        };
        assert!(of(&["203.0.113.0/24".parse().unwrap()]));
        assert!(!of(&[]));
    }
}
