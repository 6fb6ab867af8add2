//! Groups the records on which the rules fired: one finding per rule, source and target, in bounded memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::custom_rule::CustomRule;
use crate::day_counts::Backtest;
use crate::evidence::Evidence;
use crate::finding::{Finding, Subject};
use crate::folding;
use crate::record::Record;
use crate::rules::limits::Limits;
use crate::rules::rule::{Rule, Severity};
use crate::rules::rule_id::RuleId;
use crate::suppression::Suppressed;
use crate::tally::Tally;

/// The findings of a batch while it is read.
#[derive(Debug)]
pub struct Groups {
    max_per_rule: usize,
    max_per_custom_rule: usize,
    rules: [RuleGroups; Rule::ALL.len()],
    custom: Vec<(Arc<CustomRule>, RuleGroups)>,
}

#[derive(Debug, Default)]
struct RuleGroups {
    sums: HashMap<Subject, Sum, RandomState>,
    unlisted: u64,
}

/// The sums over the records of a subject.
#[derive(Debug, Default)]
struct Sum {
    tally: Tally,
    distinct: u32,
    evidence: Evidence,
    is_apart: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self::new(&Limits::FUNCTION)
    }
}

impl Groups {
    /// None yet; at most as many as `limits` allow are kept of each rule.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            max_per_rule: limits.findings_per_rule,
            max_per_custom_rule: limits.findings_per_custom_rule,
            rules: Default::default(),
            custom: Vec::new(),
        }
    }

    /// Groups records of the `rules` of users too.
    pub(crate) fn watch(&mut self, rules: &[Arc<CustomRule>]) {
        self.custom = rules.iter().map(|rule| (Arc::clone(rule), RuleGroups::default())).collect();
    }

    /// Counts `record` under the rule of a user at `place`.
    pub(crate) fn add_custom(&mut self, place: usize, subject: Subject, record: &Record) {
        if let Some(sum) = self.custom_sum(place, subject) {
            sum.tally.add(record);
        }
    }

    /// Counts the records of `tally`, those of one window, under the rule of a user at `place`.
    pub(crate) fn merge_custom(&mut self, place: usize, subject: Subject, tally: &Tally) {
        if let Some(sum) = self.custom_sum(place, subject) {
            sum.tally.merge(tally);
        }
    }

    fn custom_sum(&mut self, place: usize, subject: Subject) -> Option<&mut Sum> {
        let (_, groups) = self.custom.get_mut(place)?;
        Some(groups.sum(None, subject, self.max_per_custom_rule))
    }

    /// Counts `record` under `rule`.
    #[inline]
    pub fn add(&mut self, rule: Rule, subject: Subject, record: &Record) {
        self.sum(rule, subject).tally.add(record);
    }

    /// Counts `record`, which no rule over a window sees, under `rule`.
    #[inline]
    pub fn add_apart(&mut self, rule: Rule, subject: Subject, record: &Record) {
        let sum = self.sum(rule, subject);
        sum.tally.add(record);
        sum.is_apart = true;
    }

    /// Counts the records of `tally`, those of one window, under `rule`.
    pub fn merge(&mut self, rule: Rule, subject: Subject, tally: &Tally, distinct: u32, evidence: &Evidence) {
        let sum = self.sum(rule, subject);
        sum.tally.merge(tally);
        sum.distinct = distinct.max(sum.distinct);
        sum.evidence.merge(evidence);
    }

    #[inline]
    fn sum(&mut self, rule: Rule, subject: Subject) -> &mut Sum {
        self.rules[rule as usize].sum(Some(rule), subject, self.max_per_rule)
    }

    /// The findings in order, one for each incident.
    #[must_use]
    pub fn finish(mut self) -> Findings {
        for (rule, groups) in Rule::ALL.into_iter().zip(&mut self.rules) {
            groups.keep_largest(Some(rule), self.max_per_rule);
        }
        for (_, groups) in &mut self.custom {
            groups.keep_largest(None, self.max_per_custom_rule);
        }
        let by_custom_rule = self.custom.iter().map(|(rule, groups)| (rule.name.clone(), groups.sums.len() as u64));
        let by_custom_rule = by_custom_rule.collect();
        let all = || self.rules.iter().chain(self.custom.iter().map(|(_, groups)| groups));
        let unlisted_records = all().map(|groups| groups.unlisted).sum();
        let mut list = Vec::with_capacity(all().map(|groups| groups.sums.len()).sum());
        for (rule, groups) in Rule::ALL.into_iter().zip(self.rules) {
            list.extend(groups.findings(&rule.into()));
        }
        let mut list = folding::fold(list);
        for (rule, groups) in self.custom {
            list.extend(groups.findings(&RuleId::Custom(rule)));
        }
        list.sort_unstable_by(|a, b| {
            let rank = |finding: &Finding| {
                (finding.rule.severity(), weight(finding.rule.built_in(), &finding.tally, finding.distinct))
            };
            rank(b).cmp(&rank(a)).then_with(|| (&a.rule, &a.subject).cmp(&(&b.rule, &b.subject)))
        });
        Findings { list, unlisted_records, by_custom_rule, ..Findings::default() }
    }
}

impl RuleGroups {
    #[inline]
    fn sum(&mut self, rule: Option<Rule>, subject: Subject, max: usize) -> &mut Sum {
        if self.sums.len() >= 2 * max && !self.sums.contains_key(&subject) {
            self.keep_largest(rule, max);
        }
        self.sums.entry(subject).or_default()
    }

    /// Hands the sums over as findings.
    fn findings(self, rule: &RuleId) -> impl Iterator<Item = Finding> {
        self.sums.into_iter().map(move |(subject, Sum { tally, distinct, evidence, is_apart })| Finding {
            rule: rule.clone(),
            subject,
            tally,
            distinct,
            evidence: evidence.with_new_first(|_| false),
            is_apart,
            folded: Vec::new(),
        })
    }

    /// Forgets all but the `max` largest: a flood of small ones cannot crowd out the important ones. A forgotten one that comes
    /// again begins anew.
    #[cold]
    fn keep_largest(&mut self, rule: Option<Rule>, max: usize) {
        if self.sums.len() <= max {
            return;
        }
        let mut all: Vec<_> = self.sums.drain().collect();
        all.select_nth_unstable_by(max, |(a, one), (b, other)| {
            let weigh = |sum: &Sum| weight(rule, &sum.tally, sum.distinct);
            weigh(other).cmp(&weigh(one)).then_with(|| a.cmp(b))
        });
        self.unlisted += all.drain(max..).map(|(_, sum)| sum.tally.records).sum::<u64>();
        self.sums.extend(all);
    }
}

/// Larger is worse, among findings of one rule.
fn weight(rule: Option<Rule>, tally: &Tally, distinct: u32) -> u64 {
    match rule {
        Some(Rule::HighDataTransfer | Rule::LargeEgress) => tally.bytes,
        Some(Rule::PortScan | Rule::HostSweep) => u64::from(distinct),
        _ => tally.records,
    }
}

/// The findings of a batch: the most severe first, then the largest; the order depends on nothing but the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The findings.
    pub list: Vec<Finding>,
    /// Records of findings that were not kept: of a rule with more than [`Limits`] allow, the smaller ones.
    pub unlisted_records: u64,
    /// Records that could not be counted over a window, too many addresses and ports being counted already.
    pub unexamined_records: u64,
    /// Findings of each rule of a user, by its name.
    pub by_custom_rule: BTreeMap<String, u64>,
    /// Records that were not counted to a rule, by suppression.
    pub suppressed: Suppressed,
    /// Counts of the rules of a user and of suppressions by day, if the limits have days.
    pub backtest: Backtest,
    /// Records not judged since the other end of the conversation was.
    pub other_ends: u64,
}

impl Findings {
    /// The highest severity, `None` if there is no finding.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.list.first().map(|finding| finding.rule.severity())
    }

    /// Number of findings of each rule after folding, in the order of [`Rule::ALL`].
    #[must_use]
    pub fn by_rule(&self) -> [(Rule, u64); Rule::ALL.len()] {
        Rule::ALL.map(|rule| (rule, self.list.iter().filter(|finding| finding.rule == rule).count() as u64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::net::IpAddr;

    use super::*;
    use crate::finding::{Detail, Folded};
    use crate::format::LogFormat;
    use crate::record::Parser;

    fn with_record<T>(port: u16, bytes: u64, then: impl FnOnce(&Record) -> T) -> T {
        let format: LogFormat = "${dstport} ${bytes} ${start} ${end}".parse().unwrap();
        let line = format!("{port} {bytes} {port} {}", u64::from(port) + 60);
        then(&Parser::new(format).parse(&line).unwrap())
    }

    fn subject(source: u32) -> Subject {
        Subject {
            source: Some(IpAddr::V4(source.into())),
            destination: Some([10, 0, 0, 1].into()),
            detail: Detail::None,
        }
    }

    fn group(records: &[(Rule, Subject, u16, u64)]) -> Findings {
        let mut groups = Groups::default();
        for (rule, subject, port, bytes) in records {
            with_record(*port, *bytes, |record| groups.add(*rule, subject.clone(), record));
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
        for (limits, mebibytes) in [(Limits::FUNCTION, 22), (Limits::FILE, 44), (Limits::WORKSTATION, 352)] {
            let max = limits.findings_per_rule;
            // A table has a power of two of slots, each with a byte of its own.
            let slots = (max * 8 / 7).next_power_of_two();
            let slot = size_of::<(Subject, Sum)>() + 1;
            // While findings are folded there are two lists of them, and a table of the graver ones.
            let folded = 4 * size_of::<Folded>();
            let graver = slots * (size_of::<((Rule, Subject), usize)>() + 1);
            let per_rule = slots * slot + max * (2 * size_of::<Finding>() + folded) + graver;
            // Sixteen rules of users need as much as one of the detector.
            assert!(16 * limits.findings_per_custom_rule <= max);
            assert!((Rule::ALL.len() + 1) * per_rule < mebibytes * 1024 * 1024, "{per_rule}");
        }
    }

    #[test]
    fn records_of_one_subject_become_one_finding() {
        let rule = Rule::RejectedTcp;
        let findings = group(&[(rule, subject(1), 443, 40), (rule, subject(1), 22, 60), (rule, subject(1), 443, 1)]);
        assert_eq!(findings.list.len(), 1);
        let tally = &findings.list[0].tally;
        assert_eq!((tally.records, tally.bytes), (3, 101));
        assert_eq!((tally.first, tally.last), (Some(22), Some(503)));
        assert_eq!(tally.ports.kept(), [443, 22]);
        assert_eq!(tally.ports.to_string(), "22 443");
    }

    #[test]
    fn another_source_destination_detail_or_rule_is_another_finding() {
        let rule = Rule::RejectedTcp;
        let elsewhere = Subject { destination: None, ..subject(1) };
        let detailed = Subject { detail: Detail::Protocol(47), ..subject(1) };
        let findings = group(&[
            (rule, subject(1), 22, 60),
            (rule, subject(2), 22, 60),
            (rule, elsewhere, 22, 60),
            (rule, detailed, 22, 60),
            (Rule::HighDataTransfer, subject(1), 22, 60),
        ]);
        assert_eq!(findings.list.len(), 5);
    }

    #[test]
    fn the_most_severe_come_first_then_the_largest_by_what_the_rule_is_about() {
        let (low, high) = (Rule::RejectedTcp, Rule::HighDataTransfer);
        let findings = group(&[
            (low, subject(1), 22, 900),
            (low, subject(2), 22, 1),
            (low, subject(2), 22, 1),
            (high, subject(3), 22, 60),
            (high, subject(3), 22, 60),
            (high, subject(4), 22, 500),
        ]);
        let sources: Vec<_> = findings.list.iter().filter_map(|it| it.subject.source).collect();
        assert_eq!(sources, [4_u32, 3, 2, 1].map(|it| IpAddr::V4(it.into())));
    }

    #[test]
    fn subjects_beyond_the_bound_are_counted_and_leave_the_other_rules_their_room() {
        let mut groups = Groups::default();
        let bound = u32::try_from(Limits::FUNCTION.findings_per_rule).unwrap();
        with_record(22, 40, |record| {
            for source in 0..bound + 5 {
                groups.add(Rule::RejectedTcp, subject(source), record);
            }
            groups.add(Rule::RejectedTcp, subject(0), record);
            groups.add(Rule::HighDataTransfer, subject(bound + 9), record);
        });
        let findings = groups.finish();
        assert_eq!(findings.unlisted_records, 5);
        assert_eq!(findings.list.len(), Limits::FUNCTION.findings_per_rule + 1);
        assert_eq!(findings.list[0].rule, Rule::HighDataTransfer);
        assert_eq!(findings.list[1].tally.records, 2);
        assert_eq!(findings.by_rule()[0], (Rule::HighDataTransfer, 1));
    }

    #[test]
    fn a_flood_of_small_findings_cannot_crowd_out_a_large_one_that_comes_late() {
        let mut groups = Groups::default();
        let flood = u32::try_from(5 * Limits::FUNCTION.findings_per_rule).unwrap();
        with_record(22, 40, |record| {
            (0..flood).for_each(|source| groups.add(Rule::HighDataTransfer, subject(source), record));
        });
        with_record(22, 1_000, |record| groups.add(Rule::HighDataTransfer, subject(flood), record));
        let findings = groups.finish();
        assert_eq!(findings.list[0].tally.bytes, 1_000);
        let listed: u64 = findings.list.iter().map(|finding| finding.tally.records).sum();
        assert_eq!(listed + findings.unlisted_records, u64::from(flood) + 1);
    }

    proptest! {
        #[test]
        fn no_record_is_lost_and_the_order_of_arrival_changes_nothing_but_the_ports_order(
            records in prop::collection::vec((0_u32..6, 0_u16..4, 0_u64..1_000_000, any::<bool>()), 0..64)
        ) {
            let rule = |high| if high { Rule::HighDataTransfer } else { Rule::RejectedTcp };
            let mut batch: Vec<_> = records.iter()
                .map(|&(source, port, bytes, high)| (rule(high), subject(source), port, bytes))
                .collect();
            let forth = group(&batch);
            batch.reverse();
            let back = group(&batch);
            prop_assert_eq!(forth.list.iter().map(|it| it.tally.records).sum::<u64>(), records.len() as u64);
            let outline = |findings: &Findings| findings.list.iter().map(|it| it.id("m")).collect::<Vec<_>>();
            prop_assert_eq!(outline(&forth), outline(&back));
        }
    }
}
