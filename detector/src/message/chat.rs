//! The message for Amazon Q Developer in chat applications, which shows it in Slack, Teams and Chime.
//!
//! It subscribes to the topic by HTTPS and takes the form of "Custom notifications using Amazon Q Developer in chat applications" in its
//! administrator guide. The members of the [`document`](super::document) stand beside, for other subscribers by HTTPS. Of these only
//! `version` differs, as the form needs a text there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::headline::headline;
use super::links::Links;
use super::{Report, Sentence, block};

/// The longest title, in characters.
const MAX_TITLE_CHARS: usize = 250;

/// The longest text in bytes; a block of Slack takes 3,000 characters.
const MAX_TEXT_BYTES: usize = 3_000;

/// Findings with a paragraph of their own.
const MAX_FINDINGS: usize = 5;

/// The most that all members need besides those of the document, as a JSON string in JSON.
pub(super) const MAX_BYTES: usize = 16 * 1024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    text_type: &'static str,
    title: String,
    description: String,
    next_steps: Vec<String>,
    keywords: BTreeSet<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    /// Messages about one subject are one thread.
    thread_id: String,
    summary: String,
    event_type: &'static str,
    related_resources: [String; 1],
    additional_context: BTreeMap<&'static str, String>,
}

/// The notification as JSON, with the members of `document`.
pub(super) fn chat(report: &Report, document: &str) -> String {
    let origin = &report.settings.origin;
    let title = headline(report, MAX_TITLE_CHARS);
    let first = report.findings.first();
    let content = Content {
        text_type: "client-markdown",
        title: title.clone(),
        description: description(report),
        next_steps: next_steps(report),
        keywords: report.findings.iter().take(MAX_FINDINGS).map(|finding| finding.rule.name().to_owned()).collect(),
    };
    let mut additional_context = BTreeMap::from([
        ("monitor", origin.monitor.clone()),
        ("severity", report.severity.to_string()),
        ("vpcId", origin.vpc_id.clone()),
    ]);
    if let Some(account_region) = &report.invocation.account_region {
        additional_context.insert("accountId", account_region.account.clone());
        additional_context.insert("region", account_region.region.clone());
    }
    let metadata = Metadata {
        thread_id: first.map(|finding| finding.key(&origin.owner)).unwrap_or_default(),
        summary: title,
        event_type: "VPC Flow Finding",
        related_resources: [origin.vpc_id.clone()],
        additional_context,
    };
    let mut members: Map<String, Value> = serde_json::from_str(document).unwrap_or_default();
    let own = json!({
        "version": "1.0",
        "source": "custom",
        "id": first.map(|finding| finding.id(&origin.monitor)),
        "content": content,
        "metadata": metadata,
    });
    if let Value::Object(own) = own {
        members.extend(own);
    }
    Value::Object(members).to_string()
}

/// Paragraphs of whole lines. Addresses stand alone, since the clients write links in different ways.
fn description(report: &Report) -> String {
    let mut text = String::new();
    for (index, finding) in report.findings.iter().take(MAX_FINDINGS).enumerate() {
        let mut paragraph = format!("{} {}: {}\n", finding.rule.severity(), finding.rule, Sentence(finding));
        // Writing to a string does not fail.
        if let Some(history) = report.history(index) {
            let _ = writeln!(paragraph, "Ongoing: {}", block::Past(history));
        }
        if index == 0 {
            let links = Links::of(finding, report.settings, report.invocation);
            let links = [("Rule", links.rule), ("Dashboard", links.dashboard)];
            for (label, address) in links {
                if let Some(address) = address {
                    let _ = writeln!(paragraph, "{label}: {address}");
                }
            }
        }
        if text.len() + paragraph.len() > MAX_TEXT_BYTES {
            break;
        }
        text.push_str(&paragraph);
    }
    if text.is_empty() {
        text = headline(report, MAX_TITLE_CHARS);
    }
    text
}

/// Each rule's action once.
fn next_steps(report: &Report) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for finding in report.findings.iter().take(MAX_FINDINGS) {
        let step = finding.rule.action().to_owned();
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}
