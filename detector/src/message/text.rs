//! The message for people: an e-mail that can be read from top to bottom.

use std::fmt::Write;

use super::{Report, Sentence, Time, counted};
use crate::findings::Finding;

/// The most findings listed, since people do not read more; the document for programs has them.
pub(super) const MAX_LISTED: usize = 100;

pub(super) fn text(report: &Report) -> String {
    let mut text = format!(
        "{}\nRecords: {} parsed, {} could not be parsed and were skipped\n\n",
        report.headline(),
        report.counts.parsed,
        report.counts.bad
    );
    for finding in report.findings.iter().take(MAX_LISTED) {
        line(&mut text, finding);
    }
    closing(&mut text, report);
    text
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

/// Reports the counts that the list leaves out.
fn closing(text: &mut String, report: &Report) {
    let left_out = report.findings.len().saturating_sub(MAX_LISTED);
    if left_out > 0 {
        let what = counted(left_out, "less important finding", "less important findings");
        let _ = writeln!(text, "\nLeft out of this list: {what}.");
    }
    if report.unlisted_records > 0 {
        let _ = writeln!(text, "\nNot grouped, the findings being too many: {} more records.", report.unlisted_records);
    }
    if report.unexamined_records > 0 {
        let count = report.unexamined_records;
        let _ = writeln!(text, "\nNot examined for scans and sums, the addresses being too many: {count} records.");
    }
}
