//! Words the findings of a batch as one SNS message, within SNS's limits whatever the batch.

use std::fmt::{self, Write};
use std::net::IpAddr;

use aws_smithy_types::date_time::{DateTime, Format};

use crate::analysis::Analysis;
use crate::findings::{Finding, Ports};
use crate::rules::{Rule, Severity};
use crate::settings::Origin;

/// The longest subject. SNS wants "less than 100 characters" of ASCII without line breaks or control characters:
/// [Publish](https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
pub const MAX_SUBJECT_CHARS: usize = 99;

/// The longest body in bytes. SNS takes 256 KiB for body and message attributes together; 4 KiB are more than the
/// attributes can need.
pub const MAX_BODY_BYTES: usize = (256 - 4) * 1024;

/// Kept free of findings for the lines that say what was left out.
const CLOSING_BYTES: usize = 512;

/// What is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// ASCII, at most [`MAX_SUBJECT_CHARS`].
    pub subject: String,
    /// At most [`MAX_BODY_BYTES`].
    pub body: String,
    /// The highest severity among the findings.
    pub severity: Severity,
    /// The rules that fired, each once.
    pub rules: Vec<Rule>,
    /// Where the records come from.
    pub origin: Origin,
}

impl Message {
    /// The message for a batch, or `None` if nothing was found.
    #[must_use]
    pub fn compose(analysis: &Analysis, origin: &Origin) -> Option<Self> {
        let findings = &analysis.findings.list;
        let severity = findings.iter().map(|finding| finding.rule.severity()).max()?;
        let rules = Rule::ALL.into_iter().filter(|rule| findings.iter().any(|finding| finding.rule == *rule)).collect();
        let summary = format!("{severity}: {}", counted(findings.len(), "network anomaly", "network anomalies"));
        Some(Self {
            subject: subject(&summary, origin),
            body: body(&summary, analysis, origin),
            severity,
            rules,
            origin: origin.clone(),
        })
    }
}

fn subject(summary: &str, origin: &Origin) -> String {
    let whole = format!("{summary} in {}, monitor {}", origin.vpc_id, origin.monitor);
    let clean = whole.chars().map(|it| if it == ' ' || it.is_ascii_graphic() { it } else { '?' });
    if whole.chars().count() <= MAX_SUBJECT_CHARS {
        clean.collect()
    } else {
        clean.take(MAX_SUBJECT_CHARS - 3).chain("...".chars()).collect()
    }
}

fn body(summary: &str, analysis: &Analysis, origin: &Origin) -> String {
    let findings = &analysis.findings;
    let mut body = format!(
        "{summary} in {}, monitor {}\nRecords: {} parsed, {} could not be parsed and were skipped\n\n",
        origin.vpc_id, origin.monitor, analysis.counts.parsed, analysis.counts.bad
    );
    let mut listed = 0;
    for finding in &findings.list {
        let line = Line(finding).to_string();
        if body.len() + line.len() > MAX_BODY_BYTES - CLOSING_BYTES {
            break;
        }
        body.push_str(&line);
        listed += 1;
    }
    body.push_str(&closing(findings.list.len() - listed, findings.unlisted_records));
    body
}

/// Says what the message does not, in fewer than [`CLOSING_BYTES`]; empty if it says everything.
fn closing(left_out: usize, unlisted_records: u64) -> String {
    let for_size = if left_out == 0 {
        String::new()
    } else {
        let what = counted(left_out, "less important finding", "less important findings");
        format!("\nLeft out, a message being limited in size: {what}.\n")
    };
    let ungrouped = if unlisted_records == 0 {
        String::new()
    } else {
        format!("\nNot grouped, the pairs of addresses being too many: {unlisted_records} more records.\n")
    };
    for_size + &ungrouped
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// One finding on one line: `HIGH high_data_transfer 10.0.0.1 -> 203.0.113.9: …`.
struct Line<'f>(&'f Finding);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { rule, source, destination, tally } = self.0;
        write!(f, "{} {rule} {} -> {}: ", rule.severity(), Address(*source), Address(*destination))?;
        write!(f, "records {}, bytes {}", tally.records, tally.bytes)?;
        write_ports(f, &tally.ports)?;
        if let Some(first) = tally.first {
            write!(f, ", from {}", Time(first))?;
        }
        if let Some(last) = tally.last {
            write!(f, " to {}", Time(last))?;
        }
        f.write_char('\n')
    }
}

fn write_ports(f: &mut fmt::Formatter<'_>, ports: &Ports) -> fmt::Result {
    let mut kept = ports.kept().to_vec();
    kept.sort_unstable();
    for (index, port) in kept.iter().enumerate() {
        write!(f, "{}{port}", if index == 0 { ", destination ports " } else { " " })?;
    }
    f.write_str(if ports.has_more() { " and more" } else { "" })
}

struct Address(Option<IpAddr>);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_char('-'),
        }
    }
}

/// Unix seconds in RFC 3339; as they are if the calendar ends before them.
struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_secs(self.0).fmt(Format::DateTime) {
            Ok(text) => f.write_str(&text),
            Err(_) => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::Counts;
    use crate::findings::{Findings, Groups, MAX_FINDINGS_PER_RULE};
    use crate::record::Record;

    fn origin() -> Origin {
        Origin { monitor: "network/production".to_owned(), vpc_id: "vpc-0123456789abcdef0".to_owned() }
    }

    fn record(destination: u32, port: u16) -> Record {
        Record {
            source: Some([10, 0, 0, 1].into()),
            destination: Some(IpAddr::V4(destination.into())),
            destination_port: Some(port),
            bytes: Some(60_000_000),
            start: Some(1_418_530_010),
            end: Some(1_418_530_070),
            ..Record::default()
        }
    }

    fn analysis(findings: Findings) -> Analysis {
        Analysis { counts: Counts { parsed: 7, bad: 1 }, bad_lines: Vec::new(), findings }
    }

    /// As large as a batch can make it: every pair, the longest addresses, ports and numbers.
    fn largest() -> Analysis {
        let mut groups = Groups::default();
        for rule in Rule::ALL {
            for pair in 0..=MAX_FINDINGS_PER_RULE as u128 {
                let far = |low: u128| Some(IpAddr::V6((u128::MAX - low).into()));
                for port in 0..20 {
                    groups.add(
                        rule,
                        &Record {
                            source: far(pair),
                            destination: far(pair),
                            destination_port: Some(u16::MAX - port),
                            bytes: Some(u64::MAX),
                            start: Some(i64::MIN),
                            end: Some(i64::MAX),
                            ..Record::default()
                        },
                    );
                }
            }
        }
        Analysis { counts: Counts { parsed: u64::MAX, bad: u64::MAX }, ..analysis(groups.finish()) }
    }

    #[test]
    fn no_findings_no_message() {
        assert_eq!(Message::compose(&analysis(Findings::default()), &origin()), None);
    }

    #[test]
    fn findings_of_both_rules() {
        let mut groups = Groups::default();
        groups.add(Rule::RejectedTcp, &record(0x0a00_0002, 443));
        groups.add(Rule::RejectedTcp, &record(0x0a00_0002, 22));
        groups.add(Rule::HighDataTransfer, &record(0xcb00_7109, 443));
        let message = Message::compose(&analysis(groups.finish()), &origin()).unwrap();
        assert_eq!(message.severity, Severity::High);
        assert_eq!(message.rules, Rule::ALL);
        assert_eq!(message.subject, "HIGH: 2 network anomalies in vpc-0123456789abcdef0, monitor network/production");
        assert_eq!(
            message.body,
            "HIGH: 2 network anomalies in vpc-0123456789abcdef0, monitor network/production\n\
             Records: 7 parsed, 1 could not be parsed and were skipped\n\
             \n\
             HIGH high_data_transfer 10.0.0.1 -> 203.0.113.9: records 1, bytes 60000000, destination ports 443, \
             from 2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z\n\
             MEDIUM rejected_tcp 10.0.0.1 -> 10.0.0.2: records 2, bytes 120000000, destination ports 22 443, \
             from 2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z\n"
        );
    }

    #[test]
    fn severity_and_rules_are_those_that_fired() {
        let mut groups = Groups::default();
        groups.add(Rule::RejectedTcp, &Record::default());
        let message = Message::compose(&analysis(groups.finish()), &origin()).unwrap();
        assert_eq!((message.severity, message.rules), (Severity::Medium, vec![Rule::RejectedTcp]));
        assert!(message.subject.starts_with("MEDIUM: 1 network anomaly in "));
        assert!(message.body.ends_with("MEDIUM rejected_tcp - -> -: records 1, bytes 0\n"));
    }

    #[test]
    fn the_largest_batch_fits_and_the_message_says_what_is_missing() {
        let analysis = largest();
        let body = Message::compose(&analysis, &origin()).unwrap().body;
        assert!(closing(usize::MAX, u64::MAX).len() < CLOSING_BYTES);
        assert!(body.len() <= MAX_BODY_BYTES, "{}", body.len());
        assert!(body.len() > MAX_BODY_BYTES - 2 * CLOSING_BYTES, "room wasted: {}", body.len());
        let listed = body.lines().filter(|line| line.starts_with("HIGH high_data_transfer")).count();
        let left_out = analysis.findings.list.len() - listed;
        assert!(body.contains(&format!("{left_out} less important findings.")), "{}", &body[body.len() - 300..]);
        assert!(body.contains("too many: 40 more records."));
        assert!(body.contains(" and more"));
    }

    #[test]
    fn a_long_name_is_cut_from_the_subject_but_not_from_the_body() {
        let monitor = format!("{}/{}", "n".repeat(63), "m".repeat(253));
        let mut groups = Groups::default();
        groups.add(Rule::RejectedTcp, &Record::default());
        let message =
            Message::compose(&analysis(groups.finish()), &Origin { monitor: monitor.clone(), ..origin() }).unwrap();
        assert_eq!(message.subject.len(), MAX_SUBJECT_CHARS);
        assert!(message.subject.ends_with("nnn..."));
        assert!(message.body.contains(&monitor));
    }

    proptest! {
        #[test]
        fn a_subject_is_always_one_sns_takes(monitor in any::<String>(), vpc_id in any::<String>()) {
            let mut groups = Groups::default();
            groups.add(Rule::RejectedTcp, &Record::default());
            let subject = Message::compose(&analysis(groups.finish()), &Origin { monitor, vpc_id }).unwrap().subject;
            prop_assert!(subject.len() <= MAX_SUBJECT_CHARS);
            prop_assert!(subject.bytes().all(|it| it == b' ' || it.is_ascii_graphic()), "{}", subject);
        }

        #[test]
        fn every_time_can_be_written(seconds: i64) {
            prop_assert!(!Time(seconds).to_string().is_empty());
        }
    }
}
