//! Judges records by the rules of users.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;

use flow_log_fields::GroupField;
use foldhash::fast::RandomState;

use super::Limits;
use super::ends::Ends;
use super::memory::Table;
use crate::custom_rule::CustomRule;
use crate::day_counts::{Backtest, RuleDays};
use crate::expression::{Index, Places};
use crate::finding::{Detail, Subject};
use crate::findings::Groups;
use crate::record::Record;
use crate::tally::Tally;

/// The place of a rule, the subject and the window.
type Key = (usize, Subject, u32);

/// The rules of users at work on one batch.
#[derive(Debug, Default)]
pub(super) struct CustomRules {
    rules: Vec<Arc<CustomRule>>,
    index: Index,
    max: usize,
    /// The counts of rules that need several records.
    counts: HashMap<Key, Tally, RandomState>,
    newest: u32,
    /// Windows before this one are forgotten.
    oldest: u32,
    unexamined: u64,
    days: RuleDays,
}

impl CustomRules {
    /// Those of `rules` that are switched on.
    pub(super) fn new(rules: &[Arc<CustomRule>], limits: &Limits) -> Self {
        let rules: Vec<_> = rules.iter().filter(|rule| rule.enabled).cloned().collect();
        let days = RuleDays::new(rules.len(), limits.days, limits.subjects);
        let index = Index::new(rules.iter().map(|rule| &rule.when));
        Self { rules, index, max: limits.subjects, days, ..Self::default() }
    }

    pub(super) fn rules(&self) -> &[Arc<CustomRule>] {
        &self.rules
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Groups of rules that are compared with a record together.
    #[inline]
    pub(super) fn groups(&self) -> usize {
        self.index.groups()
    }

    /// The places of the rules of a group that match the record.
    #[inline]
    pub(super) fn matches(&self, group: usize, record: &Record, ends: &Ends) -> Places {
        self.index.matches(group, record, ends)
    }

    /// Counts a record that the rule at `place` matches.
    pub(super) fn count(&mut self, place: usize, record: &Record, ends: &Ends, window: u32, groups: &mut Groups) {
        let Some(rule) = self.rules.get(place) else { return };
        let subject = subject(rule, record, ends);
        self.days.add_record(place, record.start);
        if rule.min_records == 1 {
            self.days.add_finding(place, &subject, record.start);
            groups.add_custom(place, subject, record);
            return;
        }
        self.newest = self.newest.max(window);
        let key = (place, subject, window);
        if self.counts.len() >= self.max && !self.counts.contains_key(&key) {
            self.make_room(groups);
            if self.counts.len() >= self.max {
                self.unexamined += 1;
                return;
            }
        }
        self.counts.entry(key).or_default().add(record);
    }

    /// Judges and forgets all windows but the newest two.
    #[cold]
    fn make_room(&mut self, groups: &mut Groups) {
        let oldest = self.newest.saturating_sub(1);
        if oldest > self.oldest {
            self.oldest = oldest;
            self.judge_before(oldest, groups);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.counts.bytes()
    }

    /// Judges the remaining windows, and begins anew; `keeps` is true if the memory stays. Returns the number of records that could not
    /// be counted for want of room, and the counts by day.
    pub(super) fn finish(&mut self, keeps: bool, groups: &mut Groups) -> (u64, Backtest) {
        self.judge_before(u32::MAX, groups);
        self.counts.forget(keeps);
        (self.newest, self.oldest) = (0, 0);
        (mem::take(&mut self.unexamined), self.days.finish(&self.rules))
    }

    /// The largest counts come first: where there is no room for all findings, the choice depends on the records alone.
    fn judge_before(&mut self, window: u32, groups: &mut Groups) {
        let over = self.counts.extract_if(|(.., of), _| *of < window);
        let reaches = |place: usize, tally: &Tally| {
            self.rules.get(place).is_some_and(|rule| tally.records >= u64::from(rule.min_records))
        };
        let mut found: Vec<_> = over.filter(|((place, ..), tally)| reaches(*place, tally)).collect();
        found.sort_unstable_by(|(a, one), (b, other)| other.records.cmp(&one.records).then_with(|| a.cmp(b)));
        for ((place, subject, _), tally) in found {
            self.days.add_finding(place, &subject, tally.first);
            groups.merge_custom(place, subject, &tally);
        }
    }
}

/// The subject of the record for `rule`.
fn subject(rule: &CustomRule, record: &Record, ends: &Ends) -> Subject {
    let has = |field| rule.group_by.contains(&field);
    let detail = if has(GroupField::Dstport) {
        record.destination_port.map(Detail::Port)
    } else if has(GroupField::Protocol) {
        record.protocol.map(Detail::Protocol)
    } else if has(GroupField::InterfaceId) {
        record.interface_id.map(|interface| Detail::Interface(interface.into()))
    } else {
        None
    };
    Subject {
        source: ends.source.filter(|_| has(GroupField::Source)),
        destination: ends.destination.filter(|_| has(GroupField::Destination)),
        detail: detail.unwrap_or(Detail::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_counts_stay_below_what_is_documented() {
        for (limits, mebibytes) in [(Limits::FUNCTION, 8), (Limits::FILE, 16), (Limits::WORKSTATION, 128)] {
            // A table grows by doubling: half as many slots move, each with a byte of its own.
            let slots = limits.subjects.next_power_of_two();
            let bytes = (slots + slots / 2) * (size_of::<(Key, Tally)>() + 1);
            assert!(bytes < mebibytes * 1024 * 1024, "{bytes}");
        }
    }
}
