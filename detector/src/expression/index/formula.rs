//! Conditions of several fields, as a formula over bits.
//!
//! A formula is a few steps, each a truth table of eight inputs at most: one step decides as much as eight conditions, without a branch.
//! The inputs of a step are bits that stand side by side, and results of earlier steps.

use super::WORDS;
use crate::expression::fields::Term;
use crate::expression::tree::Node;

/// The most inputs of a truth table.
const INPUTS: usize = 8;
/// Words of a truth table.
const TABLE: usize = (1 << INPUTS) / 64;

/// A formula over the bits of one word.
#[derive(Debug)]
pub(super) struct Formula {
    word: usize,
    steps: Box<[Step]>,
}

/// A part of an expression that is about a single field.
pub(super) type Atom<'e> = (Term, &'e Node);

/// A formula before it has a place in a word; its bits stand for the atoms.
#[derive(Default)]
pub(super) struct Draft<'e> {
    steps: Vec<Step>,
    pub atoms: Vec<Atom<'e>>,
}

#[derive(Debug)]
struct Step {
    /// A bit for each combination of the inputs: the bits of the word lowest, then the results.
    table: Outcomes,
    /// The place of the first bit of the word.
    first: usize,
    bits: Inputs,
    /// The latest results are inputs, and no step needs them again.
    results: Inputs,
}

/// A number of inputs, and a mask of so many bits.
#[derive(Debug)]
struct Inputs {
    count: usize,
    mask: u64,
}

impl Inputs {
    fn new(count: usize) -> Self {
        Self { count, mask: ones(count) }
    }
}

/// A part of a formula that has no step yet.
struct Table<'e> {
    table: Outcomes,
    atoms: Vec<Atom<'e>>,
    results: usize,
}

/// The outcomes of a truth table.
#[derive(Clone, Debug, Default)]
struct Outcomes([u64; TABLE]);

impl Outcomes {
    /// The outcome is that of the only input.
    const SAME: Self = Self([0b10, 0, 0, 0]);

    #[inline]
    fn get(&self, inputs: u64) -> u64 {
        self.0[Self::word(inputs)] >> (inputs % 64) & 1
    }

    fn set(&mut self, inputs: u64, outcome: u64) {
        self.0[Self::word(inputs)] |= outcome << (inputs % 64);
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a place in the table")]
    fn word(inputs: u64) -> usize {
        (inputs / 64) as usize % TABLE
    }
}

impl<'e> Draft<'e> {
    /// The formula that all of `parts` are true.
    pub(super) fn all(parts: &[&'e Node]) -> Self {
        let mut draft = Self::default();
        let table = draft.join(parts.iter().copied(), true);
        draft.step(table);
        draft
    }

    /// The formula over the bits of `word` from `first` on.
    pub(super) fn at(self, word: usize, first: usize) -> Formula {
        // A step without bits may come after the last bit of the word, which is no place to shift to.
        let place = |step: &Step| if step.bits.count == 0 { 0 } else { first + step.first };
        let steps = self.steps.into_iter().map(|step| Step { first: place(&step), ..step });
        Formula { word, steps: steps.collect() }
    }

    /// The table of a part; steps for what does not fit it.
    fn table(&mut self, node: &'e Node) -> Table<'e> {
        match (node.only_term(), node) {
            (Some(term), _) => Table { table: Outcomes::SAME, atoms: vec![(term, node)], results: 0 },
            (None, Node::All(parts)) => self.join(parts.iter(), true),
            (None, Node::Any(parts)) => self.join(parts.iter(), false),
            (None, Node::Constant(value)) => Table::constant(*value),
            // Every test is about one field.
            (None, Node::Test(_)) => Table::constant(false),
        }
    }

    /// The table that all of `parts` are true, or one of them.
    fn join(&mut self, parts: impl Iterator<Item = &'e Node>, is_all: bool) -> Table<'e> {
        // A step takes the latest results, so parts with results come first, and wait for others as a single result.
        let (nested, atoms): (Vec<_>, Vec<_>) = parts.partition(|part| part.only_term().is_none());
        let mut joined = Table::constant(is_all);
        for part in nested.into_iter().chain(atoms) {
            if joined.results > 0 && part.only_term().is_none() {
                joined = self.step(joined);
            }
            let mut table = self.table(part);
            if table.results == 0 && joined.inputs() + table.inputs() > INPUTS {
                joined = self.step(joined);
            }
            if table.results > 0 && joined.results > 0 || joined.inputs() + table.inputs() > INPUTS {
                table = self.step(table);
            }
            if joined.inputs() + table.inputs() > INPUTS {
                joined = self.step(joined);
            }
            joined = joined.join(table, is_all);
        }
        joined
    }

    /// Makes a step of a table. The table of the result alone.
    fn step(&mut self, table: Table<'e>) -> Table<'e> {
        let Table { table, atoms, results } = table;
        let (bits, results) = (Inputs::new(atoms.len()), Inputs::new(results));
        self.steps.push(Step { table, first: self.atoms.len(), bits, results });
        self.atoms.extend(atoms);
        Table { table: Outcomes::SAME, atoms: Vec::new(), results: 1 }
    }
}

impl Table<'_> {
    /// Without inputs.
    fn constant(value: bool) -> Self {
        Self { table: Outcomes([u64::from(value), 0, 0, 0]), atoms: Vec::new(), results: 0 }
    }

    fn inputs(&self) -> usize {
        self.atoms.len() + self.results
    }

    /// Both tables, or one of them. The results of `later` are the later ones.
    fn join(mut self, later: Self, is_all: bool) -> Self {
        let (bits, later_bits, later_results) = (self.atoms.len(), later.atoms.len(), later.results);
        let mut table = Outcomes::default();
        for inputs in 0_u64..1 << (self.inputs() + later.inputs()) {
            let (of_bits, of_results) = (inputs & ones(bits + later_bits), inputs >> (bits + later_bits));
            let own = (of_bits & ones(bits)) | ((of_results >> later_results) << bits);
            let other = (of_bits >> bits) | ((of_results & ones(later_results)) << later_bits);
            let (own, other) = (self.table.get(own), later.table.get(other));
            table.set(inputs, if is_all { own & other } else { own | other });
        }
        self.atoms.extend(later.atoms);
        Self { table, atoms: self.atoms, results: self.results + later_results }
    }
}

/// As many of the lowest bits.
fn ones(count: usize) -> u64 {
    (1 << count) - 1
}

impl Formula {
    #[inline]
    pub(super) fn is_true(&self, bits: &[u64; WORDS]) -> bool {
        let word = bits.get(self.word).copied().unwrap_or_default();
        // The latest result is lowest.
        let results = self.steps.iter().fold(0, |results, step| step.take(word, results));
        results & 1 != 0
    }
}

impl Step {
    /// The results after the step.
    #[inline]
    fn take(&self, word: u64, results: u64) -> u64 {
        let inputs = (word >> self.first) & self.bits.mask | (results & self.results.mask) << self.bits.count;
        results >> self.results.count << 1 | self.table.get(inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_bits_may_come_after_the_last_bit_of_a_word() {
        let step = |first, bits, results| Step {
            table: Outcomes::SAME,
            first,
            bits: Inputs::new(bits),
            results: Inputs::new(results),
        };
        let draft = Draft { steps: vec![step(0, 1, 0), step(1, 0, 1)], atoms: Vec::new() };
        let formula = draft.at(0, 63);
        let mut bits = [0; WORDS];
        assert!(!formula.is_true(&bits));
        bits[0] = 1 << 63;
        assert!(formula.is_true(&bits));
    }
}
