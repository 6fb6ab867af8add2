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

/// Ports of a scan and hosts of a sweep are distinguished, also at port 0, which hashes to nothing.
#[test]
fn a_scan_does_not_hide_a_sweep_of_port_zero() {
    let config = Config { host_sweep_min_hosts: 2, ..Config::default() };
    let flows = ["10.0.0.2", "10.0.0.3"]
        .into_iter()
        .flat_map(|destination| (1..=16).chain([0]).map(move |port| Flow { destination, ..FLOW.to_port(port) }));
    let sweeps = of(Rule::HostSweep, analyze(flows, &config));
    assert!(sweeps.iter().any(|sweep| sweep.subject.detail == Detail::Port(0)), "{sweeps:?}");
}

#[test]
fn the_hosts_that_let_it_in_are_named() {
    let (open, closed) = (sweep(2, "10.2"), sweep(60, "10.1"));
    let rejected = flows(&closed).into_iter().map(|flow| Flow { action: "REJECT", ..flow });
    let findings = found(Rule::HostSweep, rejected.chain(flows(&open)));
    let sentence = Sentence(&findings[0]).to_string();
    assert!(sentence.contains("; accepted at 10.2.0.1 10.2.0.2; 60 connections were rejected"), "{sentence}");
}
