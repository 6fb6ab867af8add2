//! Each rule: where it fires, where it just does not, and where it must not.

use proptest::prelude::*;

use super::*;
use crate::analysis::Analyzer;
use crate::findings::{Detail, Finding, Findings};
use crate::format::LogFormat;
use crate::record::Parser;
use crate::test_data::{CUSTOM_FORMAT, V2_FORMAT};

const INSIDE: &str = "10.0.0.1";
const TARGET: &str = "10.0.0.2";
const PUBLIC: &str = "198.51.100.66";

/// What a record says; the rest is of no matter to the rules.
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
    let parser = Parser::new(format.parse::<LogFormat>().unwrap());
    let mut analyzer = Analyzer::new(&parser, config);
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

mod high_data_transfer {
    use super::*;

    #[test]
    fn fires_above_the_threshold_whatever_protocol_and_way() {
        for flow in [
            Flow { bytes: 50_000_001, ..FLOW },
            Flow { bytes: 50_000_001, protocol: 17, ..FLOW },
            Flow { bytes: u64::MAX, source: PUBLIC, ports: (443, 40_000), ..FLOW },
        ] {
            assert!(fires(Rule::HighDataTransfer, [flow]));
        }
    }

    #[test]
    fn does_not_fire_at_the_threshold_nor_for_a_sum_of_small_flows() {
        let flow = Flow { bytes: 50_000_000, ..FLOW };
        assert!(!fires(Rule::HighDataTransfer, [flow, flow, flow]));
    }

    #[test]
    fn is_once_for_both_ends() {
        let flow = Flow { bytes: 60_000_000, ..FLOW };
        let findings = found(Rule::HighDataTransfer, [flow, Flow { interface: "eni-b", ..flow }]);
        assert_eq!(findings[0].tally.records, 1);
        assert_eq!(findings[0].tally.bytes, 60_000_000);
    }
}

mod rejected_tcp {
    use super::*;

    #[test]
    fn fires_for_tcp_that_is_rejected_whatever_the_size() {
        assert!(fires(Rule::RejectedTcp, [Flow { action: "REJECT", bytes: 0, ..FLOW }]));
    }

    #[test]
    fn does_not_fire_for_another_protocol_nor_what_is_let_in() {
        assert!(!fires(Rule::RejectedTcp, [Flow { action: "REJECT", protocol: 17, ..FLOW }]));
        assert!(!fires(Rule::RejectedTcp, [FLOW]));
    }

    #[test]
    fn fires_once_also_if_the_other_end_let_it_out() {
        let out = FLOW;
        let rejected = Flow { interface: "eni-b", action: "REJECT", ..FLOW };
        for flows in [[out, rejected], [rejected, out]] {
            let findings = found(Rule::RejectedTcp, flows);
            assert_eq!(findings.len(), 1);
            assert_eq!(findings[0].tally.records, 1);
        }
    }
}

mod port_scan {
    use super::*;

    fn scan(ports: impl IntoIterator<Item = u16>) -> Vec<Flow<'static>> {
        ports.into_iter().map(|port| FLOW.to_port(port)).collect()
    }

    #[test]
    fn fires_at_the_threshold_let_in_or_not() {
        for action in ["ACCEPT", "REJECT"] {
            let flows = scan(1..=20).into_iter().map(|flow| Flow { action, source: PUBLIC, ..flow });
            let findings = found(Rule::PortScan, flows);
            assert_eq!(findings.len(), 1);
            assert_eq!((findings[0].distinct, findings[0].tally.records), (20, 20));
            assert_eq!(findings[0].tally.ports.kept().len(), 16);
        }
    }

    #[test]
    fn counts_every_port_once_however_many() {
        let flows = scan((1..=300).chain(1..=300));
        let findings = found(Rule::PortScan, flows);
        assert_eq!((findings[0].distinct, findings[0].tally.records), (300, 600));
    }

    #[test]
    fn does_not_fire_one_port_below() {
        assert!(!fires(Rule::PortScan, scan((1..=19).chain(1..=19))));
    }

    #[test]
    fn does_not_fire_for_ports_of_several_targets() {
        let flows =
            scan(1..=19).into_iter().chain(scan(20..=38).into_iter().map(|it| Flow { destination: "10.0.0.3", ..it }));
        assert!(!fires(Rule::PortScan, flows));
    }

    #[test]
    fn does_not_fire_across_windows() {
        let flows = scan(1..=19).into_iter().chain([Flow { start: FLOW.start + 300, ..FLOW.to_port(20) }]);
        assert!(!fires(Rule::PortScan, flows));
        let flows = scan(1..=19).into_iter().chain([Flow { start: FLOW.start + 299, ..FLOW.to_port(20) }]);
        assert!(fires(Rule::PortScan, flows));
    }

    #[test]
    fn windows_that_fire_are_one_finding() {
        let later = scan(1..=30).into_iter().map(|flow| Flow { start: FLOW.start + 300, ..flow });
        let findings = found(Rule::PortScan, scan(1..=20).into_iter().chain(later));
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].distinct, findings[0].tally.records), (30, 50));
        assert_eq!(findings[0].tally.last, Some(FLOW.start + 360));
    }

    #[test]
    fn answers_of_a_busy_server_are_no_scan() {
        let answers =
            (0..100).map(|client| Flow { ports: (443, 50_000 + client), source: TARGET, destination: INSIDE, ..FLOW });
        assert!(!fires(Rule::PortScan, answers));
    }

    #[test]
    fn flags_tell_who_asks_where_ports_do_not() {
        // From a small port to large ones, as an answer would go; the flags of a SYN alone.
        let line = |port: u16, flags: u16| {
            format!(
                "3 1 eni-a {INSIDE} {TARGET} 80 {port} 6 1 40 1200000000 1200000060 ACCEPT OK v s i {flags} IPv4 {INSIDE} {TARGET}"
            )
        };
        for (flags, expected) in [(2, true), (3, true), (18, false), (19, false), (0, false), (1, false)] {
            let lines = (2_000..2_020).map(|port| line(port, flags));
            let scans = of(Rule::PortScan, analyze_as(CUSTOM_FORMAT, lines, &Config::default()));
            assert_eq!(!scans.is_empty(), expected, "{flags}");
        }
    }

    #[test]
    fn what_is_rejected_need_not_have_opened_anything() {
        let line = |from: u16, to: u16| {
            format!(
                "3 1 eni-a {PUBLIC} {TARGET} {from} {to} 6 1 40 1200000000 1200000060 REJECT OK v s i 1 IPv4 {PUBLIC} {TARGET}"
            )
        };
        let fin_scan = (1..=20).map(|port| line(40_000, port));
        assert_eq!(of(Rule::PortScan, analyze_as(CUSTOM_FORMAT, fin_scan, &Config::default())).len(), 1);
        let late_answers = (50_000..50_020).map(|port| line(443, port));
        assert_eq!(of(Rule::PortScan, analyze_as(CUSTOM_FORMAT, late_answers, &Config::default())), []);
    }

    #[test]
    fn other_protocols_have_no_ports_to_scan() {
        assert!(!fires(Rule::PortScan, scan(1..=40).into_iter().map(|flow| Flow { protocol: 1, ..flow })));
    }

    #[test]
    fn is_once_for_both_ends() {
        let flows = scan(1..=25).into_iter().flat_map(|flow| [flow, Flow { interface: "eni-b", ..flow }]);
        let findings = found(Rule::PortScan, flows);
        assert_eq!((findings.len(), findings[0].tally.records), (1, 25));
        let rejected_there =
            scan(1..=25).into_iter().flat_map(|flow| [flow, Flow { interface: "eni-b", action: "REJECT", ..flow }]);
        let findings = found(Rule::PortScan, rejected_there);
        assert_eq!((findings.len(), findings[0].tally.records), (1, 25));
    }
}

mod host_sweep {
    use super::*;

    fn sweep(hosts: u16, network: &'static str) -> Vec<String> {
        (1..=hosts).map(|host| format!("{network}.{}.{}", host / 250, host % 250)).collect()
    }

    fn flows(hosts: &[String]) -> Vec<Flow<'_>> {
        hosts.iter().map(|destination| Flow { destination, ..FLOW }).collect()
    }

    #[test]
    fn fires_at_the_threshold() {
        let hosts = sweep(50, "10.1");
        let mut twice = flows(&hosts);
        twice.extend(flows(&hosts));
        let findings = found(Rule::HostSweep, twice);
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].distinct, findings[0].tally.records), (50, 100));
        assert_eq!(findings[0].subject.detail, Detail::Port(443));
        assert_eq!(findings[0].subject.destination, None);
    }

    #[test]
    fn does_not_fire_one_target_below_nor_across_ports() {
        let hosts = sweep(49, "10.1");
        assert!(!fires(Rule::HostSweep, flows(&hosts)));
        let mut across = flows(&hosts);
        across.push(Flow { destination: "10.9.9.9", ..FLOW.to_port(80) });
        assert!(!fires(Rule::HostSweep, across));
    }

    #[test]
    fn many_public_web_servers_are_no_sweep_but_many_public_ssh_servers_are() {
        let hosts = sweep(80, "198.51");
        assert!(!fires(Rule::HostSweep, flows(&hosts)));
        assert!(fires(Rule::HostSweep, flows(&hosts).into_iter().map(|flow| flow.to_port(22))));
    }

    #[test]
    fn answers_to_many_clients_are_no_sweep() {
        let hosts = sweep(80, "10.1");
        assert!(!fires(Rule::HostSweep, flows(&hosts).into_iter().map(|flow| Flow { ports: (443, 50_000), ..flow })));
    }
}

mod sensitive_ports {
    use super::*;

    const KNOCK: Flow<'_> = Flow { source: PUBLIC, ports: (40_000, 22), ..FLOW };

    #[test]
    fn accepted_and_rejected_are_two_rules() {
        let rejected = Flow { action: "REJECT", ..KNOCK };
        assert!(fires(Rule::SensitivePortAccepted, [KNOCK]));
        assert!(!fires(Rule::SensitivePortAccepted, [rejected]));
        assert!(fires(Rule::SensitivePortRejected, [rejected]));
        assert!(!fires(Rule::SensitivePortRejected, [KNOCK]));
        let findings = found(Rule::SensitivePortAccepted, [KNOCK, KNOCK.to_port(3389)]);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].tally.ports.kept(), [22, 3389]);
    }

    #[test]
    fn every_default_port_is_one_and_its_neighbours_are_not() {
        for port in Config::default().sensitive_ports {
            assert!(fires(Rule::SensitivePortAccepted, [KNOCK.to_port(port)]), "{port}");
        }
        for port in [0, 21, 24, 443, 8080, 27_016, 65_535] {
            assert!(!fires(Rule::SensitivePortAccepted, [KNOCK.to_port(port)]), "{port}");
        }
        let config = Config { sensitive_ports: [0, 63, 64, 39_999].into(), ..Config::default() };
        for port in [0, 63, 64, 39_999] {
            assert_eq!(of(Rule::SensitivePortAccepted, analyze([KNOCK.to_port(port)], &config)).len(), 1, "{port}");
        }
        assert_eq!(of(Rule::SensitivePortAccepted, analyze([KNOCK], &config)), []);
    }

    #[test]
    fn private_and_trusted_sources_may() {
        assert!(!fires(Rule::SensitivePortAccepted, [Flow { source: "192.168.1.1", ..KNOCK }]));
        let config = Config { trusted_cidrs: vec!["198.51.100.0/24".parse().unwrap()], ..Config::default() };
        assert_eq!(of(Rule::SensitivePortAccepted, analyze([KNOCK], &config)), []);
        let outside = Flow { source: "198.51.101.1", ..KNOCK };
        assert_eq!(of(Rule::SensitivePortAccepted, analyze([outside], &config)).len(), 1);
    }

    #[test]
    fn an_answer_from_the_internet_to_such_a_port_is_no_visit() {
        assert!(!fires(Rule::SensitivePortAccepted, [Flow { ports: (443, 3389), ..KNOCK }]));
    }

    #[test]
    fn behind_a_load_balancer_the_real_source_counts() {
        let line = |packet_source: &str| {
            format!(
                "3 1 eni-a 10.0.9.9 {TARGET} 40000 22 6 1 40 1200000000 1200000060 ACCEPT OK v s i 2 IPv4 {packet_source} {TARGET}"
            )
        };
        let fires = |source| {
            !of(Rule::SensitivePortAccepted, analyze_as(CUSTOM_FORMAT, [line(source)], &Config::default())).is_empty()
        };
        assert!(fires(PUBLIC));
        assert!(!fires("10.0.7.7"));
    }
}

mod large_egress {
    use super::*;

    const PART: Flow<'_> = Flow { destination: PUBLIC, bytes: 50_000_000, ..FLOW };

    #[test]
    fn fires_at_the_sum_of_a_window() {
        let last = Flow { start: FLOW.start + 299, ..PART };
        let findings = found(Rule::LargeEgress, [PART; 9].into_iter().chain([last]));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].tally.bytes, 500_000_000);
        assert_eq!(findings[0].subject.destination, PUBLIC.parse().ok());
    }

    #[test]
    fn does_not_fire_below_the_sum_nor_across_windows() {
        let less = Flow { bytes: PART.bytes - 1, ..PART };
        assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([less])));
        let later = Flow { start: FLOW.start + 300, ..PART };
        assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([later])));
    }

    #[test]
    fn sums_over_destinations_but_not_over_sources() {
        let elsewhere = Flow { destination: "203.0.113.9", ..PART };
        let findings = found(Rule::LargeEgress, [PART; 9].into_iter().chain([elsewhere]));
        assert_eq!(findings[0].subject.destination, None);
        let other = Flow { source: TARGET, ..PART };
        assert!(!fires(Rule::LargeEgress, [PART; 9].into_iter().chain([other])));
    }

    #[test]
    fn inside_to_inside_and_outside_to_inside_and_trusted_are_no_egress() {
        let many = |flow| [flow; 20];
        assert!(!fires(Rule::LargeEgress, many(Flow { destination: TARGET, ..PART })));
        assert!(!fires(Rule::LargeEgress, many(Flow { source: PUBLIC, destination: INSIDE, ..PART })));
        assert!(!fires(Rule::LargeEgress, many(Flow { action: "REJECT", ..PART })));
        let config = Config { trusted_cidrs: vec!["198.51.100.66/32".parse().unwrap()], ..Config::default() };
        assert_eq!(of(Rule::LargeEgress, analyze(many(PART), &config)), []);
    }

    #[test]
    fn a_nat_gateway_does_not_double_the_sum() {
        // The same packets at the instance and at the gateway, which puts its own address in place of the instance's.
        let line = |interface: &str, source: &str| {
            format!(
                "3 1 {interface} {source} {PUBLIC} 40000 443 6 1 499999999 1200000000 1200000060 ACCEPT OK v s i 0 IPv4 {INSIDE} {PUBLIC}"
            )
        };
        let findings =
            analyze_as(CUSTOM_FORMAT, [line("eni-a", INSIDE), line("eni-nat", "10.0.0.254")], &Config::default());
        assert_eq!(findings.other_ends, 1);
        assert_eq!(of(Rule::LargeEgress, findings), []);
    }
}

mod unusual_protocol {
    use super::*;

    #[test]
    fn fires_for_what_is_not_expected_only() {
        for expected in [1, 6, 17, 58] {
            assert!(!fires(Rule::UnusualProtocol, [Flow { protocol: expected, ..FLOW }]));
        }
        for unusual in [0, 2, 47, 255] {
            let findings = found(Rule::UnusualProtocol, [Flow { protocol: unusual, ..FLOW }]);
            assert_eq!(findings[0].subject.detail, Detail::Protocol(unusual));
        }
        let config = Config { expected_protocols: [6, 47].into(), ..Config::default() };
        assert_eq!(of(Rule::UnusualProtocol, analyze([Flow { protocol: 47, ..FLOW }], &config)), []);
        assert_eq!(of(Rule::UnusualProtocol, analyze([Flow { protocol: 17, ..FLOW }], &config)).len(), 1);
    }

    #[test]
    fn each_protocol_between_two_addresses_is_a_finding() {
        let flows = [47, 50, 47].map(|protocol| Flow { protocol, ..FLOW });
        assert_eq!(found(Rule::UnusualProtocol, flows).len(), 2);
    }
}

mod skipped_records {
    use super::*;

    fn idle(interface: &str, status: &str) -> String {
        format!("2 1 {interface} - - - - - - - 1200000000 1200000060 - {status}")
    }

    #[test]
    fn fires_once_per_interface() {
        let lines = ["eni-a", "eni-b", "eni-a"].map(|interface| idle(interface, "SKIPDATA"));
        let findings = of(Rule::SkippedRecords, analyze_as(V2_FORMAT, lines, &Config::default()));
        assert_eq!(findings.len(), 2);
        assert_eq!(findings[0].subject.detail, Detail::Interface("eni-a".into()));
        assert_eq!(findings[0].tally.records, 2);
    }

    #[test]
    fn no_data_is_no_loss() {
        assert_eq!(analyze_as(V2_FORMAT, [idle("eni-a", "NODATA")], &Config::default()), Findings::default());
    }
}

#[test]
fn a_rule_that_is_switched_off_finds_nothing() {
    let skipped = "2 1 eni-a - - - - - - - 1200000000 1200000060 - SKIPDATA".to_owned();
    let hosts: Vec<_> = (1..=60).map(|host| format!("10.2.0.{host}")).collect();
    let scan = (1..=20).map(|port| FLOW.to_port(port).v2());
    let sweep = hosts.iter().map(|destination| Flow { destination, ..FLOW }.v2());
    let others = [
        Flow { bytes: 600_000_000, destination: PUBLIC, ..FLOW },
        Flow { action: "REJECT", source: PUBLIC, ..FLOW.to_port(22) },
        Flow { source: PUBLIC, ..FLOW.to_port(22) },
        Flow { protocol: 47, ..FLOW },
    ];
    let lines: Vec<_> = scan.chain(sweep).chain(others.map(|flow| flow.v2())).chain([skipped]).collect();
    let rules = |config: &Config| -> Vec<_> {
        let counts = analyze_as(V2_FORMAT, lines.clone(), config).by_rule();
        counts.into_iter().filter(|(_, count)| *count > 0).map(|(rule, _)| rule).collect()
    };
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

mod both_ends {
    use super::*;

    const FORMAT: &str = "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${bytes} ${action} \
                          ${flow-direction} ${traffic-path}";

    fn other_ends(line: &str) -> u64 {
        analyze_as(FORMAT, [line.to_owned()], &Config::default()).other_ends
    }

    fn line(interface: &str, direction: &str, path: &str) -> String {
        format!("{interface} {INSIDE} {TARGET} 40000 443 6 40 ACCEPT {direction} {path}")
    }

    #[test]
    fn what_goes_out_and_stays_inside_counts_where_it_arrives() {
        assert_eq!(other_ends(&line("eni-a", "egress", "1")), 1);
        assert_eq!(other_ends(&line("eni-b", "ingress", "-")), 0);
    }

    #[test]
    fn what_leaves_the_vpc_or_may_or_is_rejected_counts_where_it_is_seen() {
        for path in ["-", "2", "3", "4", "5", "6", "7", "8"] {
            assert_eq!(other_ends(&line("eni-a", "egress", path)), 0);
        }
        assert_eq!(other_ends(&format!("eni-a {INSIDE} {PUBLIC} 40000 443 6 40 ACCEPT egress -")), 0);
        assert_eq!(other_ends(&format!("eni-a {INSIDE} {TARGET} 40000 443 6 40 REJECT egress 1")), 0);
    }

    /// A sweep is seen at its source alone, every other rule where the traffic arrives; with both ends in one set of files
    /// each counts once, whichever comes first.
    #[test]
    fn a_sweep_counts_where_it_departs_and_all_else_where_it_arrives() {
        let flow = |interface: &str, host: u8, direction: &str, path: &str| {
            format!("{interface} {INSIDE} 10.2.0.{host} 40000 443 6 60000000 ACCEPT {direction} {path}")
        };
        let departures: Vec<_> = (1..=60).map(|host| flow("eni-a", host, "egress", "1")).collect();
        let arrivals: Vec<_> = (1..=60).map(|host| flow(&format!("eni-{host}"), host, "ingress", "-")).collect();
        let outline = |lines: Vec<String>| {
            let findings = analyze_as(FORMAT, lines, &Config::default());
            let records = |rule| of(rule, findings.clone()).iter().map(|it| it.tally.records).sum::<u64>();
            (records(Rule::HostSweep), records(Rule::HighDataTransfer))
        };
        assert_eq!(outline(departures.clone()), (60, 0));
        assert_eq!(outline(arrivals.clone()), (60, 60));
        let both = |first: &[String], second: &[String]| [first, second].concat();
        assert_eq!(outline(both(&departures, &arrivals)), (60, 60));
        assert_eq!(outline(both(&arrivals, &departures)), (60, 60));
    }

    #[test]
    fn without_a_direction_the_first_interface_counts() {
        let flows = [FLOW, Flow { interface: "eni-b", ..FLOW }, FLOW];
        assert_eq!(analyze(flows, &Config::default()).other_ends, 1);
        let from_public = flows.map(|flow| Flow { source: PUBLIC, ..flow });
        assert_eq!(analyze(from_public, &Config::default()).other_ends, 0);
    }
}

#[test]
fn a_rule_tells_the_field_that_a_format_lacks() {
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

/// More addresses than can be told apart: the bounds hold, what is not examined is said, and an earlier scan is not lost.
#[test]
fn a_flood_of_addresses_is_bounded_and_counted() {
    let scan = (1..=20).map(|port| FLOW.to_port(port).v2());
    let flood = (0..u32::try_from(Limits::FUNCTION.subjects).unwrap() + 10).map(|n| {
        let source = std::net::Ipv4Addr::from(0x0b00_0000 + n).to_string();
        Flow { source: &source, ..FLOW }.v2()
    });
    let findings = analyze_as(V2_FORMAT, scan.chain(flood.collect::<Vec<_>>()), &Config::default());
    // The scan has one pair; of the flood eleven pairs and ports have no room, for each of two rules.
    assert_eq!(findings.unexamined_records, 2 * 10 + 1 + 20);
    assert_eq!(of(Rule::PortScan, findings).len(), 1);
}

/// Room is made by windows that are over.
#[test]
fn on_a_workstation_there_is_room_for_more() {
    let parser = Parser::new(V2_FORMAT.parse().unwrap());
    let lines = (0..u32::try_from(Limits::FUNCTION.subjects).unwrap() + 10).map(|n| {
        let source = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
        Flow { source: &source, action: "REJECT", ..FLOW }.v2()
    });
    let mut engine = Engine::with_limits(&Config::default(), &Limits::WORKSTATION);
    for line in lines {
        engine.observe(&parser.parse(&line).unwrap());
    }
    let findings = engine.finish();
    assert_eq!((findings.unexamined_records, findings.unlisted_records), (0, 0));
    assert_eq!(findings.list.len(), Limits::FUNCTION.subjects + 10);
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

#[test]
fn an_old_window_makes_room_and_is_judged() {
    let scan = (1..=20).map(|port| FLOW.to_port(port).v2());
    let flood = |window: u64| {
        (0..u32::try_from(Limits::FUNCTION.subjects).unwrap() / 2 - 20).map(move |n| {
            let source = std::net::Ipv4Addr::from(0x0b00_0000 + n).to_string();
            Flow { source: &source, start: FLOW.start + 300 * window, ..FLOW }.v2()
        })
    };
    let lines = scan.chain((0..6).flat_map(flood));
    let findings = analyze_as(V2_FORMAT, lines.collect::<Vec<_>>(), &Config::default());
    assert_eq!(findings.unexamined_records, 0);
    assert_eq!(of(Rule::PortScan, findings).len(), 1);
}

/// Of more findings than are kept, the largest are, whichever way memory is laid out.
#[test]
fn the_same_findings_are_kept_every_time_and_they_are_the_largest() {
    let scanners = u32::try_from(Limits::FUNCTION.findings_per_rule).unwrap() + 300;
    let lines: Vec<_> = (0..scanners)
        .flat_map(|scanner| {
            let source = std::net::Ipv4Addr::from(0x0b00_0000 + scanner).to_string();
            let ports = if scanner % 100 == 99 { 30 } else { 20 };
            (1..=ports).map(move |port| Flow { source: &source, ..FLOW.to_port(port) }.v2()).collect::<Vec<_>>()
        })
        .collect();
    let scans = || of(Rule::PortScan, analyze_as(V2_FORMAT, lines.clone(), &Config::default()));
    let first = scans();
    assert_eq!(first.len(), Limits::FUNCTION.findings_per_rule);
    assert_eq!(first.iter().filter(|scan| scan.distinct == 30).count(), 20);
    assert_eq!(first, scans());
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
