//! Words the findings of a batch as one SNS message, within SNS's limits whatever the batch.
//!
//! SNS hands each kind of subscriber its own text: people read [`text`], programs [`document`]. See
//! [Message structure](https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html).

mod document;
mod sentence;
mod text;

#[cfg(test)]
mod tests;

use serde::Serialize;

pub use document::{Document, FindingDocument};
pub use sentence::{Bytes, Sentence, Time};

use crate::analysis::{Analysis, Counts};
use crate::findings::Finding;
use crate::rules::{Rule, Severity};
use crate::settings::Origin;

/// The longest subject. SNS wants "less than 100 characters" of ASCII without line breaks or control characters:
/// [Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
pub const MAX_SUBJECT_CHARS: usize = 99;

/// The longest body in bytes, all texts together. SNS takes 256 KiB for body and message attributes together; 4 KiB are
/// more than the attributes can need.
pub const MAX_BODY_BYTES: usize = (256 - 4) * 1024;

/// A message to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// ASCII, at most [`MAX_SUBJECT_CHARS`].
    pub subject: String,
    /// The texts by kind of subscriber as JSON, at most [`MAX_BODY_BYTES`].
    pub body: String,
    /// The highest severity among the findings.
    pub severity: Severity,
    /// The rules that fired, each once, also those whose findings were folded into graver ones.
    pub rules: Vec<Rule>,
    /// Where the records come from.
    pub origin: Origin,
}

/// The texts by kind of subscriber, under SNS's names.
#[derive(Serialize)]
struct Body<'t> {
    /// Lambda, SQS, HTTP and HTTPS, Firehose, e-mail as JSON.
    default: &'t str,
    email: &'t str,
    sms: &'t str,
}

/// The findings that are published, with the facts about all of them.
struct Report<'r> {
    origin: &'r Origin,
    counts: Counts,
    findings: Vec<&'r Finding>,
    severity: Severity,
    /// Records of findings that were not kept, and such as could not be counted over a window.
    unlisted_records: u64,
    unexamined_records: u64,
}

impl Message {
    /// The message for a batch, or `None` if nothing of at least `min_severity` was found.
    #[must_use]
    pub fn compose(analysis: &Analysis, origin: &Origin, min_severity: Severity) -> Option<Self> {
        let all = &analysis.findings;
        let findings: Vec<_> = all.list.iter().filter(|finding| finding.rule.severity() >= min_severity).collect();
        let severity = findings.iter().map(|finding| finding.rule.severity()).max()?;
        let fired = |rule| findings.iter().any(|finding| finding.rules().any(|fired| fired == rule));
        let rules = Rule::ALL.into_iter().filter(|rule| fired(*rule)).collect();
        let report = Report {
            origin,
            counts: analysis.counts,
            findings,
            severity,
            unlisted_records: all.unlisted_records,
            unexamined_records: all.unexamined_records,
        };
        Some(Self {
            subject: subject(&report.headline()),
            body: report.body(),
            severity,
            rules,
            origin: origin.clone(),
        })
    }
}

impl Report<'_> {
    /// `HIGH: 2 network anomalies in vpc-0123456789abcdef0, monitor network/production`
    fn headline(&self) -> String {
        let anomalies = counted(self.findings.len(), "network anomaly", "network anomalies");
        format!("{}: {anomalies} in {}, monitor {}", self.severity, self.origin.vpc_id, self.origin.monitor)
    }

    fn body(&self) -> String {
        let headline = self.headline();
        let email = text::text(self);
        let room = MAX_BODY_BYTES - quoted_bytes(&email) - quoted_bytes(&headline);
        let default = document::document(self, room);
        let body = Body { default: &default, email: &email, sms: &headline };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// Bytes of `text` as a JSON string, with the name it is given in the body.
fn quoted_bytes(text: &str) -> usize {
    const NAME_AND_PUNCTUATION: usize = 16;
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\t' | b'\r' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    text.bytes().map(escaped).sum::<usize>() + NAME_AND_PUNCTUATION
}

fn subject(headline: &str) -> String {
    let clean = headline.chars().map(|it| if it == ' ' || it.is_ascii_graphic() { it } else { '?' });
    if headline.chars().count() <= MAX_SUBJECT_CHARS {
        clean.collect()
    } else {
        clean.take(MAX_SUBJECT_CHARS - 3).chain("...".chars()).collect()
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
