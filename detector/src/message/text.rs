//! The message for people: an e-mail that can be read from top to bottom.

use std::fmt::Write;

use super::headline::headline;
use super::{Report, Sentence, Time, block, counted, links};
use crate::finding::Finding;
use crate::notification_log::history::Ongoing;
use crate::rules::Severity;

/// The most findings listed, since people do not read more; the document for programs has them.
pub(super) const MAX_LISTED: usize = 100;

/// Findings that are described in a block of lines; of the others, a line is enough.
pub(super) const MAX_BLOCKS: usize = 5;

pub(super) fn text(report: &Report) -> String {
    let mut text = format!("{}\n\n", headline(report, usize::MAX));
    facts(&mut text, report);
    for (index, finding) in report.findings.iter().take(MAX_BLOCKS).enumerate() {
        block::write(&mut text, report, index, finding);
    }
    if report.findings.len() > MAX_BLOCKS {
        text.push_str("\nOther findings:\n");
    }
    for finding in report.findings.iter().take(MAX_LISTED).skip(MAX_BLOCKS) {
        line(&mut text, finding);
    }
    ongoing(&mut text, report);
    closing(&mut text, report);
    text
}

/// The facts that all findings share.
fn facts(text: &mut String, report: &Report) {
    let origin = &report.settings.origin;
    // Writing to a string does not fail.
    if let Some(account_region) = &report.invocation.account_region {
        let _ = writeln!(text, "Account:  {}\nRegion:   {}", account_region.account, account_region.region);
    }
    let _ = writeln!(text, "VPC:      {}\nMonitor:  {}", origin.vpc_id, origin.monitor);
    let _ = writeln!(text, "Findings: {}", by_severity(report));
    let (parsed, bad) = (report.counts.parsed, report.counts.bad);
    let skipped = if bad > 0 { format!(", {bad} could not be parsed and were skipped") } else { String::new() };
    let _ = writeln!(text, "Records:  {parsed} parsed{skipped}");
    if let Some(dashboard) = links::dashboard(report.settings, report.invocation) {
        let _ = writeln!(text, "Dashboard:\n{dashboard}");
    }
}

/// `3 (1 HIGH, 2 LOW)`
fn by_severity(report: &Report) -> String {
    let counts: Vec<_> = [Severity::High, Severity::Medium, Severity::Low]
        .into_iter()
        .map(|severity| (severity, report.findings.iter().filter(|it| it.rule.severity() == severity).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    format!("{} ({})", report.findings.len(), counts.join(", "))
}

/// `HIGH largeEgress: 10.0.0.5 sent … (records 12, 2026-11-23T10:00:00Z to 2026-11-23T10:05:00Z)`
fn line(text: &mut String, finding: &Finding) {
    let tally = &finding.tally;
    // Writing to a string does not fail.
    let _ = write!(text, "{} {}: {}", finding.rule.severity(), finding.rule, Sentence(finding));
    let _ = write!(text, " (records {}", tally.records);
    if let Some(first) = tally.first {
        let _ = write!(text, ", {}", Time(first));
    }
    if let Some(last) = tally.last {
        let _ = write!(text, " to {}", Time(last));
    }
    text.push_str(")\n");
}

/// The incidents of earlier messages that go on.
fn ongoing(text: &mut String, report: &Report) {
    if !report.ongoing.is_empty() {
        text.push_str("\nOngoing, from earlier messages:\n");
    }
    for Ongoing { rule, severity, summary, history } in report.ongoing {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{severity} {rule}: {summary} ({})", block::Past(history));
    }
}

/// Reports the counts that the list leaves out.
fn closing(text: &mut String, report: &Report) {
    let left_out = report.findings.len().saturating_sub(MAX_LISTED) as u64;
    if left_out > 0 {
        let what = counted(left_out, "less important finding", "less important findings");
        let _ = writeln!(text, "\nLeft out of this list: {what}.");
    }
    if report.below_min_severity > 0 {
        let (least, what) =
            (report.settings.rules.min_severity, counted(report.below_min_severity, "finding", "findings"));
        let _ = writeln!(text, "\nCounted only, below minSeverity {least}: {what}.");
    }
    if report.unlisted_records > 0 {
        let _ = writeln!(text, "\nNot grouped, the findings being too many: {} more records.", report.unlisted_records);
    }
    if report.unexamined_records > 0 {
        let count = report.unexamined_records;
        let _ = writeln!(text, "\nNot examined for scans and sums, the addresses being too many: {count} records.");
    }
}
