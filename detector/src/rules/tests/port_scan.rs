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
fn windows_are_as_long_in_whatever_unit_the_times_are() {
    for unit in [1, 1_000, 1_000_000, 1_000_000_000] {
        let at = |port: u16, hour: u64| Flow { start: (FLOW.start + 3_600 * hour) * unit, ..FLOW.to_port(port) };
        assert!(!fires(Rule::PortScan, (1..=25).map(|port| at(port, u64::from(port)))), "{unit}");
        let findings = found(Rule::PortScan, (1..=25).map(|port| at(port, 0)));
        assert_eq!((findings.len(), findings[0].tally.first), (1, Some(FLOW.start)), "{unit}");
    }
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

/// The ports that are shown do not depend on the order in which windows are judged.
#[test]
fn the_ports_of_a_scan_over_two_windows_are_always_the_same() {
    let later = (101..=120).map(|port| Flow { start: FLOW.start + 300, ..FLOW.to_port(port) });
    let lines: Vec<_> = (1..=20).map(|port| FLOW.to_port(port)).chain(later).map(|flow| flow.v2()).collect();
    let ports =
        || of(Rule::PortScan, analyze_as(V2_FORMAT, lines.clone(), &Config::default()))[0].tally.ports.to_string();
    let first = ports();
    for _ in 0..40 {
        assert_eq!(ports(), first);
    }
}

#[test]
fn the_ports_that_were_open_are_named_however_many_were_tried() {
    let rejected = scan(1..=60).into_iter().map(|flow| Flow { action: "REJECT", ..flow });
    let findings = found(Rule::PortScan, rejected.chain(scan([8080, 8081])));
    let sentence = Sentence(&findings[0]).to_string();
    assert!(sentence.contains("; accepted at 8080 8081; 60 connections were rejected"), "{sentence}");
}
