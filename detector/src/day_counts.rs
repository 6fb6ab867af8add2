//! Findings and records by day: a backtest of rules and suppressions on past records.

use std::collections::{BTreeMap, HashSet};
use std::mem;
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::custom_rule::CustomRule;
use crate::finding::Subject;

const SECONDS_OF_DAY: u64 = 24 * 60 * 60;

/// A day in UTC, counted from 1970; none for records without a start, and for those of days beyond the bound.
pub type Day = Option<u64>;

/// The counts of one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// Findings: subjects with enough records within a window of the day.
    pub findings: u64,
    /// Records that the condition matched, whether or not there were enough.
    pub records: u64,
}

/// Counts by day, of a bounded number of days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayCounts(BTreeMap<Day, DayCount>);

impl DayCounts {
    /// The days in order, each with its counts.
    pub fn iter(&self) -> impl Iterator<Item = (Day, DayCount)> {
        self.0.iter().map(|(day, count)| (*day, *count))
    }

    /// The counts over all days.
    #[must_use]
    pub fn total(&self) -> DayCount {
        self.0.values().fold(DayCount::default(), |sum, day| DayCount {
            findings: sum.findings + day.findings,
            records: sum.records + day.records,
        })
    }

    /// Counts a record that starts at `start`, in Unix seconds.
    pub(crate) fn add_record(&mut self, start: Option<u64>, max_days: usize) {
        let day = self.day(start, max_days);
        self.0.entry(day).or_default().records += 1;
    }

    fn day(&self, start: Option<u64>, max_days: usize) -> Day {
        let day = start.map(|seconds| seconds / SECONDS_OF_DAY);
        if self.0.len() < max_days || self.0.contains_key(&day) { day } else { None }
    }
}

/// The counts of the rules and suppressions of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Backtest {
    /// Rules that are switched on.
    pub rules: Vec<(Arc<CustomRule>, DayCounts)>,
    /// Suppressions that have not expired, by name: their records. They keep these from the rules before findings are made.
    pub suppressions: Vec<(String, DayCounts)>,
    /// True if there were more findings than could be distinguished, so that days may have more than counted.
    pub has_more_findings: bool,
}

/// The counts of rules while records come.
#[derive(Debug, Default)]
pub(crate) struct RuleDays {
    max_days: usize,
    max_findings: usize,
    counts: Vec<DayCounts>,
    findings: HashSet<(usize, Subject, Day), RandomState>,
    has_more_findings: bool,
}

impl RuleDays {
    /// Counts of `rules` rules over at most `max_days` days, with at most `max_findings` findings; no days for no counts at all.
    pub(crate) fn new(rules: usize, max_days: usize, max_findings: usize) -> Self {
        Self { max_days, max_findings, counts: vec![DayCounts::default(); rules], ..Self::default() }
    }

    /// Counts a record that the condition of the rule at `place` matches.
    #[inline]
    pub(crate) fn add_record(&mut self, place: usize, start: Option<u64>) {
        if self.max_days > 0
            && let Some(counts) = self.counts.get_mut(place)
        {
            counts.add_record(start, self.max_days);
        }
    }

    /// Counts a finding about `subject`, once a day.
    #[inline]
    pub(crate) fn add_finding(&mut self, place: usize, subject: &Subject, start: Option<u64>) {
        if self.max_days > 0 {
            self.count_finding(place, subject, start);
        }
    }

    #[cold]
    fn count_finding(&mut self, place: usize, subject: &Subject, start: Option<u64>) {
        let Some(counts) = self.counts.get_mut(place) else { return };
        let day = counts.day(start, self.max_days);
        let finding = (place, subject.clone(), day);
        if self.findings.contains(&finding) {
            return;
        }
        if self.findings.len() < self.max_findings {
            self.findings.insert(finding);
            counts.0.entry(day).or_default().findings += 1;
        } else {
            self.has_more_findings = true;
        }
    }

    /// The counts of `rules`; then it begins anew.
    pub(crate) fn finish(&mut self, rules: &[Arc<CustomRule>]) -> Backtest {
        let anew = Self::new(self.counts.len(), self.max_days, self.max_findings);
        let Self { counts, has_more_findings, .. } = mem::replace(self, anew);
        let rules = if self.max_days == 0 { &[] } else { rules };
        Backtest { rules: rules.iter().cloned().zip(counts).collect(), suppressions: Vec::new(), has_more_findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Detail;
    use crate::rules::Limits;

    fn subject(port: u16) -> Subject {
        Subject { source: None, destination: None, detail: Detail::Port(port) }
    }

    fn counted(mut days: RuleDays) -> (Vec<(Day, u64, u64)>, bool) {
        let rule = crate::custom_rule::tests::read(crate::custom_rule::tests::database()).unwrap();
        let backtest = days.finish(&[Arc::new(rule)]);
        let counts = backtest.rules[0].1.iter().map(|(day, count)| (day, count.findings, count.records));
        (counts.collect(), backtest.has_more_findings)
    }

    #[test]
    fn a_subject_is_one_finding_a_day_and_a_day_ends_at_midnight() {
        let mut days = RuleDays::new(1, 9, 9);
        for (port, start) in [(1, 86_399), (2, 86_399), (1, 86_399), (1, 86_400)] {
            days.add_record(0, Some(start));
            days.add_finding(0, &subject(port), Some(start));
        }
        assert_eq!(counted(days), (vec![(Some(0), 2, 3), (Some(1), 1, 1)], false));
    }

    #[test]
    fn days_and_findings_are_bounded() {
        let mut days = RuleDays::new(1, 2, 3);
        for day in 0..5 {
            days.add_record(0, Some(day * SECONDS_OF_DAY));
            days.add_finding(0, &subject(u16::try_from(day).unwrap()), Some(day * SECONDS_OF_DAY));
        }
        assert_eq!(counted(days), (vec![(None, 1, 3), (Some(0), 1, 1), (Some(1), 1, 1)], true));
    }

    #[test]
    fn full_counts_stay_below_what_is_documented() {
        let limits = Limits::WORKSTATION;
        // A table grows by doubling: half as many slots move, each with a byte of its own.
        let slots = limits.subjects.next_power_of_two();
        let findings = (slots + slots / 2) * (size_of::<(usize, Subject, Day)>() + 1);
        // 16 rules and 32 suppressions; nodes of a tree are half full at worst.
        let days = 48 * limits.days * 2 * size_of::<(Day, DayCount)>();
        assert!(findings + days < 64 * 1024 * 1024, "{findings} + {days}");
    }
}
