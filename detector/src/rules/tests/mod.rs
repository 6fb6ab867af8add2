//! Each rule: where it fires, where it just does not, and where it must not.

mod both_ends;
mod bounds;
mod custom;
mod high_data_transfer;
mod host_sweep;
mod incidents;
mod large_egress;
mod port_scan;
mod rejected_tcp;
mod reuse;
mod sensitive_ports;
mod skipped_records;
mod suppressions;
mod unusual_protocol;

use std::time::SystemTime;

use flow_log_fields::Field;
use proptest::prelude::*;

use super::*;
use crate::analysis::Analyzer;
use crate::evidence::Evidence;
use crate::finding::{Detail, Finding};
use crate::findings::Findings;
use crate::format::LogFormat;
use crate::record::Parser;
use crate::sentence::Sentence;
use crate::suppression::Suppression;
use crate::test_data::{CUSTOM_FORMAT, V2_FORMAT};

const INSIDE: &str = "10.0.0.1";
const TARGET: &str = "10.0.0.2";
const PUBLIC: &str = "198.51.100.66";

/// The fields of a record that matter to the rules.
#[derive(Clone, Copy)]
struct Flow<'f> {
    interface: &'f str,
    source: &'f str,
    destination: &'f str,
    ports: (u16, u16),
    protocol: u8,
    bytes: u64,
    start: u64,
    action: &'f str,
}

const FLOW: Flow<'_> = Flow {
    interface: "eni-a",
    source: INSIDE,
    destination: TARGET,
    ports: (40_000, 443),
    protocol: 6,
    bytes: 40,
    start: 1_200_000_000,
    action: "ACCEPT",
};

impl Flow<'_> {
    fn v2(&self) -> String {
        let Flow { interface, source, destination, ports: (from, to), protocol, bytes, start, action } = self;
        let end = start + 60;
        format!("2 1 {interface} {source} {destination} {from} {to} {protocol} 1 {bytes} {start} {end} {action} OK")
    }

    fn to_port(self, port: u16) -> Self {
        Self { ports: (self.ports.0, port), ..self }
    }
}

fn analyze_as(format: &str, lines: impl IntoIterator<Item = String>, config: &Config) -> Findings {
    analyze_without(&[], format, lines, config)
}

/// The time of the tests' clock.
const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn analyze_without(
    suppressions: &[Suppression],
    format: &str,
    lines: impl IntoIterator<Item = String>,
    config: &Config,
) -> Findings {
    let parser = Parser::new(format.parse::<LogFormat>().unwrap());
    let mut analyzer = Analyzer::new(&parser, config).suppress(suppressions, NOW);
    let mut sent = 0;
    for line in lines {
        analyzer.add(&line);
        sent += 1;
    }
    let analysis = analyzer.finish();
    assert_eq!((analysis.counts.records(), analysis.counts.bad), (sent, 0), "{:?}", analysis.bad_lines);
    analysis.findings
}

fn analyze<'f>(flows: impl IntoIterator<Item = Flow<'f>>, config: &Config) -> Findings {
    analyze_as(V2_FORMAT, flows.into_iter().map(|flow| flow.v2()), config)
}

fn found<'f>(rule: Rule, flows: impl IntoIterator<Item = Flow<'f>>) -> Vec<Finding> {
    of(rule, analyze(flows, &Config::default()))
}

fn of(rule: Rule, findings: Findings) -> Vec<Finding> {
    findings.list.into_iter().filter(|finding| finding.rule == rule).collect()
}

fn fires<'f>(rule: Rule, flows: impl IntoIterator<Item = Flow<'f>>) -> bool {
    !found(rule, flows).is_empty()
}

/// Lines on which every rule fires, none in the incident of another.
fn lines_of_all_rules() -> Vec<String> {
    let skipped = "2 1 eni-a - - - - - - - 1200000000 1200000060 - SKIPDATA".to_owned();
    let hosts: Vec<_> = (1..=60).map(|host| format!("10.2.0.{host}")).collect();
    let scan = (1..=20).map(|port| FLOW.to_port(port).v2());
    let sweep = hosts.iter().map(|destination| Flow { destination, ..FLOW }.v2());
    let others = [
        Flow { bytes: 600_000_000, ..FLOW },
        Flow { action: "REJECT", source: TARGET, destination: INSIDE, ..FLOW },
        Flow { action: "REJECT", source: PUBLIC, ..FLOW.to_port(23) },
        Flow { source: PUBLIC, ..FLOW.to_port(22) },
        Flow { protocol: 47, ..FLOW },
    ];
    let egress = [Flow { bytes: 50_000_000, destination: PUBLIC, ..FLOW }; 10].map(|flow| flow.v2());
    scan.chain(sweep).chain(egress).chain(others.map(|flow| flow.v2())).chain([skipped]).collect()
}

fn fired(findings: &Findings) -> Vec<Rule> {
    findings.by_rule().into_iter().filter(|(_, count)| *count > 0).map(|(rule, _)| rule).collect()
}

#[test]
fn a_rule_that_is_switched_off_finds_nothing() {
    let rules = |config: &Config| fired(&analyze_as(V2_FORMAT, lines_of_all_rules(), config));
    assert_eq!(rules(&Config::default()), Rule::ALL);
    for off in Rule::ALL {
        let left: Vec<_> = Rule::ALL.into_iter().filter(|rule| *rule != off).collect();
        assert_eq!(rules(&Config { disabled: [off].into(), ..Config::default() }), left);
    }
}

#[test]
fn a_record_without_traffic_fires_nothing_even_if_it_had_values() {
    for status in ["NODATA", "SKIPDATA"] {
        let line = Flow { action: "REJECT", bytes: u64::MAX, protocol: 47, source: PUBLIC, ..FLOW }.v2();
        let findings = analyze_as(V2_FORMAT, [line.replace(" OK", &format!(" {status}"))], &Config::default());
        assert!(findings.list.iter().all(|finding| finding.rule == Rule::SkippedRecords));
    }
}

#[test]
fn without_log_status_in_the_format_the_values_decide() {
    let findings = analyze_as("${action} ${protocol} ${dstport}", ["REJECT 6 22".to_owned()], &Config::default());
    assert_eq!(findings.by_rule()[Rule::RejectedTcp as usize], (Rule::RejectedTcp, 1));
}

#[test]
fn a_rule_reports_the_field_that_a_format_lacks() {
    for rule in Rule::ALL {
        assert_eq!(rule.lacks(&V2_FORMAT.parse().unwrap()), None);
        assert_eq!(rule.lacks(&CUSTOM_FORMAT.parse().unwrap()), None);
    }
    let format = "${bytes} ${action} ${pkt-srcaddr} ${dstport}".parse().unwrap();
    assert_eq!(Rule::HighDataTransfer.lacks(&format), None);
    assert_eq!(Rule::SensitivePortAccepted.lacks(&format), None);
    assert_eq!(Rule::RejectedTcp.lacks(&format), Some(Field::Protocol));
    assert_eq!(Rule::PortScan.lacks(&format), Some(Field::DstAddr));
}

#[test]
fn the_engine_tells_whose_flow_a_record_is_and_whether_it_counts() {
    let parser = Parser::new(V2_FORMAT.parse().unwrap());
    let mut engine = Engine::new(&Config::default());
    let mut observe = |flow: Flow<'_>| engine.observe(&parser.parse(&flow.v2()).unwrap());
    let out = observe(Flow { destination: PUBLIC, ..FLOW }).unwrap();
    assert_eq!((out.ends.source, out.ends.destination), (INSIDE.parse().ok(), PUBLIC.parse().ok()));
    assert_eq!((out.ends.from_public, out.ends.to_public, out.is_other_end), (false, true, false));
    assert!(!observe(FLOW).unwrap().is_other_end);
    assert!(observe(Flow { interface: "eni-b", ..FLOW }).unwrap().is_other_end);
    let line = crate::test_data::v2_line_without_traffic("NODATA");
    assert_eq!(engine.observe(&parser.parse(&line).unwrap()), None);
}

proptest! {
    /// A batch that comes again gives the same findings under the same ids.
    #[test]
    fn the_same_batch_gives_the_same_findings(
        flows in prop::collection::vec((0_u8..6, 0_u8..6, 1_u16..40, 0_u64..900, any::<bool>(), any::<bool>()), 0..300)
    ) {
        let lines: Vec<_> = flows.into_iter().map(|(from, to, port, late, public, reject)| {
            let source = format!("{}.0.0.{from}", if public { 198 } else { 10 });
            let destination = format!("10.0.1.{to}");
            let action = if reject { "REJECT" } else { "ACCEPT" };
            Flow { source: &source, destination: &destination, start: FLOW.start + late, action, ..FLOW.to_port(port) }.v2()
        }).collect();
        let ids = || {
            let findings = analyze_as(V2_FORMAT, lines.clone(), &Config::default());
            findings.list.iter().map(|finding| finding.id("network/production")).collect::<Vec<_>>()
        };
        let first = ids();
        prop_assert_eq!(&first, &ids());
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        prop_assert_eq!(distinct.len(), first.len());
    }
}
