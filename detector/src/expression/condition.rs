//! Conditions on one field.

use super::fields::{AddressTerm, FlagTerm, NumberTerm, Term, Value, WordTerm};
use super::sets::{Addresses, Numbers};
use crate::record::Record;
use crate::rules::ends::Ends;

/// A condition, or its negation.
#[derive(Debug)]
pub(super) struct Test {
    pub condition: Condition,
    pub is_negated: bool,
}

#[derive(Debug)]
pub(super) enum Condition {
    Number(NumberTerm, Numbers),
    Address(AddressTerm, Addresses),
    /// A bit for each of the field's words.
    Word(WordTerm, u8),
    Interface(Box<[Box<str>]>),
    Flag(FlagTerm),
    Has(Term),
}

impl Test {
    /// True if the test is true; false if it is false or unknown.
    #[inline]
    pub(super) fn is_true(&self, record: &Record, ends: &Ends) -> bool {
        self.condition.outcome(record, ends).is_some_and(|outcome| outcome != self.is_negated)
    }

    /// True if the test is true for records with the value.
    pub(super) fn is_true_for(&self, value: Option<Value<'_>>) -> bool {
        self.condition.outcome_for(value).is_some_and(|outcome| outcome != self.is_negated)
    }

    /// Adds the values of `other`, if both are sets of the same field: `a == 1 || a == 2` is `a in [1, 2]`, and `a != 1 && a != 2` its
    /// negation. With an unknown value both are unknown. True if `other` is now superfluous, where one test must be true, or all must if
    /// `is_all`.
    pub(super) fn absorb(&mut self, other: &Self, is_all: bool) -> bool {
        if self.is_negated != is_all || other.is_negated != is_all {
            return false;
        }
        match (&mut self.condition, &other.condition) {
            (Condition::Number(term, numbers), Condition::Number(of, others)) if term == of => {
                let (Some(mut all), Some(more)) = (numbers.listed(), others.listed()) else { return false };
                all.extend(more);
                *numbers = Numbers::new(all, term.max());
            }
            (Condition::Word(term, words), Condition::Word(of, others)) if term == of => *words |= others,
            _ => return false,
        }
        true
    }
}

impl Condition {
    /// `None` if the value is unknown.
    #[inline]
    fn outcome(&self, record: &Record, ends: &Ends) -> Option<bool> {
        match self {
            Self::Number(term, numbers) => term.value(record).map(|number| numbers.contains(number)),
            Self::Address(term, addresses) => term.value(record, ends).map(|address| addresses.contains(address)),
            Self::Word(term, words) => term.value(record).map(|word| words & (1 << word) != 0),
            Self::Interface(names) => record.interface_id.map(|id| names.iter().any(|name| **name == *id)),
            Self::Flag(term) => term.value(record, ends),
            Self::Has(term) => Some(term.is_known(record, ends)),
        }
    }

    /// The outcome for records with the value, one of the condition's field.
    fn outcome_for(&self, value: Option<Value<'_>>) -> Option<bool> {
        match (self, value) {
            (Self::Has(_), value) => Some(value.is_some()),
            (Self::Number(_, numbers), Some(Value::Number(number))) => Some(numbers.contains(number)),
            (Self::Address(_, addresses), Some(Value::Address(address))) => Some(addresses.contains(address)),
            (Self::Word(_, words), Some(Value::Word(word))) => Some(words & (1 << word) != 0),
            (Self::Interface(names), Some(Value::Interface(id))) => Some(names.iter().any(|name| **name == *id)),
            (Self::Flag(_), Some(Value::Flag(flag))) => Some(flag),
            _ => None,
        }
    }

    /// The numbers at which the outcome can change.
    pub(super) fn number_edges(&self) -> Vec<u64> {
        if let Self::Number(_, numbers) = self { numbers.edges() } else { Vec::new() }
    }

    /// Adds the addresses at which the outcome can change.
    pub(super) fn address_edges(&self, v4: &mut Vec<u32>, v6: &mut Vec<u128>) {
        if let Self::Address(_, addresses) = self {
            addresses.edges(v4, v6);
        }
    }

    /// The names that the condition distinguishes.
    pub(super) fn interface_names(&self) -> impl Iterator<Item = &str> {
        let names: &[Box<str>] = if let Self::Interface(names) = self { names } else { &[] };
        names.iter().map(|name| &**name)
    }

    pub(super) fn term(&self) -> Term {
        match self {
            Self::Number(term, _) => Term::Number(*term),
            Self::Address(term, _) => Term::Address(*term),
            Self::Word(term, _) => Term::Word(*term),
            Self::Interface(_) => Term::Interface,
            Self::Flag(term) => Term::Flag(*term),
            Self::Has(term) => *term,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::expression::Expression;

    fn tree(text: &str) -> String {
        format!("{:?}", Expression::compile(text).unwrap().tree)
    }

    #[test]
    fn comparisons_of_one_field_are_one_set() {
        for (joined, set) in [
            ("dstport == 22 || dstport == 3389", "dstport in [22, 3389]"),
            ("protocol == 6 || syn || protocol in [1, 17]", "protocol in [1, 6, 17] || syn"),
            ("bytes == 1 || bytes == 2 || bytes == 1", "bytes in [1, 2]"),
            ("dstport != 22 && dstport != 3389", "!(dstport in [22, 3389])"),
            ("log_status == \"OK\" || log_status == \"NODATA\"", "log_status in [\"OK\", \"NODATA\"]"),
        ] {
            assert_eq!(tree(joined), tree(set), "{joined}");
        }
    }

    #[test]
    fn others_stay_apart() {
        for (apart, parts) in [
            ("dstport == 22 || srcport == 22", 2),
            ("dstport == 22 && dstport == 3389", 2),
            ("dstport != 22 || dstport != 3389", 2),
            ("dstport == 22 || dstport > 1000", 2),
        ] {
            assert_eq!(tree(apart).matches("Test(").count(), parts, "{apart}");
        }
    }
}
