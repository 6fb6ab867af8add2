//! Finds the expressions that are true for a record among many, without evaluating them one by one.
//!
//! A [`column`] stands for each field that the expressions look at. It has a row for each class of values that no condition
//! distinguishes, with the expressions that such a value lets pass. Expressions that need another `action`, or a port of another
//! set, are out after one look-up, and fields that only they need are not looked up. Conditions of several fields that `||` joins
//! are a [`formula`] over bits, one for each part that is about a single field; the rows have the bits.
//!
//! The time for a record therefore depends on the number of fields, little on the number of conditions, and hardly on the length of
//! lists.

mod builder;
mod column;
mod formula;

use super::Expression;
use crate::record::Record;
use crate::rules::ends::Ends;
use builder::Builder;
use column::Column;
use formula::Formula;

/// Words of bits of a group. The rules of a monitor have at most 256 conditions, which fit however they are divided.
const WORDS: usize = 8;

/// Expressions that are evaluated together.
#[derive(Debug, Default)]
pub struct Index {
    groups: Vec<Group>,
}

/// As many of the expressions as a word has bits, at most.
#[derive(Debug)]
struct Group {
    /// The place of the first expression.
    first: usize,
    /// A bit for each expression.
    all: u64,
    /// Those that can rule expressions out come first, and of these the cheapest.
    columns: Box<[Column]>,
    /// A formula for each expression that the columns do not decide, with its place in the group.
    formulas: Box<[(usize, Formula)]>,
}

/// Places of expressions, in ascending order.
#[derive(Clone, Debug)]
pub struct Places {
    first: usize,
    /// A bit for each that is left.
    found: u64,
}

impl Index {
    /// An index of `expressions`; their places are those in the list.
    #[must_use]
    pub fn new<'e>(expressions: impl IntoIterator<Item = &'e Expression>) -> Self {
        let mut groups = Vec::new();
        let mut builder = Builder::new(0);
        for expression in expressions {
            if !builder.add(&expression.tree) {
                let next = Builder::new(builder.next_place());
                groups.push(std::mem::replace(&mut builder, next).finish());
                builder.add(&expression.tree);
            }
        }
        groups.push(builder.finish());
        Self { groups }
    }

    /// The memory of the columns, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.groups.iter().flat_map(|group| &group.columns).map(Column::bytes).sum()
    }

    /// The number of groups: one, unless there are very many expressions.
    #[inline]
    #[must_use]
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Those expressions of a group that are true for the record, whose real ends are `ends`.
    #[inline]
    #[must_use]
    pub fn matches(&self, group: usize, record: &Record, ends: &Ends) -> Places {
        match self.groups.get(group) {
            Some(group) => Places { first: group.first, found: group.matches(record, ends) },
            None => Places { first: 0, found: 0 },
        }
    }
}

impl Group {
    #[inline]
    fn matches(&self, record: &Record, ends: &Ends) -> u64 {
        let mut found = self.all;
        let mut bits = [0; WORDS];
        for column in &self.columns {
            if column.users & found == 0 {
                continue;
            }
            let (passing, words) = column.row(record, ends);
            found &= passing;
            if found == 0 {
                return 0;
            }
            bits.iter_mut().zip(words).for_each(|(all, of_row)| *all |= of_row);
        }
        for (place, formula) in &self.formulas {
            if found & (1 << place) != 0 && !formula.is_true(&bits) {
                found &= !(1 << place);
            }
        }
        found
    }
}

impl Iterator for Places {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.found == 0 {
            return None;
        }
        let place = self.found.trailing_zeros() as usize;
        self.found &= self.found - 1;
        Some(self.first + place)
    }
}
