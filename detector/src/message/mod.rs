//! Words the findings of a batch as one SNS message, within SNS's limits whatever the batch.
//!
//! SNS hands each kind of subscriber its own text: people read [`text`], programs [`document`]. See
//! [Message structure](https://docs.aws.amazon.com/sns/latest/dg/sns-send-custom-platform-specific-payloads-mobile-devices.html).

mod block;
mod chat;
mod conditions;
mod document;
mod headline;
mod links;
mod query;
mod span;
mod text;
mod threshold;

#[cfg(test)]
mod query_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod variant_tests;

use std::collections::BTreeSet;

use serde::Serialize;

pub use conditions::QUERIED_FIELDS;
pub use document::{Document, FindingDocument};
pub use links::Links;
pub use threshold::Threshold;

use headline::headline;

use crate::account_region::AccountRegion;
use crate::analysis::{Analysis, Counts};
use crate::finding::Finding;
use crate::notification_log::Notification;
use crate::notification_log::history::{History, Ongoing};
use crate::rules::{RuleId, Severity};
use crate::sentence::{Bytes, Sentence, Time};
use crate::settings::{Origin, Settings};

/// The longest subject. SNS wants "less than 100 characters" of ASCII without line breaks or control characters:
/// [Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
pub const MAX_SUBJECT_CHARS: usize = 99;

/// The longest text for a phone, so that it is sent in one part: "an SMS message can contain 160 GSM characters, 140 ASCII characters, or
/// 70 UCS-2 characters", see [Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
pub const MAX_SMS_CHARS: usize = 140;

/// The longest body in bytes, all texts together. SNS takes 256 KiB for body and message attributes together; 4 KiB are
/// more than the attributes can need.
pub const MAX_BODY_BYTES: usize = (256 - 4) * 1024;

/// Facts about an invocation that the settings lack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The account and region of the function.
    pub account_region: Option<AccountRegion>,
    /// The log group of the records.
    pub log_group: Option<String>,
    /// The file of the records: `s3://<bucket>/<key>`.
    pub file: Option<String>,
}

impl Invocation {
    /// The account of the function.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account_region.as_ref().map(|it| it.account.as_str())
    }
}

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
    pub rules: Vec<RuleId>,
    /// Where the records come from.
    pub origin: Origin,
}

/// The texts by kind of subscriber, under SNS's names.
#[derive(Serialize)]
struct Body<'t> {
    /// Lambda, SQS, HTTP and HTTPS, Firehose, e-mail as JSON.
    default: &'t str,
    email: &'t str,
    #[serde(skip_serializing_if = "Option::is_none")]
    https: Option<&'t str>,
    sms: &'t str,
}

/// The findings that are published, with the facts about all of them.
struct Report<'r> {
    settings: &'r Settings,
    invocation: &'r Invocation,
    counts: Counts,
    findings: Vec<&'r Finding>,
    /// The history of each finding; none if it is new.
    histories: Vec<Option<History>>,
    ongoing: &'r [Ongoing],
    severity: Severity,
    /// Findings of the batch below the least severity that is published.
    below_min_severity: u64,
    /// Records of findings that were not kept, and such as could not be counted over a window.
    unlisted_records: u64,
    unexamined_records: u64,
}

impl Message {
    /// The message for a notification about a batch, or `None` if it has no finding.
    #[must_use]
    pub fn compose(
        analysis: &Analysis,
        settings: &Settings,
        invocation: &Invocation,
        notification: &Notification,
    ) -> Option<Self> {
        let all = &analysis.findings;
        let (findings, histories): (Vec<&Finding>, Vec<_>) =
            notification.findings.iter().map(|(finding, history)| (&**finding, *history)).unzip();
        let severity = findings.iter().map(|finding| finding.rule.severity()).max()?;
        let rules: BTreeSet<_> = findings.iter().flat_map(|finding| finding.rules()).collect();
        let report = Report {
            settings,
            invocation,
            counts: analysis.counts,
            findings,
            histories,
            ongoing: &notification.ongoing,
            severity,
            below_min_severity: all.list.iter().filter(|it| it.rule.severity() < settings.rules.min_severity).count()
                as u64,
            unlisted_records: all.unlisted_records,
            unexamined_records: all.unexamined_records,
        };
        Some(Self {
            subject: ascii(&headline(&report, MAX_SUBJECT_CHARS)),
            body: report.body(),
            severity,
            rules: rules.into_iter().collect(),
            origin: settings.origin.clone(),
        })
    }
}

impl Report<'_> {
    /// The history of the finding at place `index`, if a message was published about it before.
    fn history(&self, index: usize) -> Option<&History> {
        self.histories.get(index)?.as_ref()
    }

    fn body(&self) -> String {
        let sms = ascii(&headline(self, MAX_SMS_CHARS));
        let email = text::text(self);
        let room = MAX_BODY_BYTES - quoted_bytes(&email) - quoted_bytes(&sms);
        // The notification for chats has the document a second time.
        let room = if self.settings.chat { (room - chat::MAX_BYTES) / 2 } else { room };
        let default = document::document(self, room);
        let https = self.settings.chat.then(|| chat::chat(self, &default));
        let body = Body { default: &default, email: &email, https: https.as_deref(), sms: &sms };
        // Quotes within the document need a byte more.
        let size = default.len() + email.len() + https.as_ref().map_or(0, String::len);
        document::json(&body, Vec::with_capacity(size + size / 4))
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

/// `text` with `?` in the place of each character that a subject may not have.
fn ascii(text: &str) -> String {
    text.chars().map(|it| if it == ' ' || it.is_ascii_graphic() { it } else { '?' }).collect()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
