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

#[test]
fn what_is_rejected_at_the_other_end_is_transferred_once() {
    let out = Flow { bytes: 60_000_000, protocol: 47, ..FLOW };
    for rule in [Rule::HighDataTransfer, Rule::UnusualProtocol] {
        for action in ["ACCEPT", "REJECT"] {
            let findings = found(rule, [Flow { action, ..out }, Flow { interface: "eni-b", action: "REJECT", ..out }]);
            assert_eq!((findings.len(), findings[0].tally.records), (1, 1), "{rule} {action}");
        }
    }
}

/// Trusted is not inside: no other interface records what goes to a partner's public address.
#[test]
fn what_goes_to_a_trusted_public_address_is_judged_where_it_leaves() {
    let format = "${interface-id} ${srcaddr} ${dstaddr} ${bytes} ${action} ${flow-direction}";
    let config = Config { trusted_cidrs: vec!["198.51.100.0/24".parse().unwrap()], ..Config::default() };
    let line = format!("eni-a {INSIDE} {PUBLIC} 90000000000 ACCEPT egress");
    assert_eq!(of(Rule::HighDataTransfer, analyze_as(format, [line], &config)).len(), 1);
}
