//! Folds findings into graver ones about the same traffic, so that one incident is one finding.
//!
//! A finding is folded only if the graver finding is of the same source and may stand for all of its traffic; otherwise it
//! stays. [`Finding::folded`] keeps the sums of the findings that were folded, so no record disappears.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::finding::{Detail, Finding, Folded, Subject};
use crate::rules::rule::Rule;
use crate::tally::Tally;

/// The rules whose findings may stand for those of `lesser`, the gravest first. No rule is both graver and lesser, so a
/// finding is folded once at most.
const fn gravers(lesser: Rule) -> &'static [Rule] {
    match lesser {
        Rule::HighDataTransfer => &[Rule::LargeEgress],
        Rule::RejectedTcp | Rule::SensitivePortRejected => {
            &[Rule::SensitivePortAccepted, Rule::PortScan, Rule::HostSweep]
        }
        _ => &[],
    }
}

/// No finding of a user's rule is folded.
fn gravers_of(lesser: &Finding) -> &'static [Rule] {
    lesser.rule.built_in().map_or(&[], gravers)
}

/// The places of the graver findings in their list. A rule has one finding for a subject.
type Places = HashMap<(Rule, Subject), usize, RandomState>;

/// Folds the findings of a batch. The result does not depend on the order of `list`, but its own order is arbitrary.
pub(crate) fn fold(list: Vec<Finding>) -> Vec<Finding> {
    let (lesser, mut kept): (Vec<_>, Vec<_>) = list.into_iter().partition(|finding| !gravers_of(finding).is_empty());
    let place =
        |(place, finding): (usize, &Finding)| Some(((finding.rule.built_in()?, finding.subject.clone()), place));
    let places: Places = kept.iter().enumerate().filter_map(place).collect();
    for finding in lesser {
        match graver(&finding, &places, &kept).and_then(|place| kept.get_mut(place)) {
            Some(graver) => graver.include(&finding),
            None => kept.push(finding),
        }
    }
    kept
}

/// The place of the gravest finding that covers `lesser`.
fn graver(lesser: &Finding, places: &Places, list: &[Finding]) -> Option<usize> {
    let source = lesser.subject.source?;
    let of_several = |detail| Subject { source: Some(source), destination: None, detail };
    let sweep = sole_port(&lesser.tally).map(|port| of_several(Detail::Port(port)));
    let subjects = [Some(lesser.subject.clone()), sweep, Some(of_several(Detail::None))];
    let keys = gravers_of(lesser)
        .iter()
        .flat_map(|rule| subjects.iter().flatten().map(move |subject| (*rule, subject.clone())));
    keys.filter_map(|key| places.get(&key).copied())
        .find(|place| list.get(*place).is_some_and(|graver| covers(graver, lesser)))
}

/// True if `graver`, which has the same source and the destination of `lesser` or several, may stand for `lesser`.
///
/// - The ports of rejected connections must be among those of the accepted ones. The times do not matter: rejected attempts
///   come before the one that succeeds, or after it.
/// - A scan, or an egress to one destination, is of the same two addresses. It is enough that the times overlap: the windows
///   that fire cut an incident where they end, and the rest of it is no other incident.
/// - A sweep, or an egress to several destinations, does not name its targets. It covers findings of its own time only. The
///   time between two windows that fire is part of it, as a sum over windows does not keep them apart.
/// - A sweep or an egress covers no finding with records that it does not count, such as those to a target of another kind.
fn covers(graver: &Finding, lesser: &Finding) -> bool {
    match graver.rule.built_in() {
        Some(Rule::SensitivePortAccepted) => {
            graver.subject == lesser.subject && has_ports_of(&graver.tally, &lesser.tally)
        }
        Some(Rule::PortScan) => overlap(&graver.tally, &lesser.tally),
        _ if lesser.is_apart => false,
        _ if graver.subject.destination.is_some() => overlap(&graver.tally, &lesser.tally),
        _ => contains(&graver.tally, &lesser.tally),
    }
}

/// The destination port, if all records have the same.
fn sole_port(tally: &Tally) -> Option<u16> {
    match tally.ports.kept() {
        [port] if !tally.ports.has_more() => Some(*port),
        _ => None,
    }
}

/// True if every destination port of `lesser` is known, and is one of `graver`.
fn has_ports_of(graver: &Tally, lesser: &Tally) -> bool {
    let ports = lesser.ports.kept();
    !ports.is_empty() && !lesser.ports.has_more() && ports.iter().all(|port| graver.ports.kept().contains(port))
}

/// True if both have a time in common, or if times are unknown: without them a batch is one window.
fn overlap(one: &Tally, other: &Tally) -> bool {
    one.first <= other.last && other.first <= one.last
}

/// True if `inner` lies within the time of `outer`, or if times are unknown.
fn contains(outer: &Tally, inner: &Tally) -> bool {
    outer.first <= inner.first && inner.last <= outer.last
}

impl Finding {
    /// Stands for `lesser` from now on.
    fn include(&mut self, lesser: &Self) {
        let Some(rule) = lesser.rule.built_in() else { return };
        let Tally { records, bytes, .. } = lesser.tally;
        match self.folded.binary_search_by_key(&rule, |folded| folded.rule) {
            Ok(place) => {
                if let Some(folded) = self.folded.get_mut(place) {
                    folded.records = folded.records.saturating_add(records);
                    folded.bytes = folded.bytes.saturating_add(bytes);
                }
            }
            Err(place) => self.folded.insert(place, Folded { rule, records, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::evidence::Evidence;
    use crate::record::Parser;

    const SOURCE: [u8; 4] = [198, 51, 100, 66];
    const TARGET: [u8; 4] = [10, 0, 0, 1];

    /// A finding about `TARGET` with a record for each port, all from 100 to 160.
    fn finding(rule: Rule, ports: &[u16]) -> Finding {
        let mut finding = Finding {
            rule: rule.into(),
            subject: Subject { source: Some(SOURCE.into()), destination: Some(TARGET.into()), detail: Detail::None },
            tally: Tally::default(),
            distinct: 0,
            evidence: Evidence::None,
            is_apart: false,
            folded: Vec::new(),
        };
        let parser = Parser::new("${dstport} ${bytes} ${start} ${end}".parse().unwrap());
        for port in ports {
            finding.tally.add(&parser.parse(&format!("{port} 40 100 160")).unwrap());
        }
        finding
    }

    /// A finding that names no destination.
    fn of_several(rule: Rule, detail: Detail) -> Finding {
        let finding = finding(rule, &[22]);
        Finding { subject: Subject { destination: None, detail, ..finding.subject.clone() }, ..finding }
    }

    fn sweep(port: u16) -> Finding {
        of_several(Rule::HostSweep, Detail::Port(port))
    }

    fn at(finding: Finding, first: u64, last: u64) -> Finding {
        Finding { tally: Tally { first: Some(first), last: Some(last), ..finding.tally.clone() }, ..finding }
    }

    fn to(finding: Finding, destination: [u8; 4]) -> Finding {
        let subject = Subject { destination: Some(destination.into()), ..finding.subject.clone() };
        Finding { subject, ..finding }
    }

    fn from(finding: Finding, source: Option<IpAddr>) -> Finding {
        Finding { subject: Subject { source, ..finding.subject.clone() }, ..finding }
    }

    /// True if the second finding disappears in the first, which keeps its sums.
    fn folds(graver: &Finding, lesser: &Finding) -> bool {
        let folded = fold(vec![lesser.clone(), graver.clone()]);
        let sums =
            Folded { rule: lesser.rule.built_in().unwrap(), records: lesser.tally.records, bytes: lesser.tally.bytes };
        match folded.as_slice() {
            [one] => {
                assert_eq!(*one, Finding { folded: vec![sums], ..graver.clone() });
                true
            }
            both => {
                assert!(both.len() == 2 && both.contains(graver) && both.contains(lesser), "{both:?}");
                false
            }
        }
    }

    #[test]
    fn a_graver_rule_is_no_lesser_one_and_is_at_least_as_severe() {
        for lesser in Rule::ALL {
            assert!(gravers(lesser).is_sorted_by_key(|graver| std::cmp::Reverse(graver.severity())));
            for graver in gravers(lesser) {
                assert!(gravers(*graver).is_empty(), "{graver}");
                assert!(graver.severity() >= lesser.severity(), "{graver} {lesser}");
            }
        }
    }

    #[test]
    fn attempts_fold_into_the_accepted_connection_to_the_same_ports() {
        let accepted = finding(Rule::SensitivePortAccepted, &[22, 3389]);
        for rule in [Rule::SensitivePortRejected, Rule::RejectedTcp] {
            assert!(folds(&accepted, &finding(rule, &[22])));
            assert!(folds(&accepted, &at(finding(rule, &[3389, 22]), 7, 8)), "before");
            assert!(!folds(&accepted, &finding(rule, &[22, 23])));
            assert!(!folds(&accepted, &finding(rule, &[])), "at unknown ports");
            assert!(!folds(&accepted, &to(finding(rule, &[22]), [10, 0, 0, 2])));
            assert!(!folds(&accepted, &from(finding(rule, &[22]), Some([198, 51, 100, 67].into()))));
        }
        let many: Vec<_> = (1..=17).collect();
        let rejected = finding(Rule::RejectedTcp, &many);
        assert!(!folds(&finding(Rule::SensitivePortAccepted, &many), &rejected), "not every port is known");
    }

    #[test]
    fn rejections_fold_into_the_scan_of_their_target_and_time() {
        let scan = finding(Rule::PortScan, &[1, 2, 3]);
        for rule in [Rule::SensitivePortRejected, Rule::RejectedTcp] {
            assert!(folds(&scan, &finding(rule, &[22])));
            assert!(folds(&scan, &at(finding(rule, &[22]), 150, 999)));
            assert!(!folds(&scan, &at(finding(rule, &[22]), 161, 999)));
            assert!(!folds(&scan, &at(finding(rule, &[22]), 7, 99)));
            assert!(!folds(&scan, &to(finding(rule, &[1]), [10, 0, 0, 2])));
            assert!(folds(&scan, &Finding { is_apart: true, ..finding(rule, &[22]) }), "a scan counts every port");
        }
    }

    #[test]
    fn rejections_fold_into_the_sweep_of_their_port_and_time() {
        for rule in [Rule::SensitivePortRejected, Rule::RejectedTcp] {
            assert!(folds(&sweep(22), &finding(rule, &[22, 22])));
            assert!(!folds(&sweep(22), &finding(rule, &[22, 23])));
            assert!(!folds(&sweep(22), &finding(rule, &[23])));
            assert!(!folds(&sweep(22), &at(finding(rule, &[22]), 100, 161)));
            assert!(!folds(&sweep(22), &at(finding(rule, &[22]), 99, 160)));
            let apart = Finding { is_apart: true, ..finding(rule, &[22]) };
            assert!(!folds(&sweep(22), &apart), "to a target that the sweep does not count");
        }
    }

    #[test]
    fn transfers_fold_into_the_egress_of_their_destination_or_time() {
        let transfer = finding(Rule::HighDataTransfer, &[443]);
        let to_one = finding(Rule::LargeEgress, &[443]);
        assert!(folds(&to_one, &transfer));
        assert!(folds(&to_one, &at(transfer.clone(), 160, 999)));
        assert!(!folds(&to_one, &at(transfer.clone(), 161, 999)));
        assert!(!folds(&to_one, &to(transfer.clone(), [203, 0, 113, 9])));
        let to_several = of_several(Rule::LargeEgress, Detail::None);
        assert!(folds(&to_several, &transfer));
        assert!(!folds(&to_several, &at(transfer.clone(), 100, 161)));
        for egress in [to_one, to_several] {
            assert!(!folds(&egress, &Finding { is_apart: true, ..transfer.clone() }), "rejected, for example");
        }
    }

    #[test]
    fn unknown_sources_and_unrelated_rules_stay_apart() {
        let unknown = |rule| from(finding(rule, &[22]), None);
        assert!(!folds(&unknown(Rule::SensitivePortAccepted), &unknown(Rule::RejectedTcp)));
        for graver in [Rule::PortScan, Rule::SensitivePortAccepted] {
            assert!(!folds(&finding(graver, &[22]), &finding(Rule::UnusualProtocol, &[22])));
            assert!(!folds(&finding(graver, &[22]), &finding(Rule::HighDataTransfer, &[22])));
        }
        assert!(!folds(&finding(Rule::LargeEgress, &[22]), &finding(Rule::RejectedTcp, &[22])));
    }

    #[test]
    fn the_gravest_finding_keeps_the_others_summed_up_by_rule() {
        let accepted = finding(Rule::SensitivePortAccepted, &[22]);
        let elsewhere = |rule| to(finding(rule, &[22]), [10, 0, 0, 2]);
        let rejected = finding(Rule::SensitivePortRejected, &[22, 22]);
        let further = [elsewhere(Rule::SensitivePortRejected), to(rejected.clone(), [10, 0, 0, 3])];
        let mut list = vec![sweep(22), elsewhere(Rule::RejectedTcp), rejected, accepted];
        list.extend(further);
        let folded: Vec<_> =
            fold(list).into_iter().map(|finding| (finding.rule.built_in().unwrap(), finding.folded)).collect();
        let sums = |rule, records| Folded { rule, records, bytes: 40 * records };
        let expected = [
            (Rule::HostSweep, vec![sums(Rule::RejectedTcp, 1), sums(Rule::SensitivePortRejected, 3)]),
            (Rule::SensitivePortAccepted, vec![sums(Rule::SensitivePortRejected, 2)]),
        ];
        assert_eq!(folded, expected);
    }

    fn any_finding() -> impl Strategy<Value = Finding> {
        let ports = prop::collection::vec(prop::sample::select(vec![22, 23, 443]), 1..3);
        let rules = prop::sample::select(Rule::ALL.to_vec());
        (rules, 0_u8..2, prop::option::of(0_u8..2), ports, 100_u64..104, 0_u64..3, any::<bool>()).prop_map(
            |(rule, source, destination, ports, first, length, is_apart)| {
                let detail = if rule == Rule::HostSweep { Detail::Port(22) } else { Detail::None };
                let destination = destination.filter(|_| rule != Rule::HostSweep).map(|it| [10, 0, 0, it].into());
                let subject = Subject { source: Some([198, 51, 100, source].into()), destination, detail };
                at(Finding { subject, is_apart, ..finding(rule, &ports) }, first, first + length)
            },
        )
    }

    proptest! {
        #[test]
        fn folding_loses_no_record_and_depends_on_no_order_and_once_is_enough(
            findings in prop::collection::vec(any_finding(), 0..24)
        ) {
            let name = |finding: &Finding| (finding.rule.clone(), finding.subject.clone());
            let sorted = |mut list: Vec<Finding>| { list.sort_by_key(name); list };
            // A rule has one finding for a subject.
            let mut batch = sorted(findings);
            batch.dedup_by_key(|finding| name(finding));
            let records = |list: &[Finding]| -> u64 {
                list.iter().map(|it| it.tally.records + it.folded.iter().map(|it| it.records).sum::<u64>()).sum()
            };
            let once = sorted(fold(batch.clone()));
            prop_assert_eq!(records(&once), records(&batch));
            prop_assert_eq!(&sorted(fold(once.clone())), &once);
            batch.reverse();
            prop_assert_eq!(sorted(fold(batch)), once);
        }
    }
}
