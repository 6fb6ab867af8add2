//! The result for programs. Its form is described in `docs/flow-log-analyze.md`; members are only ever added.

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::Arc;

use detector::custom_rule::CustomRule;
use detector::day_counts::{Backtest, Day, DayCount, DayCounts};
use detector::message::FindingDocument;
use detector::rules::RuleId;
use detector::sentence::Time;
use detector::settings::Origin;
use serde::Serialize;

use super::backtest::date;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    backtest: Option<BacktestDocument>,
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
    rule: RuleId,
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

/// There only if the settings have rules or suppressions of the user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BacktestDocument {
    custom_rules: Vec<RuleDays>,
    suppressions: Vec<SuppressionDays>,
    /// True if days may have more findings than counted.
    has_more_findings: bool,
}

#[derive(Serialize)]
struct RuleDays {
    rule: String,
    findings: u64,
    records: u64,
    days: Vec<RuleDay>,
}

/// A day without a date has the records without a time.
#[derive(Serialize)]
struct RuleDay {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    findings: u64,
    records: u64,
}

#[derive(Serialize)]
struct SuppressionDays {
    name: String,
    expired: bool,
    records: u64,
    days: Vec<SuppressionDay>,
}

#[derive(Serialize)]
struct SuppressionDay {
    #[serde(skip_serializing_if = "Option::is_none")]
    day: Option<String>,
    records: u64,
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
                .map(|(rule, field)| BlindRule { rule: rule.clone(), missing_field: field.name() })
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
        backtest: backtest(report),
    }
}

fn backtest(report: &Report) -> Option<BacktestDocument> {
    let Backtest { rules, suppressions, has_more_findings } = &report.findings.backtest;
    if rules.is_empty() && suppressions.is_empty() && report.expired.is_empty() {
        return None;
    }
    let of_rule = |(rule, counts): &(Arc<CustomRule>, DayCounts)| {
        let DayCount { findings, records } = counts.total();
        let day = |(day, count): (Day, DayCount)| RuleDay {
            day: date(day),
            findings: count.findings,
            records: count.records,
        };
        RuleDays { rule: rule.name.clone(), findings, records, days: counts.iter().map(day).collect() }
    };
    let of_suppression = |(name, counts): &(String, DayCounts)| {
        let day = |(day, count): (Day, DayCount)| SuppressionDay { day: date(day), records: count.records };
        let days = counts.iter().map(day).collect();
        SuppressionDays { name: name.clone(), expired: false, records: counts.total().records, days }
    };
    let expired = |name: &String| SuppressionDays { name: name.clone(), expired: true, records: 0, days: Vec::new() };
    Some(BacktestDocument {
        custom_rules: rules.iter().map(of_rule).collect(),
        suppressions: suppressions.iter().map(of_suppression).chain(report.expired.iter().map(expired)).collect(),
        has_more_findings: *has_more_findings,
    })
}
