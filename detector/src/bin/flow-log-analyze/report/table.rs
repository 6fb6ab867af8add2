//! The result for people.

use std::io::{self, Write};

use detector::record::{TCP, UDP};
use detector::rules::Severity;
use detector::sentence::{Bytes, Sentence, Time};

use super::backtest::write_backtest;
use super::columns::write_columns;
use super::first_and_last::first_and_last;
use crate::analysis::Report;
use crate::summary::Port;

/// Writes the result, with at most `top` talkers and ports and `limit` findings; 0 for all of these.
pub fn write_table(out: &mut impl Write, report: &Report, top: usize, limit: usize) -> io::Result<()> {
    write_findings(out, report, if limit == 0 { usize::MAX } else { limit })?;
    write_totals(out, report)?;
    write_backtest(out, report)?;
    write_talkers(out, report, top)?;
    write_rejected_ports(out, report, top)
}

fn write_findings(out: &mut impl Write, report: &Report, limit: usize) -> io::Result<()> {
    let mut table = vec![["SEVERITY", "RULE", "RECORDS", "FIRST (UTC)", "LAST", "WHAT"].map(str::to_owned).to_vec()];
    table.extend(report.listed().take(limit).map(|finding| {
        let (first, last) = first_and_last(finding.tally.first, finding.tally.last);
        vec![
            finding.rule.severity().to_string(),
            finding.rule.to_string(),
            finding.tally.records.to_string(),
            first,
            last,
            Sentence(finding).to_string(),
        ]
    }));
    if table.len() > 1 {
        write_columns(out, &table)?;
        writeln!(out)?;
    }
    let count = report.listed().count();
    write!(out, "Findings        {count}")?;
    if count > 0 {
        let of = |severity| report.listed().filter(|finding| finding.rule.severity() == severity).count();
        let (high, medium, low) = (of(Severity::High), of(Severity::Medium), of(Severity::Low));
        write!(out, ": {high} HIGH, {medium} MEDIUM, {low} LOW")?;
    }
    if count > limit {
        write!(out, "; the first {limit} are listed, `--limit 0` lists all")?;
    }
    let below = report.findings.list.len() - count;
    if below > 0 {
        write!(out, "; {below} below {}", report.min_severity)?;
    }
    writeln!(out)
}

fn write_totals(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Report { counts, findings, summary, .. } = report;
    let total = counts.records();
    writeln!(out, "Records         {total}: {} parsed, {} bad", counts.parsed, counts.bad)?;
    if summary.without_traffic > 0 {
        writeln!(out, "                {} without traffic", summary.without_traffic)?;
    }
    if findings.other_ends > 0 {
        writeln!(out, "                {} of the other end of traffic that counts already", findings.other_ends)?;
    }
    if findings.unlisted_records > 0 {
        writeln!(out, "                {} not grouped, the findings being too many", findings.unlisted_records)?;
    }
    if findings.unexamined_records > 0 {
        let count = findings.unexamined_records;
        writeln!(out, "                {count} not examined for scans and sums, the addresses being too many")?;
    }
    for (rule, field) in &report.blind {
        writeln!(out, "Not examined    {rule}: some or all records have no {}", field.name())?;
    }
    if let (Some(first), Some(last)) = (summary.first, summary.last) {
        writeln!(out, "Time            {} to {}", Time(first), Time(last))?;
    }
    let bytes = summary.bytes;
    writeln!(out, "Bytes           {:>9}  inside to public", Bytes(bytes.inside_to_public))?;
    writeln!(out, "                {:>9}  public to inside", Bytes(bytes.public_to_inside))?;
    writeln!(out, "                {:>9}  inside to inside", Bytes(bytes.inside_to_inside))?;
    if bytes.other > 0 {
        writeln!(out, "                {:>9}  between public or unknown addresses", Bytes(bytes.other))?;
    }
    writeln!(out, "                {:>9}  rejected", Bytes(bytes.rejected))
}

fn write_talkers(out: &mut impl Write, report: &Report, top: usize) -> io::Result<()> {
    let talkers = &report.summary.talkers;
    let mut table = vec![["TOP TALKERS", "TO", "BYTES", "RECORDS"].map(str::to_owned).to_vec()];
    table.extend(talkers.top(top).into_iter().map(|((source, destination), sum)| {
        vec![source.to_string(), destination.to_string(), Bytes(sum.bytes).to_string(), sum.records.to_string()]
    }));
    if table.len() > 1 {
        writeln!(out)?;
        write_columns(out, &table)?;
    }
    if talkers.error() > 0 {
        writeln!(
            out,
            "There are too many addresses to sum up all: each sum may be up to {} too small.",
            Bytes(talkers.error())
        )?;
    }
    Ok(())
}

fn write_rejected_ports(out: &mut impl Write, report: &Report, top: usize) -> io::Result<()> {
    let mut table = vec![["REJECTED PORTS", "RECORDS", "BYTES"].map(str::to_owned).to_vec()];
    table.extend(
        report
            .summary
            .rejected_ports(top)
            .into_iter()
            .map(|(port, sum)| vec![port_name(port), sum.records.to_string(), Bytes(sum.bytes).to_string()]),
    );
    if table.len() > 1 {
        writeln!(out)?;
        write_columns(out, &table)?;
    }
    Ok(())
}

/// `22/tcp`
fn port_name(port: Port) -> String {
    match port.protocol {
        Some(TCP) => format!("{}/tcp", port.number),
        Some(UDP) => format!("{}/udp", port.number),
        Some(_) | None => port.number.to_string(),
    }
}
