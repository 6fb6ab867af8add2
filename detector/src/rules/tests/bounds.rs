//! Memory is bounded, and the records that this costs are counted.

use super::*;

/// With more addresses than can be distinguished, memory stays bounded, records that are not examined are counted, and an
/// earlier scan is not lost.
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

/// The largest findings are kept if there are too many, whichever way memory is laid out.
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

/// The largest subjects are kept however many fire, and always the same ones.
#[test]
fn more_findings_than_are_kept_leave_the_largest() {
    let config = Config { port_scan_min_ports: 2, ..Config::default() };
    let small = (0..4_000_u32).flat_map(|n| {
        let source = std::net::Ipv4Addr::from(0x0b00_0000 + n).to_string();
        [1, 2].map(|port| Flow { source: &source, ..FLOW.to_port(port) }.v2())
    });
    let large = (1..=1_000).map(|port| Flow { source: PUBLIC, ..FLOW.to_port(port) }.v2());
    let lines: Vec<_> = small.chain(large).collect();
    let ids = || -> Vec<_> {
        let findings = of(Rule::PortScan, analyze_as(V2_FORMAT, lines.clone(), &config));
        assert_eq!(findings[0].distinct, 1_000, "the largest is kept");
        findings.iter().map(|finding| finding.id("m")).collect()
    };
    let first = ids();
    for _ in 0..8 {
        assert_eq!(ids(), first);
    }
}

/// A rule that judges single records keeps the largest too, whenever they come.
#[test]
fn a_large_transfer_after_many_smaller_ones_is_kept() {
    let small = (0..2_000_u32).map(|n| {
        let source = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
        Flow { source: &source, bytes: 50_000_001, ..FLOW }.v2()
    });
    let lines = small.chain([Flow { source: "10.9.9.9", bytes: 1_000_000_000_000, ..FLOW }.v2()]);
    let findings = of(Rule::HighDataTransfer, analyze_as(V2_FORMAT, lines.collect::<Vec<_>>(), &Config::default()));
    assert_eq!(findings[0].tally.bytes, 1_000_000_000_000);
}
