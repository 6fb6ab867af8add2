//! Decides which records a rule leaves out, and counts them.

use std::time::SystemTime;

use super::Rule;
use super::ends::Ends;
use crate::day_counts::DayCounts;
use crate::expression::Expression;
use crate::record::Record;
use crate::suppression::{Suppressed, Suppression};

/// The suppressions at work on one batch.
#[derive(Debug, Default)]
pub(super) struct Suppressions {
    live: Vec<Live>,
    /// The number of the record at hand, from 1.
    record: u64,
    /// The last record that was counted.
    counted: u64,
    records: u64,
    /// Days counted of each; none for no counts by day.
    max_days: usize,
}

/// A suppression that has not expired.
#[derive(Debug)]
struct Live {
    name: String,
    rules: [bool; Rule::ALL.len()],
    /// True if it is about every rule.
    is_general: bool,
    when: Expression,
    /// The last record that was compared with `when`, and the result.
    compared: (u64, bool),
    /// The last record that was counted.
    counted: u64,
    records: u64,
    days: DayCounts,
}

impl Suppressions {
    /// Those of `all` that have not expired, for the rules that are `enabled`, counted on at most `max_days` days.
    pub(super) fn new(all: &[Suppression], enabled: [bool; Rule::ALL.len()], now: SystemTime, max_days: usize) -> Self {
        let live = all.iter().filter(|suppression| !suppression.is_expired(now)).map(|suppression| Live {
            name: suppression.name.clone(),
            rules: Rule::ALL.map(|rule| enabled[rule as usize] && suppression.is_about(rule)),
            is_general: suppression.rules.is_empty(),
            when: suppression.when.clone(),
            compared: (0, false),
            counted: 0,
            records: 0,
            days: DayCounts::default(),
        });
        Self { live: live.collect(), max_days, ..Self::default() }
    }

    /// Begins the next record.
    #[inline]
    pub(super) fn next_record(&mut self) {
        self.record += 1;
    }

    /// True if `rule` leaves the record out.
    #[inline]
    pub(super) fn cover(&mut self, rule: Rule, record: &Record, ends: &Ends) -> bool {
        !self.live.is_empty() && self.find(Some(rule), record, ends).is_some()
    }

    /// True if `rule` leaves the record out. Each suppression counts it once, whatever the number of rules; if several match,
    /// the first one counts.
    #[inline]
    pub(super) fn suppress(&mut self, rule: Rule, record: &Record, ends: &Ends) -> bool {
        !self.live.is_empty() && self.count(Some(rule), record, ends)
    }

    /// True if a rule of a user leaves the record out: suppressions without rules are about those too.
    pub(super) fn suppress_custom(&mut self, record: &Record, ends: &Ends) -> bool {
        !self.live.is_empty() && self.count(None, record, ends)
    }

    #[cold]
    fn count(&mut self, rule: Option<Rule>, record: &Record, ends: &Ends) -> bool {
        let (number, max_days) = (self.record, self.max_days);
        let Some(live) = self.find(rule, record, ends) else { return false };
        if live.counted != number {
            live.counted = number;
            live.records += 1;
            if max_days > 0 {
                live.days.add_record(record.start, max_days);
            }
        }
        self.records += u64::from(self.counted != number);
        self.counted = number;
        true
    }

    #[cold]
    fn find(&mut self, rule: Option<Rule>, record: &Record, ends: &Ends) -> Option<&mut Live> {
        let number = self.record;
        self.live.iter_mut().filter(|live| rule.map_or(live.is_general, |rule| live.rules[rule as usize])).find_map(
            |live| {
                if live.compared.0 != number {
                    live.compared = (number, live.when.matches(record, ends));
                }
                live.compared.1.then_some(live)
            },
        )
    }

    /// The counts, and those by day.
    pub(super) fn finish(self) -> (Suppressed, Vec<(String, DayCounts)>) {
        let mut days = Vec::new();
        let mut suppressed = Suppressed { records: self.records, ..Suppressed::default() };
        for live in self.live {
            if self.max_days > 0 {
                days.push((live.name.clone(), live.days));
            }
            *suppressed.by_name.entry(live.name).or_default() += live.records;
        }
        (suppressed, days)
    }
}
