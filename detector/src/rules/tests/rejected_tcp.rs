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
