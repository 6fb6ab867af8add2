//! The compiled tree.
//!
//! `!` stands at conditions only: `!(a && b)` is `!a || !b`, also where values are unknown. Above the conditions, false and unknown
//! then make no difference to a truth, so each condition only answers if it is true.

use flow_log_fields::Field;

use super::fields::{AddressTerm, FlagTerm, NumberTerm, Term, WordTerm};
use super::sets::{Addresses, Numbers};
use crate::format::LogFormat;
use crate::record::Record;
use crate::rules::ends::Ends;

#[derive(Debug)]
pub(super) enum Node {
    Constant(bool),
    /// True if all parts are; the cheapest is first.
    All(Box<[Self]>),
    /// True if one part is.
    Any(Box<[Self]>),
    Test(Test),
}

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

impl Node {
    /// True if the expression is true; false if it is false or unknown.
    #[inline]
    pub(super) fn is_true(&self, record: &Record, ends: &Ends) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::All(parts) => parts.iter().all(|part| part.is_true(record, ends)),
            Self::Any(parts) => parts.iter().any(|part| part.is_true(record, ends)),
            Self::Test(Test { condition, is_negated }) => {
                condition.outcome(record, ends).is_some_and(|outcome| outcome != *is_negated)
            }
        }
    }

    /// A field that `format` lacks and without which the expression is never true.
    pub(super) fn lacks(&self, format: &LogFormat) -> Option<Field> {
        match self {
            Self::Constant(_) | Self::Test(Test { condition: Condition::Has(_), is_negated: true }) => None,
            Self::All(parts) => parts.iter().find_map(|part| part.lacks(format)),
            Self::Any(parts) => {
                let mut missing = parts.iter().map(|part| part.lacks(format));
                let first = missing.next()??;
                missing.all(|field| field.is_some()).then_some(first)
            }
            Self::Test(Test { condition, .. }) => condition.term().lacks(format),
        }
    }

    /// The number of conditions.
    pub(super) fn conditions(&self) -> usize {
        match self {
            Self::Constant(_) => 0,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::conditions).sum(),
            Self::Test(_) => 1,
        }
    }

    /// Rank by time to evaluate.
    fn cost(&self) -> u32 {
        match self {
            Self::Constant(_) => 0,
            Self::All(parts) | Self::Any(parts) => 1 + parts.iter().map(Self::cost).sum::<u32>(),
            Self::Test(Test { condition, .. }) => match condition {
                Condition::Word(..) => 1,
                Condition::Number(_, Numbers::Range(..)) | Condition::Flag(_) | Condition::Has(_) => 2,
                Condition::Number(..) => 3,
                Condition::Address(..) => 6,
                Condition::Interface(_) => 8,
            },
        }
    }

    /// All of `parts`, nested ones and constants resolved.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::join(parts, true, Self::All)
    }

    /// One of `parts`, likewise.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::join(parts, false, Self::Any)
    }

    /// Joins `parts`, to which the constant `neutral` adds nothing and which the other constant decides.
    fn join(parts: Vec<Self>, neutral: bool, node: fn(Box<[Self]>) -> Self) -> Self {
        let mut kept = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Constant(value) if value == neutral => {}
                Self::Constant(value) => return Self::Constant(value),
                Self::All(inner) if neutral => kept.extend(inner),
                Self::Any(inner) if !neutral => kept.extend(inner),
                part => kept.push(part),
            }
        }
        kept.sort_by_key(Self::cost);
        match kept.pop() {
            None => Self::Constant(neutral),
            Some(only) if kept.is_empty() => only,
            Some(last) => {
                kept.push(last);
                node(kept.into())
            }
        }
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

    fn term(&self) -> Term {
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
