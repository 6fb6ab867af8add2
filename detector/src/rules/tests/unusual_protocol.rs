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
