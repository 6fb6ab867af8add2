//! Divides expressions into parts by field.

use super::column::{Column, Part, Use};
use super::formula::{Draft, Formula};
use super::{Group, WORDS};
use crate::expression::fields::Term;
use crate::expression::tree::Node;

/// Bits of a word.
const BITS: usize = u64::BITS as usize;

/// A group that expressions are added to.
pub(super) struct Builder<'e> {
    first: usize,
    count: usize,
    /// The parts about each field.
    parts: Vec<(Term, Vec<Part<'e>>)>,
    formulas: Vec<(usize, Formula)>,
    /// Bits in use of each word.
    used: [usize; WORDS],
}

impl<'e> Builder<'e> {
    /// A group without expressions; the first one will have the place `first`.
    pub(super) fn new(first: usize) -> Self {
        Self { first, count: 0, parts: Vec::new(), formulas: Vec::new(), used: [0; WORDS] }
    }

    /// The place of the next expression.
    pub(super) fn next_place(&self) -> usize {
        self.first + self.count
    }

    /// Adds an expression; false if there is no room. A group without expressions has room for any.
    pub(super) fn add(&mut self, tree: &'e Node) -> bool {
        let parts = match tree {
            Node::All(parts) => &**parts,
            other => std::slice::from_ref(other),
        };
        let (of_a_field, mixed): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.only_term().is_some());
        let draft = Draft::all(&mixed);
        let needed = draft.atoms.len();
        let Some(word) = self.used.iter().position(|used| used + needed <= BITS).filter(|_| self.count < BITS) else {
            return false;
        };
        let place = self.count;
        for part in of_a_field {
            if let Some(term) = part.only_term() {
                self.add_part(term, Part { node: part, place, of: Use::Gate });
            }
        }
        let first = self.used[word];
        for (nth, (term, node)) in draft.atoms.iter().enumerate() {
            self.add_part(*term, Part { node, place, of: Use::Bit { word, mask: 1 << (first + nth) } });
        }
        if !mixed.is_empty() {
            self.formulas.push((place, draft.at(word, first)));
        }
        self.used[word] += needed;
        self.count += 1;
        true
    }

    fn add_part(&mut self, term: Term, part: Part<'e>) {
        match self.parts.iter_mut().find(|(known, _)| *known == term) {
            Some((_, parts)) => parts.push(part),
            None => self.parts.push((term, vec![part])),
        }
    }

    /// The group.
    pub(super) fn finish(mut self) -> Group {
        let words = self.used.iter().filter(|used| **used > 0).count();
        self.parts.sort_by_key(|(term, parts)| (!parts.iter().any(Part::is_gate), term.cost()));
        Group {
            first: self.first,
            all: u64::MAX.checked_shr(u32::try_from(BITS - self.count).unwrap_or(u32::MAX)).unwrap_or_default(),
            columns: self.parts.iter().map(|(term, parts)| Column::new(*term, parts, words)).collect(),
            formulas: self.formulas.into(),
        }
    }
}
