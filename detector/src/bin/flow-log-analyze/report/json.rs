//! The result for programs. Its form is described in `docs/flow-log-analyze.md`; members are only ever added.

use std::io::{self, Write};
use std::net::IpAddr;

use detector::message::FindingDocument;
use detector::rules::Rule;
use detector::sentence::Time;
use detector::settings::Origin;
use serde::Serialize;

use crate::analysis::Report;
use crate::summary::DirectionBytes;

/// The version of the document's form.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    version: u32,
    files: usize,
    records: Records,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    findings: Vec<FindingDocument>,
    omitted: Omitted,
    bytes: Bytes,
    top_talkers: Vec<Talker>,
    /// The most bytes that a talker may have sent beyond the reported sum.
    top_talkers_error_bytes: u64,
    rejected_ports: Vec<RejectedPort>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Records {
    total: u64,
    parsed: u64,
    bad: u64,
    without_traffic: u64,
    other_ends: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Omitted {
    /// Findings below the least severity.
    findings: usize,
    /// Records of findings that were not kept.
    records: u64,
    /// Records not counted over a window.
    unexamined_records: u64,
    /// Rules that could not fire on some records.
    rules: Vec<BlindRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlindRule {
    rule: Rule,
    missing_field: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bytes {
    inside_to_public: u64,
    public_to_inside: u64,
    inside_to_inside: u64,
    other: u64,
    rejected: u64,
}

#[derive(Serialize)]
struct Talker {
    source: IpAddr,
    destination: IpAddr,
    bytes: u64,
    records: u64,
}

#[derive(Serialize)]
struct RejectedPort {
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<u8>,
    records: u64,
    bytes: u64,
}

/// Writes the result as one JSON document, with at most `top` talkers and ports.
pub fn write_json(out: &mut impl Write, report: &Report, top: usize) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(report, top))?;
    writeln!(out)
}

/// Writes the same document as YAML.
pub fn write_yaml(out: &mut impl Write, report: &Report, top: usize) -> io::Result<()> {
    serde_yaml_ng::to_writer(out, &document(report, top)).map_err(io::Error::other)
}

fn document(report: &Report, top: usize) -> Document {
    let Report { counts, findings: all, summary, .. } = report;
    let time = |seconds: Option<u64>| seconds.map(|seconds| Time(seconds).to_string());
    // There are no monitors by which ids and keys could differ.
    let origin = Origin::default();
    let findings: Vec<_> = report.listed().map(|finding| FindingDocument::new(finding, &origin)).collect();
    let DirectionBytes { inside_to_public, public_to_inside, inside_to_inside, other, rejected } = summary.bytes;
    Document {
        version: VERSION,
        files: report.files,
        records: Records {
            total: counts.records(),
            parsed: counts.parsed,
            bad: counts.bad,
            without_traffic: summary.without_traffic,
            other_ends: all.other_ends,
        },
        first: time(summary.first),
        last: time(summary.last),
        omitted: Omitted {
            findings: all.list.len() - findings.len(),
            records: all.unlisted_records,
            unexamined_records: all.unexamined_records,
            rules: report
                .blind
                .iter()
                .map(|(rule, field)| BlindRule { rule: *rule, missing_field: field.name() })
                .collect(),
        },
        findings,
        bytes: Bytes { inside_to_public, public_to_inside, inside_to_inside, other, rejected },
        top_talkers: summary
            .talkers
            .top(top)
            .into_iter()
            .map(|((source, destination), sum)| Talker { source, destination, bytes: sum.bytes, records: sum.records })
            .collect(),
        top_talkers_error_bytes: summary.talkers.error(),
        rejected_ports: summary
            .rejected_ports(top)
            .into_iter()
            .map(|(port, sum)| RejectedPort {
                port: port.number,
                protocol: port.protocol,
                records: sum.records,
                bytes: sum.bytes,
            })
            .collect(),
    }
}
