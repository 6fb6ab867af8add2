//! The report as XML in the form of `JUnit`, which CI systems show: a suite for each monitor, a class for each rule, a case for each test.

use std::fmt::Write as _;

use super::text::failure;
use super::{MonitorReport, NotRun, Report, RuleReport, TestReport, TestResult};

/// The document.
#[must_use]
pub fn render(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a String cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites name=\"vpc-flow-operator test\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">",
        report.passed + report.failed + report.invalid + report.skipped,
        report.failed,
        report.invalid,
        report.skipped
    );
    for monitor in &report.monitors {
        of_monitor(&mut xml, monitor);
    }
    xml + "</testsuites>\n"
}

fn of_monitor(xml: &mut String, monitor: &MonitorReport) {
    let all = || monitor.tested().flat_map(|rule| &rule.tests);
    let count = |result| all().filter(|test| test.result == result).count();
    let invalid = monitor.invalid();
    let _ = writeln!(
        xml,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{invalid}\" skipped=\"{}\">",
        escaped(&monitor.monitor),
        all().count() + invalid,
        count(TestResult::Failed),
        count(TestResult::Skipped)
    );
    for rule in &monitor.rules {
        of_rule(xml, &rule.rule, rule);
    }
    for detection in &monitor.detections {
        of_rule(xml, &format!("detection {}", detection.rule), detection);
    }
    for suppression in &monitor.suppress {
        if let Some(problem) = &suppression.problem {
            error(xml, &format!("suppress {}", suppression.name), problem);
        }
    }
    if let Some(problem) = &monitor.problem {
        error(xml, "limits", problem);
    }
    xml.push_str("  </testsuite>\n");
}

fn of_rule(xml: &mut String, class: &str, rule: &RuleReport) {
    if let Some(problem) = &rule.problem {
        error(xml, class, problem);
    }
    for test in &rule.tests {
        let (class, name) = (escaped(class), escaped(&test.name));
        let _ = match outcome(rule, test) {
            None => writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\"/>"),
            Some(outcome) => {
                writeln!(xml, "    <testcase classname=\"{class}\" name=\"{name}\">\n      {outcome}\n    </testcase>")
            }
        };
    }
}

fn outcome(rule: &RuleReport, test: &TestReport) -> Option<String> {
    match test.result {
        TestResult::Passed => None,
        TestResult::Failed => {
            Some(format!("<failure message=\"{}\">{}</failure>", escaped(&failure(test)), escaped(&test.record)))
        }
        TestResult::Skipped => {
            let reason = match rule.not_run {
                Some(NotRun::MissingField(field)) => format!("the records have no {field}"),
                Some(NotRun::Disabled) | None => "the rule is switched off".to_owned(),
            };
            Some(format!("<skipped message=\"{}\"/>", escaped(&reason)))
        }
    }
}

/// A case in the place of the tests of an entry that is invalid.
fn error(xml: &mut String, class: &str, problem: &str) {
    let class = escaped(class);
    let message = escaped(problem.lines().next().unwrap_or_default());
    let _ = writeln!(
        xml,
        "    <testcase classname=\"{class}\" name=\"valid\">\n      <error message=\"{message}\">{}</error>\n    </testcase>",
        escaped(problem)
    );
}

/// Text in XML 1.0, also within quotes. Characters that XML cannot have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::fixtures;
    use super::*;

    #[test]
    fn each_test_is_a_case() {
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"vpc-flow-operator test\" tests=\"9\" failures=\"2\" errors=\"2\" skipped=\"2\">
  <testsuite name=\"network/shop\" tests=\"9\" failures=\"2\" errors=\"2\" skipped=\"2\">
    <testcase classname=\"database\" name=\"other port\"/>
    <testcase classname=\"database\" name=\"port\"/>
    <testcase classname=\"smb_out\" name=\"&lt;web&gt; &amp; &quot;more&quot;\">
      <failure message=\"expected a match, got no match\">action=ACCEPT dstport=80</failure>
    </testcase>
    <testcase classname=\"smb_out\" name=\"smb\"/>
    <testcase classname=\"smb_out\" name=\"misspelt\">
      <failure message=\"flow logs have no field `dstprt`; write `dstport` if you mean it\">dstprt=445</failure>
    </testcase>
";
        let xml = render(&fixtures::report());
        assert!(xml.starts_with(expected), "{xml}");
        let error = "    <testcase classname=\"typo\" name=\"valid\">\n      <error message=\"line 1, column 23: there is no field \
            `dstprt`; write `dstport` if you mean it\">line 1, column 23: there is no field `dstprt`; write `dstport` if you mean \
            it&#10;  action == &quot;ACCEPT&quot; &amp;&amp; dstprt == 22&#10;";
        assert!(xml.contains(error), "{xml}");
        let skipped = "<skipped message=\"the records have no tcp-flags\"/>";
        assert!(xml.contains("<skipped message=\"the rule is switched off\"/>"), "{xml}");
        assert!(xml.contains(skipped) && xml.ends_with("  </testsuite>\n</testsuites>\n"), "{xml}");
    }

    #[test]
    fn characters_that_xml_cannot_have_are_replaced() {
        assert_eq!(escaped("a\u{0}\u{1b}\u{fffe}'ä\n"), "a\u{fffd}\u{fffd}\u{fffd}&apos;ä&#10;");
    }
}
