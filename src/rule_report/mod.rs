//! Runs the tests of a monitor's own rules, without a cluster and without AWS. The operator's own code reads the rules, so this report
//! rejects what the operator rejects.

mod junit;
mod text;

use std::time::SystemTime;

use detector::rule_tests::TestOutcome;
use detector::suppression;
use serde::Serialize;

pub use junit::render as render_junit;
pub use text::render;

use crate::api::{Invalid, VpcFlowMonitorSpec, spec};
use crate::resources::common::entry_error::EntryError;
use crate::resources::detector::custom_rules::TestedRule;
use crate::resources::detector::own_rules::OwnRules;
use crate::resources::detector::package_settings;
use crate::resources::metric_filters::custom::{CustomDetections, TestedDetection};

/// The rules of several monitors.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed.
    pub failed: usize,
    /// Rules, suppressions and lists that are invalid.
    pub invalid: usize,
    /// Tests of rules that are idle or switched off.
    pub skipped: usize,
    /// Suppressions that are valid.
    pub suppressions: usize,
    /// Rules and suppressions that are valid and do nothing: they need a field that is missing, or have ended.
    pub idle: usize,
    /// The monitors.
    pub monitors: Vec<MonitorReport>,
}

/// The rules of one monitor.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct MonitorReport {
    /// `<namespace>/<name>`
    pub monitor: String,
    /// The problem of the rules and suppressions together, such as too many conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The rules in the order of the spec.
    pub rules: Vec<RuleReport>,
    /// The detections of the user in the order of the spec.
    pub detections: Vec<RuleReport>,
    /// The suppressions in the order of the spec. They have no tests.
    pub suppress: Vec<SuppressionReport>,
}

/// A rule with its tests.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// The name of the rule or detection.
    pub rule: String,
    /// The reason the rule is invalid, with the line of its condition and a caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// The reason its tests are not run, as in the spec's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_run: Option<NotRun>,
    /// The tests in the order of the spec.
    pub tests: Vec<TestReport>,
}

/// The reason the tests of a rule are not run. The operator does not run them either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NotRun {
    /// The rule has `enabled: false`.
    Disabled,
    /// The rule needs this field, and the records lack it: the rule is idle.
    MissingField(&'static str),
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
    /// The rule is idle or switched off.
    Skipped,
}

/// A suppression.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SuppressionReport {
    /// Its name.
    pub name: String,
    /// Its end.
    pub until: String,
    /// The reason it is invalid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Its effect.
    pub state: SuppressionState,
}

/// The effect of a suppression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SuppressionState {
    /// It keeps records from rules.
    Active,
    /// It has ended.
    Expired,
    /// It needs this field, and the records lack it.
    MissingField(&'static str),
    /// It is invalid.
    Invalid,
}

impl Report {
    /// The report on `monitors`.
    #[must_use]
    pub fn new(monitors: Vec<MonitorReport>) -> Self {
        let rules = || monitors.iter().flat_map(MonitorReport::tested);
        let tests = |result| rules().flat_map(|rule| &rule.tests).filter(|test| test.result == result).count();
        let suppressions = monitors.iter().flat_map(|monitor| &monitor.suppress);
        Self {
            passed: tests(TestResult::Passed),
            failed: tests(TestResult::Failed),
            skipped: tests(TestResult::Skipped),
            invalid: monitors.iter().map(MonitorReport::invalid).sum(),
            suppressions: suppressions.clone().filter(|it| it.problem.is_none()).count(),
            idle: rules().filter(|rule| rule.is_idle()).count() + suppressions.filter(|it| it.state.is_idle()).count(),
            monitors,
        }
    }

    /// True if no test failed and every rule is valid.
    #[must_use]
    pub const fn passes(&self) -> bool {
        self.failed == 0 && self.invalid == 0
    }
}

impl MonitorReport {
    /// The rules and detections.
    fn tested(&self) -> impl Iterator<Item = &RuleReport> {
        self.rules.iter().chain(&self.detections)
    }

    /// The entries that are invalid.
    fn invalid(&self) -> usize {
        let rules = self.tested().filter(|rule| rule.problem.is_some()).count();
        let suppressions = self.suppress.iter().filter(|suppression| suppression.problem.is_some()).count();
        rules + suppressions + usize::from(self.problem.is_some())
    }
}

/// Runs the tests of the monitor called `name`. An error is one of the format or the networks, without which no rule can be judged.
pub fn of_monitor(name: &str, spec: &VpcFlowMonitorSpec) -> Result<MonitorReport, Invalid> {
    let now = SystemTime::now();
    let own = OwnRules::read(spec, now)?;
    let detections = CustomDetections::read(spec)?;
    let report = MonitorReport {
        monitor: name.to_owned(),
        problem: None,
        rules: own.rules.iter().map(|(declared, rule)| of_rule(declared, rule, &own)).collect(),
        detections: detections.all.iter().map(|(declared, read)| of_detection(declared, read, &detections)).collect(),
        suppress: own.suppressions.iter().map(|(declared, read)| of_suppression(declared, read, &own, now)).collect(),
    };
    let has_problem = report.invalid() > 0 || report.tested().any(|rule| rule.count(TestResult::Failed) > 0);
    // Without a problem of one entry, a limit of all entries together remains.
    let together = if has_problem { Ok(()) } else { package_settings::check(spec) };
    Ok(MonitorReport { problem: together.err().map(|problem| problem.to_string()), ..report })
}

fn of_rule(declared: &spec::CustomRule, rule: &Result<TestedRule, EntryError>, own: &OwnRules) -> RuleReport {
    let report = RuleReport { rule: declared.name.clone(), problem: None, not_run: None, tests: Vec::new() };
    let rule = match rule {
        Ok(rule) => rule,
        Err(error) => return RuleReport { problem: Some(error.to_string()), ..report },
    };
    let not_run = match rule.missing {
        _ if !rule.rule.enabled => Some(NotRun::Disabled),
        missing => missing.map(|field| NotRun::MissingField(field.name())),
    };
    let outcomes = rule.outcomes(&own.format, &own.trusted);
    RuleReport {
        not_run,
        tests: outcomes.iter().map(|outcome| of_test(outcome, not_run.is_some())).collect(),
        ..report
    }
}

fn of_detection(
    declared: &spec::CustomDetection,
    read: &Result<TestedDetection, EntryError>,
    all: &CustomDetections,
) -> RuleReport {
    let report = RuleReport { rule: declared.name.clone(), problem: None, not_run: None, tests: Vec::new() };
    match read {
        Ok(read) => {
            let tests = all.outcomes(read).iter().map(|outcome| of_test(outcome, false)).collect();
            RuleReport { tests, ..report }
        }
        Err(error) => RuleReport { problem: Some(error.to_string()), ..report },
    }
}

fn of_test(outcome: &TestOutcome<'_>, is_skipped: bool) -> TestReport {
    let TestOutcome { test, matched } = outcome;
    let result = match (is_skipped, outcome.passed()) {
        (true, _) => TestResult::Skipped,
        (false, true) => TestResult::Passed,
        (false, false) => TestResult::Failed,
    };
    TestReport {
        name: test.name.clone(),
        result,
        expected: test.matches,
        got: matched.as_ref().ok().copied().filter(|_| !is_skipped),
        problem: matched.as_ref().err().filter(|_| !is_skipped).map(ToString::to_string),
        record: test.input.to_string(),
    }
}

fn of_suppression(
    declared: &spec::Suppression,
    read: &Result<suppression::Suppression, EntryError>,
    own: &OwnRules,
    now: SystemTime,
) -> SuppressionReport {
    let (problem, state) = match read {
        Err(error) => (Some(error.to_string()), SuppressionState::Invalid),
        Ok(read) if read.is_expired(now) => (None, SuppressionState::Expired),
        Ok(read) => {
            let missing = read.when.lacks(&own.format).map(|field| SuppressionState::MissingField(field.name()));
            (None, missing.unwrap_or(SuppressionState::Active))
        }
    };
    SuppressionReport { name: declared.name.clone(), until: declared.until.clone(), problem, state }
}

impl SuppressionState {
    const fn is_idle(self) -> bool {
        matches!(self, Self::Expired | Self::MissingField(_))
    }
}

impl RuleReport {
    const fn is_idle(&self) -> bool {
        matches!(self.not_run, Some(NotRun::MissingField(_)))
    }

    fn count(&self, result: TestResult) -> usize {
        self.tests.iter().filter(|test| test.result == result).count()
    }
}

#[cfg(test)]
mod fixtures {
    use serde_json::{Value, json};

    use super::*;

    /// A rule with `when` and the tests: names with the expected outcome and a record.
    pub fn rule(name: &str, when: &str, tests: &Value) -> Value {
        json!({"name": name, "severity": "HIGH", "when": when, "description": "d", "tests": tests})
    }

    /// A spec with `detector`.
    pub fn spec(detector: &Value) -> VpcFlowMonitorSpec {
        serde_json::from_value(json!({"vpcId": "vpc-0123456789abcdef0", "detector": detector})).unwrap()
    }

    /// A report with each outcome.
    pub fn report() -> Report {
        let record = |name: &str, matches: bool, port: u16| json!({"name": name, "matches": matches, "record": {"action": "ACCEPT", "dstport": port}});
        let mut off = rule("off", "dstport == 1", &json!([record("port", true, 2)]));
        off["enabled"] = json!(false);
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
            off,
        ];
        let suppress = |name: &str, when: &str| json!({"name": name, "when": when, "until": "2020-03-01T00:00:00Z", "reason": "r"});
        let suppress = [suppress("scanner", "source"), suppress("backup", "dstport == 873")];
        let spec = spec(&json!({"customRules": rules, "suppress": suppress}));
        Report::new(vec![of_monitor("network/shop", &spec).unwrap()])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report(detector: &Value) -> Report {
        Report::new(vec![of_monitor("a/b", &fixtures::spec(detector)).unwrap()])
    }

    #[test]
    fn each_rule_has_its_outcome() {
        let report = fixtures::report();
        assert_eq!((report.passed, report.failed, report.skipped, report.invalid), (3, 2, 2, 2));
        assert_eq!((report.suppressions, report.idle), (1, 2));
        assert!(!report.passes());
        let rules = &report.monitors[0].rules;
        assert_eq!(rules[3].not_run, Some(NotRun::MissingField("tcp-flags")));
        assert_eq!(rules[5].not_run, Some(NotRun::Disabled));
        let problem = rules[2].problem.as_deref().unwrap();
        assert!(problem.starts_with("line 1, column 23: there is no field `dstprt`"), "{problem}");
        let failed = &rules[1].tests[0];
        assert_eq!((failed.result, failed.expected, failed.got), (TestResult::Failed, true, Some(false)));
        assert!(rules[1].tests[2].problem.as_deref().is_some_and(|problem| problem.contains("no field `dstprt`")));
    }

    #[test]
    fn a_monitor_without_rules_passes() {
        let report = report(&json!({}));
        assert!(report.passes());
        assert_eq!(report.passed, 0);
    }

    /// The operator rejects each of them too, since both call the same code.
    #[test]
    fn entries_that_the_operator_rejects_do_not_pass() {
        let suppression =
            |when: &str, until: &str| json!([{"name": "scanner", "when": when, "until": until, "reason": "r"}]);
        let wide =
            |number: u32| fixtures::rule(&format!("rule_{number}"), &["dstport > 1"; 60].join(" || "), &json!([]));
        let failing = json!([{"name": "t", "matches": true, "record": {"dstport": 2}}]);
        let many: Vec<_> = (0..5).map(wide).collect();
        for (detector, expected) in [
            (json!({"suppress": suppression("dstport == 1", "2999-01-01T00:00:00Z")}), "more than 366 days from now"),
            (json!({"suppress": suppression("dstport == 1", "2026-02-30T00:00:00Z")}), "is not a time in UTC"),
            (json!({"suppress": suppression("dstport", "2020-01-01T00:00:00Z")}), "needs a comparison"),
            (json!({"customRules": many}), "spec.detector.customRules: the rules have 300 conditions"),
            (
                json!({"customRules": [fixtures::rule("portScan", "dstport == 1", &json!([]))]}),
                "is not the name of a rule",
            ),
            (
                json!({"customRules": [fixtures::rule("port_1", "dstport == 1", &failing)]}),
                "expected a match, got no match",
            ),
        ] {
            let report = report(&detector);
            assert!(!report.passes(), "{detector}");
            assert!(package_settings::check(&fixtures::spec(&detector)).is_err(), "{detector}");
            let text = render(&report);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn detections_are_read_as_the_operator_reads_them() {
        let tests = json!([
            {"name": "hit", "matches": true, "record": {"dstport": 445}},
            {"name": "miss", "matches": false, "record": {"dstport": 446}},
        ]);
        let of = |when: &str| {
            let mut spec = fixtures::spec(&json!({}));
            let custom = json!([{"name": "smb-out", "when": when, "threshold": 5, "tests": tests}]);
            spec.detections.custom = serde_json::from_value(custom).unwrap();
            Report::new(vec![of_monitor("a/b", &spec).unwrap()])
        };
        let valid = of("dstport == 445");
        assert_eq!((valid.passed, valid.passes()), (2, true));
        assert!(render(&valid).contains("  detection smb-out: 2 tests passed\n"), "{}", render(&valid));
        assert_eq!(of("dstport in [445, 446]").failed, 1);
        let invalid = of("dstport == 445 || srcport == 445");
        assert_eq!((invalid.invalid, invalid.passes()), (1, false));
        assert!(render(&invalid).contains("those on one field only: make it a customRule"), "{}", render(&invalid));
        assert!(render_junit(&invalid).contains("classname=\"detection smb-out\""), "{}", render_junit(&invalid));
    }

    /// Every rule of the examples has tests of both outcomes, a runbook and techniques of MITRE ATT&CK.
    #[test]
    fn the_rules_of_the_examples_pass_their_tests() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rules");
        let mut names = Vec::new();
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let monitor: Value = serde_yaml_ng::from_str(&text).unwrap();
            let spec: VpcFlowMonitorSpec = serde_json::from_value(monitor["spec"].clone()).unwrap();
            let report = Report::new(vec![of_monitor("examples", &spec).unwrap()]);
            assert!(report.passes() && report.skipped == 0, "{}", render(&report));
            for rule in &spec.detector.custom_rules {
                assert!(rule.runbook.is_some() && !rule.mitre.is_empty(), "{}", rule.name);
                assert!([true, false].iter().all(|outcome| rule.tests.iter().any(|test| test.matches == *outcome)));
                names.push(rule.name.clone());
            }
        }
        names.sort();
        let expected = [
            "beaconing",
            "database_from_elsewhere",
            "foreign_dns",
            "long_egress",
            "new_talker_to_management",
            "smb_out",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn networks_that_the_monitor_trusts_are_not_public() {
        let record = json!([{"name": "ours", "matches": false, "record": {"dstaddr": "203.0.113.9"}}]);
        let detector = json!({"customRules": [fixtures::rule("out", "destination_public", &record)]});
        let of = |trusted: &[&str]| {
            let mut spec = fixtures::spec(&detector);
            spec.detections.external_connections.trusted_cidrs = trusted.iter().map(|it| (*it).to_owned()).collect();
            Report::new(vec![of_monitor("a/b", &spec).unwrap()]).passes()
        };
        assert!(of(&["203.0.113.0/24"]));
        assert!(!of(&[]));
    }
}
