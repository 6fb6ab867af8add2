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
