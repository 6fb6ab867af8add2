use std::time::Duration;

use super::*;
use crate::expression::Expression;

fn suppression(rules: &[Rule], when: &str) -> Suppression {
    Suppression {
        name: "known".to_owned(),
        rules: rules.iter().copied().collect(),
        when: Expression::compile(when).unwrap(),
        until: NOW + Duration::from_secs(1),
        reason: "a ticket".to_owned(),
    }
}

fn without<'f>(suppressions: &[Suppression], flows: impl IntoIterator<Item = Flow<'f>>) -> Findings {
    analyze_without(suppressions, V2_FORMAT, flows.into_iter().map(|flow| flow.v2()), &Config::default())
}

fn counts(findings: &Findings) -> Vec<(&str, u64)> {
    findings.suppressed.by_name.iter().map(|(name, records)| (name.as_str(), *records)).collect()
}

#[test]
fn a_rule_whose_records_are_all_suppressed_finds_nothing() {
    let rules = |suppressions: &[Suppression]| {
        fired(&analyze_without(suppressions, V2_FORMAT, lines_of_all_rules(), &Config::default()))
    };
    for off in Rule::ALL {
        let left: Vec<_> = Rule::ALL.into_iter().filter(|rule| *rule != off).collect();
        assert_eq!(rules(&[suppression(&[off], "true")]), left);
    }
    assert_eq!(rules(&[suppression(&[], "true")]), []);
    assert_eq!(rules(&[suppression(&[], "false")]), Rule::ALL);
}

#[test]
fn one_that_has_expired_does_nothing() {
    let rejected = Flow { action: "REJECT", ..FLOW };
    let expired = Suppression { until: NOW, ..suppression(&[], "true") };
    let findings = without(&[expired], [rejected]);
    assert_eq!((findings.list.len(), findings.suppressed), (1, crate::suppression::Suppressed::default()));
}

/// The scanner's records do not count towards the threshold of the others.
#[test]
fn a_window_does_not_count_what_is_suppressed() {
    let scan = |ports: std::ops::RangeInclusive<u16>| ports.map(|port| FLOW.to_port(port));
    let known = suppression(&[Rule::PortScan], "dstport == 1");
    assert_eq!(fired(&without(std::slice::from_ref(&known), scan(1..=20))), []);
    let findings = without(&[known], scan(1..=21));
    assert_eq!(
        findings.list.iter().map(|it| (it.rule.built_in().unwrap(), it.distinct)).collect::<Vec<_>>(),
        [(Rule::PortScan, 20)]
    );
    assert_eq!(counts(&findings), [("known", 1)]);

    let hosts: Vec<_> = (1..=50).map(|host| format!("10.2.0.{host}")).collect();
    let sweep = || hosts.iter().map(|destination| Flow { destination, ..FLOW });
    assert!(fired(&without(&[], sweep())).contains(&Rule::HostSweep));
    let known = suppression(&[Rule::HostSweep], "destination == '10.2.0.7'");
    assert!(!fired(&without(&[known], sweep())).contains(&Rule::HostSweep));

    let egress = || [Flow { bytes: 50_000_000, destination: PUBLIC, ..FLOW }; 10];
    assert_eq!(fired(&without(&[], egress())), [Rule::LargeEgress]);
    let known = suppression(&[Rule::LargeEgress], "destination_public");
    assert_eq!(fired(&without(&[known], egress())), []);
}

#[test]
fn a_record_is_counted_once_for_each_suppression_that_kept_it_from_a_rule() {
    let named =
        |name: &str, rules: &[Rule], when: &str| Suppression { name: name.to_owned(), ..suppression(rules, when) };
    let suppressions = [
        named("first", &[Rule::RejectedTcp], "dstport == 443"),
        named("all", &[], "protocol == 6"),
        named("late", &[], "true"),
        named("other", &[Rule::SkippedRecords], "true"),
    ];
    // Two records are kept from the rule of rejections and from scans and sweeps; the last one fires nothing else.
    let flows = [
        Flow { action: "REJECT", ..FLOW },
        Flow { action: "REJECT", ..FLOW.to_port(23) },
        Flow { protocol: 47, ..FLOW },
    ];
    let findings = without(&suppressions, flows);
    assert_eq!(findings.list, []);
    assert_eq!(counts(&findings), [("all", 2), ("first", 1), ("late", 1), ("other", 0)]);
    assert_eq!(findings.suppressed.records, 3);
}

#[test]
fn a_rule_that_is_switched_off_suppresses_nothing() {
    let off = [Rule::RejectedTcp, Rule::PortScan, Rule::HostSweep].into();
    let config = Config { disabled: off, ..Config::default() };
    let lines = [Flow { action: "REJECT", ..FLOW }.v2()];
    let findings = analyze_without(&[suppression(&[], "true")], V2_FORMAT, lines, &config);
    assert_eq!(counts(&findings), [("known", 0)]);
}

/// A record that is rejected at a sensitive port is not counted to the other rule of rejections instead.
#[test]
fn a_suppressed_rejection_is_not_counted_to_the_other_rule() {
    let knock = Flow { action: "REJECT", source: PUBLIC, ..FLOW.to_port(22) };
    let findings = without(&[suppression(&[Rule::SensitivePortRejected], "true")], [knock]);
    assert_eq!(findings.list, []);
}

/// A sweep or an egress stands for no record that it leaves out.
#[test]
fn a_finding_with_records_that_a_window_left_out_stays() {
    let hosts: Vec<_> = (1..=51).map(|host| format!("10.2.0.{host}")).collect();
    let sweep = hosts.iter().map(|destination| Flow { destination, action: "REJECT", ..FLOW });
    let folded = |rules: &[Rule]| {
        let known = suppression(rules, "destination == '10.2.0.51'");
        let findings = without(&[known], sweep.clone());
        findings.list.iter().map(|it| (it.rule.built_in().unwrap(), it.tally.records)).collect::<Vec<_>>()
    };
    assert_eq!(folded(&[Rule::SkippedRecords]), [(Rule::HostSweep, 51)]);
    assert_eq!(folded(&[Rule::HostSweep]), [(Rule::HostSweep, 50), (Rule::RejectedTcp, 1)]);

    let large = Flow { bytes: 600_000_000, destination: PUBLIC, ..FLOW };
    let flows = [large, large.to_port(22)];
    let known = suppression(&[Rule::LargeEgress], "dstport == 22");
    assert_eq!(fired(&without(&[], flows)), [Rule::LargeEgress]);
    assert_eq!(fired(&without(&[known], flows)), [Rule::HighDataTransfer, Rule::LargeEgress]);
}
