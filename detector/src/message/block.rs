//! One finding of an e-mail in a block of short lines.

use std::fmt::{self, Display, Formatter, Write};

use super::links::{self, Links};
use super::{Bytes, Report, Sentence, Threshold, Time, counted, query};
use crate::finding::Finding;
use crate::notification_log::history::{History, Sums};
use crate::tally::Tally;

/// The longest line, but for links.
pub(super) const MAX_CHARS: usize = 78;

const INDENT: &str = "   ";

/// Width of the labels.
const LABEL: usize = 11;

/// Writes the block of a finding. The first one has a statement for Athena too.
pub(super) fn write(text: &mut String, report: &Report, index: usize, finding: &Finding) {
    let tally = &finding.tally;
    // Writing to a string does not fail.
    let _ = writeln!(text, "\n{}. {} {}", index + 1, finding.rule.severity(), finding.rule);
    paragraph(text, "", &Sentence(finding).to_string());
    if let Some(time) = time(tally) {
        paragraph(text, "Time:", &time);
    }
    if let Some(history) = report.history(index) {
        paragraph(text, "Ongoing:", &Past(history).to_string());
    }
    paragraph(text, "Traffic:", &format!("{}, {}", counted(tally.records, "record", "records"), Bytes(tally.bytes)));
    if !tally.interfaces.is_empty() {
        paragraph(text, "Interface:", &tally.interfaces.to_string());
    }
    if let Some(threshold) = finding.rule.built_in().and_then(|rule| Threshold::of(rule, &report.settings.rules)) {
        paragraph(text, "Threshold:", &threshold.to_string());
    }
    paragraph(text, "Do:", finding.rule.action());
    let found = Links::of(finding, report.settings, report.invocation);
    link(text, "Rule:", found.rule);
    link(text, "Records in Logs Insights:", found.logs_insights);
    if index == 0
        && let Some(statement) = query::athena(finding, report.settings)
    {
        link(text, "Athena, for the statement below:", links::query_editor(report.settings, report.invocation));
        for line in statement.lines() {
            let _ = writeln!(text, "{INDENT}  {line}");
        }
    }
}

/// `first 2026-11-23T10:00:00Z; since the message of 2026-11-23T10:01:30Z: 12 findings, 80 records, 3.2 kB`
pub(super) struct Past<'h>(pub &'h History);

impl Display for Past<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let History { first, last_message, since: Sums { findings, records, bytes } } = self.0;
        let findings = counted(*findings, "finding", "findings");
        let records = counted(*records, "record", "records");
        write!(f, "first {first}; since the message of {last_message}: {findings}, {records}, {}", Bytes(*bytes))
    }
}

/// `2026-11-23T10:00:00Z to 2026-11-23T10:05:00Z`
fn time(tally: &Tally) -> Option<String> {
    match (tally.first, tally.last) {
        (Some(first), Some(last)) => Some(format!("{} to {}", Time(first), Time(last))),
        (Some(time), None) => Some(format!("from {}", Time(time))),
        (None, Some(time)) => Some(format!("until {}", Time(time))),
        (None, None) => None,
    }
}

/// An address has a line of its own, so that mail programs recognize it.
fn link(text: &mut String, label: &str, address: Option<String>) {
    if let Some(address) = address {
        let _ = writeln!(text, "{INDENT}{label}\n{INDENT}{address}");
    }
}

/// Writes a label and words, in lines of at most [`MAX_CHARS`]; a longer word has a line of its own.
fn paragraph(text: &mut String, label: &str, words: &str) {
    let begin = if label.is_empty() { INDENT.to_owned() } else { format!("{INDENT}{label:LABEL$}") };
    let width = begin.len();
    let (mut line, mut is_begin) = (begin, true);
    for word in words.split(' ') {
        if !is_begin && line.chars().count() + 1 + word.chars().count() > MAX_CHARS {
            let _ = writeln!(text, "{line}");
            line = " ".repeat(width);
            is_begin = true;
        }
        if !is_begin {
            line.push(' ');
        }
        line.push_str(word);
        is_begin = false;
    }
    let _ = writeln!(text, "{line}");
}
