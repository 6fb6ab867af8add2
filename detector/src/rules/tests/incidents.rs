//! One incident is one finding.

use super::*;
use crate::finding::Folded;

/// A finding as its rule, its records, and the rules and records that were folded.
type Outline = (Rule, u64, Vec<(Rule, u64)>);

fn outline(findings: &Findings) -> Vec<Outline> {
    let folded = |finding: &Finding| finding.folded.iter().map(|it: &Folded| (it.rule, it.records)).collect();
    findings
        .list
        .iter()
        .map(|finding| (finding.rule.built_in().unwrap(), finding.tally.records, folded(finding)))
        .collect()
}

fn outline_of<'f>(flows: impl IntoIterator<Item = Flow<'f>>) -> Vec<Outline> {
    outline(&analyze(flows, &Config::default()))
}

const SSH: Flow<'_> = Flow { source: PUBLIC, ports: (40_000, 22), ..FLOW };
const REJECTED_SSH: Flow<'_> = Flow { action: "REJECT", ..SSH };

#[test]
fn a_rejected_record_counts_under_one_rule() {
    assert_eq!(outline_of([REJECTED_SSH]), [(Rule::SensitivePortRejected, 1, vec![])]);
    assert_eq!(outline_of([REJECTED_SSH.to_port(80)]), [(Rule::RejectedTcp, 1, vec![])]);
    let config = Config { disabled: [Rule::SensitivePortRejected].into(), ..Config::default() };
    assert_eq!(outline(&analyze([REJECTED_SSH], &config)), [(Rule::RejectedTcp, 1, vec![])]);
}

#[test]
fn a_brute_force_is_one_finding() {
    let attempts = (0..80).map(|second| Flow { start: FLOW.start + second, ..REJECTED_SSH });
    let accepted = (0..46).map(|second| Flow { start: FLOW.start + 400 + second, ..SSH });
    let flows: Vec<_> = attempts.chain(accepted).collect();
    let expected = [(Rule::SensitivePortAccepted, 46, vec![(Rule::SensitivePortRejected, 80)])];
    assert_eq!(outline_of(flows.clone()), expected);
    let config = Config { disabled: [Rule::SensitivePortRejected].into(), ..Config::default() };
    let expected = [(Rule::SensitivePortAccepted, 46, vec![(Rule::RejectedTcp, 80)])];
    assert_eq!(outline(&analyze(flows, &config)), expected);
}

#[test]
fn a_rejection_at_another_target_or_port_is_no_part_of_a_brute_force() {
    let elsewhere = Flow { destination: "10.0.0.3", ..REJECTED_SSH };
    let expected = [
        (Rule::SensitivePortAccepted, 1, vec![]),
        (Rule::RejectedTcp, 1, vec![]),
        (Rule::SensitivePortRejected, 1, vec![]),
    ];
    assert_eq!(outline_of([SSH, elsewhere, REJECTED_SSH.to_port(80)]), expected);
}

#[test]
fn an_upload_in_several_records_is_one_finding() {
    let part = Flow { destination: PUBLIC, bytes: 100_000_000, ..FLOW };
    assert_eq!(outline_of([part; 6]), [(Rule::LargeEgress, 6, vec![(Rule::HighDataTransfer, 6)])]);
    let elsewhere = Flow { destination: "203.0.113.9", ..part };
    let expected = [(Rule::LargeEgress, 7, vec![(Rule::HighDataTransfer, 7)])];
    assert_eq!(outline_of([part; 6].into_iter().chain([elsewhere])), expected);
    // The rest belongs to it too, in a window that does not fire.
    let rest = Flow { start: FLOW.start + 60, ..part };
    let later = Flow { start: FLOW.start + 300, ..part };
    let long = [part, part, part, part, Flow { start: FLOW.start + 290, ..part }, later, rest];
    assert_eq!(outline_of(long), [(Rule::LargeEgress, 6, vec![(Rule::HighDataTransfer, 7)])]);
}

/// An egress counts what leaves for the internet and is not rejected.
#[test]
fn a_transfer_that_is_no_egress_stays() {
    let part = Flow { bytes: 300_000_000, ..FLOW };
    let upload = [PUBLIC, "203.0.113.9"].map(|destination| Flow { destination, ..part });
    for other in [part, Flow { destination: "203.0.113.10", action: "REJECT", protocol: 17, ..part }] {
        let expected = [(Rule::LargeEgress, 2, vec![(Rule::HighDataTransfer, 2)]), (Rule::HighDataTransfer, 1, vec![])];
        let mut found = outline_of(upload.into_iter().chain([other]));
        found.sort_by_key(|(rule, ..)| *rule != Rule::LargeEgress);
        assert_eq!(found, expected);
    }
}

#[test]
fn a_scan_is_one_finding_rejected_or_not() {
    let scan = (1..=30).map(|port| REJECTED_SSH.to_port(port));
    let elsewhere = Flow { destination: "10.0.0.3", ..REJECTED_SSH };
    let expected = [
        (Rule::PortScan, 30, vec![(Rule::RejectedTcp, 28), (Rule::SensitivePortRejected, 2)]),
        (Rule::SensitivePortRejected, 1, vec![]),
    ];
    assert_eq!(outline_of(scan.chain([elsewhere])), expected);
}

#[test]
fn a_sweep_covers_its_port_alone() {
    let hosts: Vec<_> = (1..=60).map(|host| format!("10.2.0.{host}")).collect();
    let knocks = hosts.iter().map(|destination| Flow { destination, ..REJECTED_SSH });
    let both = [22, 23].map(|port| Flow { destination: "10.2.0.61", ..REJECTED_SSH.to_port(port) });
    let expected =
        [(Rule::HostSweep, 61, vec![(Rule::SensitivePortRejected, 60)]), (Rule::SensitivePortRejected, 2, vec![])];
    assert_eq!(outline_of(knocks.chain(both)), expected);
}

/// A sweep counts public targets at sensitive ports only.
#[test]
fn a_rejection_that_a_sweep_does_not_count_stays() {
    let hosts: Vec<_> = (1..=60).map(|host| format!("10.2.0.{host}")).collect();
    let rejected = Flow { action: "REJECT", ..FLOW };
    let sweep = hosts.iter().map(|destination| Flow { destination, ..rejected });
    let public = Flow { destination: PUBLIC, ..rejected };
    let expected = [(Rule::HostSweep, 60, vec![(Rule::RejectedTcp, 60)]), (Rule::RejectedTcp, 1, vec![])];
    assert_eq!(outline_of(sweep.chain([public])), expected);
}

/// The rules that fired are the same with and without folding: a filter policy that names one loses nothing.
#[test]
fn a_finding_names_every_rule_that_fired() {
    let findings = analyze([SSH, REJECTED_SSH], &Config::default());
    let rules: Vec<_> = findings.list.iter().flat_map(Finding::rules).collect();
    assert_eq!(rules, [Rule::SensitivePortAccepted, Rule::SensitivePortRejected]);
}
