//! The compiled tree.
//!
//! `!` stands at conditions only: `!(a && b)` is `!a || !b`, also where values are unknown. Above the conditions, false and unknown
//! then make no difference to a truth, so each condition only answers if it is true.

use flow_log_fields::Field;

use super::condition::{Condition, Test};
use super::fields::{Term, Value};
use super::sets::Numbers;
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

impl Node {
    /// True if the expression is true; false if it is false or unknown.
    #[inline]
    pub(super) fn is_true(&self, record: &Record, ends: &Ends) -> bool {
        match self {
            Self::Constant(value) => *value,
            Self::All(parts) => parts.iter().all(|part| part.is_true(record, ends)),
            Self::Any(parts) => parts.iter().any(|part| part.is_true(record, ends)),
            Self::Test(test) => test.is_true(record, ends),
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

    /// True if the expression, which is about one field, is true for records with the value.
    pub(super) fn is_true_for(&self, value: Option<Value<'_>>) -> bool {
        match self {
            Self::Constant(constant) => *constant,
            Self::All(parts) => parts.iter().all(|part| part.is_true_for(value)),
            Self::Any(parts) => parts.iter().any(|part| part.is_true_for(value)),
            Self::Test(test) => test.is_true_for(value),
        }
    }

    /// The field that all conditions are about, if there is only one.
    pub(super) fn only_term(&self) -> Option<Term> {
        match self {
            Self::Constant(_) => None,
            Self::All(parts) | Self::Any(parts) => {
                let mut terms = parts.iter().map(Self::only_term);
                let first = terms.next()??;
                terms.all(|term| term == Some(first)).then_some(first)
            }
            Self::Test(test) => Some(test.condition.term()),
        }
    }

    /// Visits all conditions.
    pub(super) fn each_test<'n>(&'n self, visit: &mut impl FnMut(&'n Test)) {
        match self {
            Self::Constant(_) => {}
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.each_test(visit)),
            Self::Test(test) => visit(test),
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
                Self::All(inner) if neutral => inner.into_iter().for_each(|part| Self::keep(&mut kept, part, neutral)),
                Self::Any(inner) if !neutral => inner.into_iter().for_each(|part| Self::keep(&mut kept, part, neutral)),
                part => Self::keep(&mut kept, part, neutral),
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

    /// Adds a part to those that are kept, or to one of them that is about the same field.
    fn keep(kept: &mut Vec<Self>, part: Self, is_all: bool) {
        if let Self::Test(test) = &part {
            let mut tests = kept.iter_mut().filter_map(|node| match node {
                Self::Test(test) => Some(test),
                _ => None,
            });
            if tests.any(|earlier| earlier.absorb(test, is_all)) {
                return;
            }
        }
        kept.push(part);
    }
}
