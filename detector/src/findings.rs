//! Groups what the rules fired on: one finding per rule, source and destination, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use crate::record::Record;
use crate::rules::Rule;

/// Findings kept per rule: with both rules full, groups and sorted list stay below 16 MiB however large the batch. The
/// bound is per rule so that a scan from many addresses cannot crowd out a large transfer.
pub const MAX_FINDINGS_PER_RULE: usize = 8_192;

/// Distinct destination ports kept per finding.
pub const MAX_PORTS: usize = 16;

/// What one rule found between one source and one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that fired.
    pub rule: Rule,
    /// `srcaddr`, if the format has it.
    pub source: Option<IpAddr>,
    /// `dstaddr`, if the format has it.
    pub destination: Option<IpAddr>,
    /// The records and what they add up to.
    pub tally: Tally,
}

impl Finding {
    /// Larger is worse, among findings of one rule: bytes where the rule is about bytes, else records.
    fn weight(&self) -> u64 {
        match self.rule {
            Rule::HighDataTransfer => self.tally.bytes,
            Rule::RejectedTcp => self.tally.records,
        }
    }
}

/// What the records of a finding add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Bytes of all records.
    pub bytes: u64,
    /// Destination ports.
    pub ports: Ports,
    /// The earliest `start`, Unix seconds.
    pub first: Option<i64>,
    /// The latest `end`, Unix seconds.
    pub last: Option<i64>,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(record.bytes.unwrap_or_default());
        if let Some(port) = record.destination_port {
            self.ports.add(port);
        }
        self.first = [self.first, record.start].into_iter().flatten().min();
        self.last = [self.last, record.end].into_iter().flatten().max();
    }
}

/// Up to [`MAX_PORTS`] distinct ports, kept in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    kept: [u16; MAX_PORTS],
    len: usize,
    more: bool,
}

impl Ports {
    fn add(&mut self, port: u16) {
        if self.kept().contains(&port) {
            return;
        }
        match self.kept.get_mut(self.len) {
            Some(place) => {
                *place = port;
                self.len += 1;
            }
            None => self.more = true,
        }
    }

    /// The ports kept, in the order they came.
    #[must_use]
    pub fn kept(&self) -> &[u16] {
        self.kept.get(..self.len).unwrap_or_default()
    }

    /// Whether there were others.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }
}

/// The findings of a batch while it is read.
#[derive(Debug, Default)]
pub struct Groups {
    rules: [RuleGroups; Rule::ALL.len()],
}

#[derive(Debug, Default)]
struct RuleGroups {
    tallies: HashMap<(Option<IpAddr>, Option<IpAddr>), Tally>,
    unlisted: u64,
}

impl Groups {
    /// Counts `record` under `rule`.
    pub fn add(&mut self, rule: Rule, record: &Record) {
        let groups = &mut self.rules[rule as usize];
        let full = groups.tallies.len() >= MAX_FINDINGS_PER_RULE;
        match groups.tallies.entry((record.source, record.destination)) {
            Entry::Occupied(mut known) => known.get_mut().add(record),
            Entry::Vacant(_) if full => groups.unlisted += 1,
            Entry::Vacant(new) => new.insert(Tally::default()).add(record),
        }
    }

    /// The findings in order.
    #[must_use]
    pub fn finish(self) -> Findings {
        let unlisted_records = self.rules.iter().map(|groups| groups.unlisted).sum();
        let mut list: Vec<Finding> = Rule::ALL
            .into_iter()
            .zip(self.rules)
            .flat_map(|(rule, groups)| {
                groups.tallies.into_iter().map(move |((source, destination), tally)| Finding {
                    rule,
                    source,
                    destination,
                    tally,
                })
            })
            .collect();
        list.sort_unstable_by(|a, b| {
            let rank = |finding: &Finding| (finding.rule.severity(), finding.weight());
            rank(b)
                .cmp(&rank(a))
                .then_with(|| (a.rule, a.source, a.destination).cmp(&(b.rule, b.source, b.destination)))
        });
        Findings { list, unlisted_records }
    }
}

/// The findings of a batch: the most severe first, then the largest; the order depends on nothing but the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The findings.
    pub list: Vec<Finding>,
    /// Records that fired a rule which had [`MAX_FINDINGS_PER_RULE`] findings already, none of them theirs.
    pub unlisted_records: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(source: u32, port: u16, bytes: u64) -> Record {
        Record {
            source: Some(IpAddr::V4(source.into())),
            destination: Some([10, 0, 0, 1].into()),
            destination_port: Some(port),
            bytes: Some(bytes),
            start: Some(i64::from(port)),
            end: Some(i64::from(port) + 60),
            ..Record::default()
        }
    }

    fn group(records: &[(Rule, Record)]) -> Findings {
        let mut groups = Groups::default();
        for (rule, record) in records {
            groups.add(*rule, record);
        }
        groups.finish()
    }

    #[test]
    fn rules_index_their_groups_by_their_place() {
        for (index, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!(rule as usize, index);
        }
    }

    #[test]
    fn full_groups_and_their_list_stay_below_what_is_documented() {
        // A hash map has at most twice the slots, each with a byte of its own; a list that grows, twice the places.
        let slot = size_of::<((Option<IpAddr>, Option<IpAddr>), Tally)>() + 1;
        let per_finding = 2 * slot + 2 * size_of::<Finding>();
        assert!(Rule::ALL.len() * MAX_FINDINGS_PER_RULE * per_finding < 16 * 1024 * 1024);
    }

    #[test]
    fn records_of_one_pair_become_one_finding() {
        let findings = group(&[
            (Rule::RejectedTcp, record(1, 443, 40)),
            (Rule::RejectedTcp, record(1, 22, 60)),
            (Rule::RejectedTcp, record(1, 443, 1)),
        ]);
        assert_eq!(findings.list.len(), 1);
        let tally = &findings.list[0].tally;
        assert_eq!((tally.records, tally.bytes), (3, 101));
        assert_eq!((tally.first, tally.last), (Some(22), Some(503)));
        assert_eq!(tally.ports.kept(), [443, 22]);
        assert!(!tally.ports.has_more());
    }

    #[test]
    fn another_source_destination_or_rule_is_another_finding() {
        let other = Record { destination: Some([10, 0, 0, 2].into()), ..record(1, 22, 60) };
        let findings = group(&[
            (Rule::RejectedTcp, record(1, 22, 60)),
            (Rule::RejectedTcp, record(2, 22, 60)),
            (Rule::RejectedTcp, other),
            (Rule::HighDataTransfer, record(1, 22, 60)),
        ]);
        assert_eq!(findings.list.len(), 4);
    }

    #[test]
    fn the_most_severe_come_first_then_the_largest_by_what_the_rule_is_about() {
        let findings = group(&[
            (Rule::RejectedTcp, record(1, 22, 900)),
            (Rule::RejectedTcp, record(2, 22, 1)),
            (Rule::RejectedTcp, record(2, 22, 1)),
            (Rule::HighDataTransfer, record(3, 22, 60)),
            (Rule::HighDataTransfer, record(3, 22, 60)),
            (Rule::HighDataTransfer, record(4, 22, 500)),
        ]);
        let sources: Vec<_> = findings.list.iter().filter_map(|it| it.source).collect();
        assert_eq!(sources, [4_u32, 3, 2, 1].map(|it| IpAddr::V4(it.into())));
    }

    #[test]
    fn ports_beyond_the_bound_are_said_to_exist() {
        let bound = u16::try_from(MAX_PORTS).unwrap();
        let mut ports = Ports::default();
        (0..bound).for_each(|port| ports.add(port));
        assert!(!ports.has_more());
        ports.add(bound);
        assert!(ports.has_more());
        assert_eq!(ports.kept().len(), MAX_PORTS);
    }

    #[test]
    fn pairs_beyond_the_bound_are_counted_and_leave_the_other_rule_its_room() {
        let mut groups = Groups::default();
        let bound = u32::try_from(MAX_FINDINGS_PER_RULE).unwrap();
        for source in 0..bound + 5 {
            groups.add(Rule::RejectedTcp, &record(source, 22, 40));
        }
        groups.add(Rule::RejectedTcp, &record(0, 22, 40));
        groups.add(Rule::HighDataTransfer, &record(bound + 9, 22, 40));
        let findings = groups.finish();
        assert_eq!(findings.unlisted_records, 5);
        assert_eq!(findings.list.len(), MAX_FINDINGS_PER_RULE + 1);
        assert_eq!(findings.list[0].rule, Rule::HighDataTransfer);
        assert_eq!(findings.list[1].tally.records, 2);
    }

    proptest! {
        #[test]
        fn no_record_is_lost_and_the_order_of_arrival_changes_nothing_but_the_ports_order(
            records in prop::collection::vec((0_u32..6, 0_u16..4, any::<u64>(), any::<bool>()), 0..64)
        ) {
            let rule = |high| if high { Rule::HighDataTransfer } else { Rule::RejectedTcp };
            let mut batch: Vec<_> = records.iter()
                .map(|&(source, port, bytes, high)| (rule(high), record(source, port, bytes)))
                .collect();
            let forth = group(&batch);
            batch.reverse();
            let back = group(&batch);
            prop_assert_eq!(forth.list.iter().map(|it| it.tally.records).sum::<u64>(), records.len() as u64);
            let outline = |findings: &Findings| findings.list.iter()
                .map(|it| (it.rule, it.source, it.tally.records, it.tally.bytes, it.tally.first, it.tally.last))
                .collect::<Vec<_>>();
            prop_assert_eq!(outline(&forth), outline(&back));
        }
    }
}
