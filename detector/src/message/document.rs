//! The message for programs. Its form is described in `docs/rules.md`; members are only ever added.

use std::net::IpAddr;

use serde::Serialize;

use super::{Invocation, Links, Report, Sentence, Threshold, Time, quoted_bytes};
use crate::evidence::Evidence;
use crate::finding::{Detail, Finding, Folded, Subject};
use crate::notification_log::history::{History, Ongoing};
use crate::rules::{Rule, RuleId, Severity};
use crate::settings::{Origin, Settings};

/// The version of the document's form.
const VERSION: u32 = 1;

/// Findings that have links, the most severe: each has a kilobyte or two of them.
const MAX_LINKED: usize = 20;

/// The result of a batch.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    version: u32,
    monitor: String,
    vpc_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    severity: Severity,
    /// The file of the records, if they come from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    records: Records,
    findings: Vec<FindingDocument>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ongoing: Vec<Ongoing>,
    omitted: Omitted,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Records {
    total: u64,
    parsed: u64,
    bad: u64,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Omitted {
    /// Findings that did not fit.
    findings: usize,
    /// Records of findings that were not kept.
    records: u64,
    /// Records not counted over a window.
    unexamined_records: u64,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FindingDocument {
    id: String,
    key: String,
    rule: RuleId,
    severity: Severity,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    records: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<u16>,
    /// Of a port scan: the ports at which it was let in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted_ports: Vec<u16>,
    /// Of a sweep: the hosts at which it was let in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accepted_hosts: Vec<IpAddr>,
    /// Of an egress to several destinations: the largest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destinations: Vec<Destination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    includes: Vec<Included>,
    /// Without it the finding is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    history: Option<History>,
    summary: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Threshold>,
    action: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mitre: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
}

/// A destination with the bytes that it got at least.
#[derive(Clone, Copy, Debug, Serialize)]
struct Destination {
    address: IpAddr,
    bytes: u64,
}

/// The destinations of an egress to several.
fn destinations(finding: &Finding) -> Vec<Destination> {
    match &finding.evidence {
        Evidence::Destinations(largest) if finding.subject.destination.is_none() => {
            largest.sorted().into_iter().map(|(address, bytes)| Destination { address, bytes }).collect()
        }
        _ => Vec::new(),
    }
}

/// The findings of a lesser rule that were folded into the finding.
#[derive(Clone, Copy, Debug, Serialize)]
struct Included {
    rule: Rule,
    records: u64,
    bytes: u64,
}

impl From<&Folded> for Included {
    fn from(&Folded { rule, records, bytes }: &Folded) -> Self {
        Self { rule, records, bytes }
    }
}

impl FindingDocument {
    /// The document of `finding`, without history, threshold and links; `origin` is part of its id and key.
    #[must_use]
    pub fn new(finding: &Finding, origin: &Origin) -> Self {
        let Finding {
            rule, subject: Subject { source, destination, detail }, tally, distinct, evidence, folded, ..
        } = finding;
        let time = |seconds: Option<u64>| seconds.map(|seconds| Time(seconds).to_string());
        Self {
            id: finding.id(&origin.monitor),
            key: finding.key(&origin.owner),
            rule: rule.clone(),
            severity: rule.severity(),
            source: *source,
            destination: *destination,
            interface: if let Detail::Interface(interface) = detail { Some(interface.to_string()) } else { None },
            interfaces: tally.interfaces.names().collect(),
            protocol: if let Detail::Protocol(protocol) = detail { Some(*protocol) } else { None },
            records: tally.records,
            bytes: tally.bytes,
            ports: tally.ports.sorted(),
            accepted_ports: match evidence {
                Evidence::AcceptedPorts(ports) => ports.kept().collect(),
                _ => Vec::new(),
            },
            accepted_hosts: match evidence {
                Evidence::AcceptedHosts(hosts) => hosts.kept().collect(),
                _ => Vec::new(),
            },
            destinations: destinations(finding),
            port_count: (*rule == Rule::PortScan).then_some(*distinct),
            host_count: (*rule == Rule::HostSweep).then_some(*distinct),
            first: time(tally.first),
            last: time(tally.last),
            includes: folded.iter().map(Included::from).collect(),
            history: None,
            summary: Sentence(finding).to_string(),
            threshold: None,
            action: rule.action().to_owned(),
            mitre: rule.custom().map(|rule| rule.mitre.clone()).unwrap_or_default(),
            links: None,
        }
    }

    /// The document of the finding at place `index` of a message, with the history of its incident if that was published before.
    pub(crate) fn of_message(
        finding: &Finding,
        history: Option<History>,
        index: usize,
        settings: &Settings,
        invocation: &Invocation,
    ) -> Self {
        Self {
            history,
            threshold: finding.rule.built_in().and_then(|rule| Threshold::of(rule, &settings.rules)),
            links: (index < MAX_LINKED).then(|| Links::of(finding, settings, invocation)),
            ..Self::new(finding, &settings.origin)
        }
    }
}

/// The document as JSON, which as a JSON string has at most `room` bytes.
pub(super) fn document(report: &Report, room: usize) -> String {
    let (origin, account_region) = (&report.settings.origin, report.invocation.account_region.as_ref());
    let mut document = Document {
        version: VERSION,
        monitor: origin.monitor.clone(),
        vpc_id: origin.vpc_id.clone(),
        account_id: account_region.map(|it| it.account.clone()),
        region: account_region.map(|it| it.region.clone()),
        severity: report.severity,
        file: report.invocation.file.clone(),
        records: Records { total: report.counts.records(), parsed: report.counts.parsed, bad: report.counts.bad },
        findings: Vec::new(),
        ongoing: report.ongoing.to_vec(),
        // The longest numbers, until the true ones are known.
        omitted: Omitted { findings: usize::MAX, records: u64::MAX, unexamined_records: u64::MAX },
    };
    let mut used = quoted_bytes(&json(&document, Vec::new()));
    let mut buffer = Vec::new();
    for (index, finding) in report.findings.iter().enumerate() {
        let history = report.history(index).copied();
        let finding = FindingDocument::of_message(finding, history, index, report.settings, report.invocation);
        let text = json(&finding, buffer);
        used += quoted_bytes(&text);
        if used > room {
            break;
        }
        document.findings.push(finding);
        buffer = text.into_bytes();
    }
    document.omitted = Omitted {
        findings: report.findings.len() - document.findings.len(),
        records: report.unlisted_records,
        unexamined_records: report.unexamined_records,
    };
    // Written in one piece: a text that grows is copied again and again.
    json(&document, Vec::with_capacity(used))
}

/// Writes `value` in the place of what `buffer` has. Every part of the document can be written as JSON.
pub(super) fn json(value: &impl Serialize, mut buffer: Vec<u8>) -> String {
    buffer.clear();
    let written = serde_json::to_writer(&mut buffer, value);
    written.ok().and_then(|()| String::from_utf8(buffer).ok()).unwrap_or_default()
}
