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
