//! The report for people.

use std::fmt::Write as _;

use super::{MonitorReport, NotRun, Report, RuleReport, SuppressionReport, SuppressionState, TestReport, TestResult};

/// One line for each rule and each failed test, and the sums.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    for monitor in &report.monitors {
        of_monitor(&mut text, monitor);
    }
    text + &sums(report) + "\n"
}

// Writing to a String cannot fail.
fn of_monitor(text: &mut String, monitor: &MonitorReport) {
    if monitor.tested().next().is_none() && monitor.suppress.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", monitor.monitor);
    for rule in &monitor.rules {
        of_rule(text, &rule.rule, rule);
    }
    for detection in &monitor.detections {
        of_rule(text, &format!("detection {}", detection.rule), detection);
    }
    for suppression in &monitor.suppress {
        of_suppression(text, suppression);
    }
    if let Some(problem) = &monitor.problem {
        let _ = writeln!(text, "  {problem}");
    }
    text.push('\n');
}

fn of_rule(text: &mut String, name: &str, rule: &RuleReport) {
    let failed = rule.count(TestResult::Failed);
    let outcome = match (&rule.problem, rule.not_run, rule.tests.len()) {
        (Some(problem), ..) => format!("invalid\n{}", indented(problem)),
        (None, Some(NotRun::MissingField(field)), _) => {
            format!("idle, its tests did not run: the records have no {field}")
        }
        (None, Some(NotRun::Disabled), _) => "switched off, its tests did not run".to_owned(),
        (None, None, 0) => "no tests".to_owned(),
        (None, None, all) if failed > 0 => format!("{failed} of {} failed", tests(all)),
        (None, None, all) => format!("{} passed", tests(all)),
    };
    let _ = writeln!(text, "  {name}: {outcome}");
    for test in rule.tests.iter().filter(|test| test.result == TestResult::Failed) {
        let _ = writeln!(text, "    FAILED {}: {}; {}", test.name, failure(test), test.record);
    }
}

fn of_suppression(text: &mut String, SuppressionReport { name, until, problem, state }: &SuppressionReport) {
    let state = match state {
        SuppressionState::Invalid => format!("invalid\n{}", indented(problem.as_deref().unwrap_or_default())),
        SuppressionState::Expired => format!("has no effect: it ended at {until}"),
        SuppressionState::MissingField(field) => format!("has no effect: the records have no {field}"),
        SuppressionState::Active => format!("valid, until {until}"),
    };
    let _ = writeln!(text, "  suppress {name}: {state}");
}

/// `expected a match, got none`, or the problem of the record.
pub(super) fn failure(test: &TestReport) -> String {
    let in_words = |matches| if matches { "a match" } else { "no match" };
    match (&test.problem, test.got) {
        (Some(problem), _) => problem.clone(),
        (None, Some(got)) => format!("expected {}, got {}", in_words(test.expected), in_words(got)),
        (None, None) => format!("expected {}", in_words(test.expected)),
    }
}

fn sums(report: &Report) -> String {
    let Report { passed, failed, skipped, invalid, suppressions, .. } = *report;
    let mut sums = match passed + failed + skipped + invalid {
        0 => "no tests".to_owned(),
        _ => format!("{} passed, {failed} failed", tests(passed)),
    };
    if skipped > 0 {
        let _ = write!(sums, ", {skipped} not run");
    }
    if suppressions > 0 {
        let _ =
            write!(sums, "; {suppressions} valid {}", if suppressions == 1 { "suppression" } else { "suppressions" });
    }
    if invalid > 0 {
        let _ = write!(sums, "; {invalid} invalid {}", if invalid == 1 { "entry" } else { "entries" });
    }
    sums
}

fn tests(count: usize) -> String {
    format!("{count} {}", if count == 1 { "test" } else { "tests" })
}

fn indented(problem: &str) -> String {
    problem.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;
    use serde_json::json;

    use super::super::{fixtures, of_monitor};
    use super::*;

    #[test]
    fn rules_failed_tests_and_sums_are_printed() {
        let expected = "\
network/shop
  database: 2 tests passed
  smb_out: 2 of 3 tests failed
    FAILED <web> & \"more\": expected a match, got no match; action=ACCEPT dstport=80
    FAILED misspelt: flow logs have no field `dstprt`; write `dstport` if you mean it; dstprt=445
  typo: invalid
    line 1, column 23: there is no field `dstprt`; write `dstport` if you mean it
      action == \"ACCEPT\" && dstprt == 22
                            ^^^^^^
  scan: idle, its tests did not run: the records have no tcp-flags
  without: no tests
  off: switched off, its tests did not run
  suppress scanner: invalid
    line 1, column 1: `source` is an address, so it needs a comparison, such as `source == \"10.0.0.1\"`
      source
      ^^^^^^
  suppress backup: has no effect: it ended at 2020-03-01T00:00:00Z

3 tests passed, 2 failed, 2 not run; 1 valid suppression; 2 invalid entries
";
        assert_eq!(render(&fixtures::report()), expected);
    }

    #[test]
    fn nothing_to_run_is_said() {
        assert_eq!(render(&Report::new(Vec::new())), "no tests\n");
    }

    #[test]
    fn suppressions_alone_are_said_to_be_checked() {
        let until = DateTime::from(SystemTime::now() + Duration::from_hours(24));
        let until = DateTime::from_secs(until.secs()).fmt(Format::DateTime).unwrap();
        let suppression = |name: &str, when: &str| json!({"name": name, "when": when, "until": until, "reason": "r"});
        let suppress = [suppression("backup", "dstport == 873"), suppression("inside", "syn")];
        let spec = fixtures::spec(&json!({ "suppress": suppress }));
        let report = Report::new(vec![of_monitor("network/shop", &spec).unwrap()]);
        let expected = format!(
            "network/shop\n  suppress backup: valid, until {until}\n  suppress inside: has no effect: the records have no \
             tcp-flags\n\nno tests; 2 valid suppressions\n"
        );
        assert_eq!(render(&report), expected);
    }
}
