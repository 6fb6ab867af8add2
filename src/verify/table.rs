//! The checklist for people.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::check::{Status, Verification};
use crate::elapsed::ago;

/// The form of the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbols {
    /// For terminals that show UTF-8.
    Unicode,
    /// Words only.
    Words,
}

impl Symbols {
    fn mark(self, status: Status) -> &'static str {
        match (self, status) {
            (Self::Words, _) => "",
            (Self::Unicode, Status::Passed) => "✓ ",
            (Self::Unicode, Status::Failed) => "✗ ",
            (Self::Unicode, Status::Waiting) => "… ",
            (Self::Unicode, Status::Skipped | Status::Disabled) => "- ",
        }
    }
}

/// A line for each check, with its next step below it, and the sum.
#[must_use]
pub fn render(verification: &Verification, now: Timestamp, symbols: Symbols) -> String {
    let mut text = String::new();
    let times: Vec<_> = verification
        .checks
        .iter()
        .map(|check| check.observed_at.map_or("-".to_owned(), |time| ago(now, time)))
        .collect();
    let wide = |longest: Option<usize>, heading: &str| longest.unwrap_or_default().max(heading.len());
    let names = wide(verification.checks.iter().map(|check| check.name.as_str().len()).max(), "CHECK");
    let statuses = wide(verification.checks.iter().map(|check| check.status.as_str().len()).max(), "STATUS");
    let time = wide(times.iter().map(String::len).max(), "TIME");
    let indent = symbols.mark(Status::Passed).chars().count();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:indent$}{:names$}  {:statuses$}  {:time$}  DETAIL", "", "CHECK", "STATUS", "TIME");
    for (check, when) in verification.checks.iter().zip(&times) {
        let (mark, name, status) = (symbols.mark(check.status), check.name.as_str(), check.status.as_str());
        let _ = writeln!(text, "{mark}{name:names$}  {status:statuses$}  {when:time$}  {}", check.detail);
        if let Some(next) = &check.next_step {
            let _ = writeln!(text, "{:1$}next: {next}", "", indent + names + 2);
        }
    }
    let _ = writeln!(text, "\n{}", sum(verification));
    text
}

fn sum(verification: &Verification) -> String {
    let named = |wanted: fn(Status) -> bool| {
        let checks = verification.checks.iter().filter(|check| wanted(check.status));
        checks.map(|check| format!("{} ({})", check.name.as_str(), check.status.as_str())).collect::<Vec<_>>()
    };
    let (passed, troubles) = (named(|status| status == Status::Passed).len(), named(Status::is_trouble));
    let left_out = named(|status| matches!(status, Status::Skipped | Status::Disabled));
    let mut text = format!("{}: {passed} of {} checks passed", verification.monitor, passed + troubles.len());
    if !troubles.is_empty() {
        let _ = write!(text, "; not passed: {}", troubles.join(", "));
    }
    if !left_out.is_empty() {
        let _ = write!(text, "; not checked: {}", left_out.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;
    use crate::verify::check::{Check, CheckName};
    use crate::verify::fixtures::time;

    fn verification(status: Status) -> Verification {
        let checks = vec![
            Check::new(CheckName::FlowLogs, Status::Passed, "both deliver"),
            Check::new(CheckName::LogEvents, status, "newest").at(Some(time("11:26:00"))).next("look"),
            Check::new(CheckName::AlarmNotification, Status::Skipped, "pass --test-alarm"),
        ];
        Verification::new(&fixtures::monitor(), checks)
    }

    #[test]
    fn columns_are_aligned_and_marks_are_for_terminals() {
        assert_eq!(
            render(&verification(Status::Failed), time("11:30:00"), Symbols::Unicode),
            "  \
  CHECK               STATUS   TIME                           DETAIL
✓ flow-logs           passed   -                              both deliver
✗ log-events          failed   2026-11-23T11:26:00Z (4m ago)  newest
                      next: look
- alarm-notification  skipped  -                              pass --test-alarm

network/production: 1 of 2 checks passed; not passed: log-events (failed); not checked: alarm-notification (skipped)
"
        );
        let words = render(&verification(Status::Waiting), time("11:30:00"), Symbols::Words);
        assert!(words.is_ascii() && words.starts_with("CHECK ") && words.contains("\nlog-events          waiting"));
    }

    #[test]
    fn what_was_not_checked_is_never_reported_as_passed() {
        let text = render(&verification(Status::Passed), time("11:30:00"), Symbols::Words);
        assert!(
            text.ends_with("network/production: 2 of 2 checks passed; not checked: alarm-notification (skipped)\n")
        );
    }
}
