//! A field: from its value to the expressions that the value lets pass.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::expression::condition::Condition;
use crate::expression::fields::{AddressTerm, FlagTerm, NumberTerm, Term, Value, WordTerm};
use crate::expression::tree::Node;
use crate::record::Record;
use crate::rules::ends::Ends;

/// The first address of IPv6 that stands for one of IPv4, and the first one after them.
const MAPPED: u128 = 0xffff_0000_0000;
const AFTER_MAPPED: u128 = 0x1_0000_0000_0000;

/// A part of an expression that is about one field.
pub(super) struct Part<'e> {
    pub node: &'e Node,
    /// The place of the expression.
    pub place: usize,
    pub of: Use,
}

/// The use of a part.
pub(super) enum Use {
    /// The expression is true only if the part is.
    Gate,
    /// The part is a bit of the expression's formula.
    Bit { word: usize, mask: u64 },
}

impl Part<'_> {
    pub(super) fn is_gate(&self) -> bool {
        matches!(self.of, Use::Gate)
    }
}

#[derive(Debug)]
pub(super) struct Column {
    /// A bit for each expression that has a condition on the field.
    pub users: u64,
    values: Classes,
    /// The row for an unknown value.
    unknown: usize,
    /// Each row has a bit for each expression that it lets pass, and then the words of bits for formulas.
    rows: Box<[u64]>,
    width: usize,
}

/// The classes of a field's values, as places of rows.
#[derive(Debug)]
enum Classes {
    Number(NumberTerm, Ranges<u64>),
    Address(AddressTerm, Ranges<u32>, Ranges<u128>),
    Word(WordTerm, Box<[usize]>),
    /// The rows of names in ascending order, and the row for any other name.
    Interface(Box<[(Box<str>, usize)]>, usize),
    /// False and true.
    Flag(FlagTerm, [usize; 2]),
}

/// Ranges that begin where the last one ends; the first begins at zero.
#[derive(Debug)]
struct Ranges<T> {
    /// The beginnings of all but the first, in ascending order.
    begins: Box<[T]>,
    rows: Box<[usize]>,
}

impl<T: Copy + Default + Ord> Ranges<T> {
    /// Ranges that begin at `edges`; neighbours with the same row are one.
    fn new(mut edges: Vec<T>, mut row: impl FnMut(T) -> usize) -> Self {
        edges.sort_unstable();
        edges.dedup();
        let mut begins = Vec::new();
        let mut rows = vec![row(T::default())];
        for edge in edges {
            let of_edge = row(edge);
            if rows.last() != Some(&of_edge) {
                begins.push(edge);
                rows.push(of_edge);
            }
        }
        Self { begins: begins.into(), rows: rows.into() }
    }

    #[inline]
    fn row(&self, value: T) -> usize {
        let place = self.begins.partition_point(|begin| *begin <= value);
        self.rows.get(place).copied().unwrap_or_default()
    }
}

impl Column {
    /// The column of a field with `parts`, with `words` words of bits for formulas.
    pub(super) fn new(term: Term, parts: &[Part<'_>], words: usize) -> Self {
        let mut rows = Rows { parts, words, list: Vec::new(), known: HashMap::new() };
        let mut conditions = Vec::new();
        for part in parts {
            part.node.each_test(&mut |test| conditions.push(&test.condition));
        }
        let unknown = rows.row(None);
        let values = rows.classes(term, &conditions);
        let users = parts.iter().fold(0, |users, part| users | (1 << part.place));
        Self { users, values, unknown, rows: rows.list.into(), width: 1 + words }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let ranges = |ranges: usize, begin: usize| ranges * (begin + size_of::<usize>());
        let classes = match &self.values {
            Classes::Number(_, numbers) => ranges(numbers.rows.len(), 8),
            Classes::Address(_, v4, v6) => ranges(v4.rows.len(), 4) + ranges(v6.rows.len(), 16),
            Classes::Interface(names, _) => names.iter().map(|(name, _)| 32 + name.len()).sum(),
            Classes::Word(..) | Classes::Flag(..) => 32,
        };
        classes + 8 * self.rows.len()
    }

    /// The expressions that the record's value lets pass, and its bits for formulas.
    #[inline]
    pub(super) fn row(&self, record: &Record, ends: &Ends) -> (u64, &[u64]) {
        let row = self.values.row(record, ends).unwrap_or(self.unknown);
        let words = self.rows.get(row..row + self.width).unwrap_or_default();
        words.split_first().map_or((0, &[]), |(passing, bits)| (*passing, bits))
    }
}

impl Classes {
    /// `None` if the value is unknown.
    #[inline]
    fn row(&self, record: &Record, ends: &Ends) -> Option<usize> {
        match self {
            Self::Number(term, ranges) => term.value(record).map(|number| ranges.row(number)),
            Self::Address(term, v4, v6) => term.value(record, ends).map(|address| match address {
                IpAddr::V4(address) => v4.row(address.to_bits()),
                IpAddr::V6(address) => match address.to_ipv4_mapped() {
                    Some(address) => v4.row(address.to_bits()),
                    None => v6.row(address.to_bits()),
                },
            }),
            Self::Word(term, rows) => term.value(record).and_then(|word| rows.get(usize::from(word)).copied()),
            Self::Interface(rows, other) => record.interface_id.map(|id| {
                let found = rows.binary_search_by(|(name, _)| (**name).cmp(id)).ok();
                found.and_then(|place| rows.get(place)).map_or(*other, |(_, row)| *row)
            }),
            Self::Flag(term, rows) => term.value(record, ends).map(|flag| rows[usize::from(flag)]),
        }
    }
}

/// The rows of a column, each once.
struct Rows<'p, 'e> {
    parts: &'p [Part<'e>],
    words: usize,
    list: Vec<u64>,
    known: HashMap<Vec<u64>, usize>,
}

impl Rows<'_, '_> {
    /// The place of the row for a value.
    fn row(&mut self, value: Option<Value<'_>>) -> usize {
        let mut row = vec![0; 1 + self.words];
        row[0] = u64::MAX;
        for Part { node, place, of } in self.parts {
            match (of, node.is_true_for(value)) {
                (Use::Gate, false) => row[0] &= !(1 << place),
                (Use::Bit { word, mask }, true) => row[1 + word] |= mask,
                _ => {}
            }
        }
        if let Some(place) = self.known.get(&row) {
            return *place;
        }
        let place = self.list.len();
        self.list.extend(&row);
        self.known.insert(row, place);
        place
    }

    /// The classes of the values of `term` that `conditions` distinguish.
    fn classes(&mut self, term: Term, conditions: &[&Condition]) -> Classes {
        match term {
            Term::Number(term) => {
                let edges = conditions.iter().flat_map(|condition| condition.number_edges()).collect();
                Classes::Number(term, Ranges::new(edges, |number| self.row(Some(Value::Number(number)))))
            }
            Term::Address(term) => {
                let (mut v4, mut v6) = (Vec::new(), Vec::new());
                for condition in conditions {
                    condition.address_edges(&mut v4, &mut v6);
                }
                // Addresses of IPv4 that are written as ones of IPv6 are looked up among those of IPv4, and no class has others as well.
                v6.extend([MAPPED, AFTER_MAPPED]);
                let v4 = Ranges::new(v4, |bits: u32| self.row(Some(Value::Address(IpAddr::V4(bits.into())))));
                let v6 = Ranges::new(v6, |bits: u128| self.row(Some(Value::Address(IpAddr::V6(bits.into())))));
                Classes::Address(term, v4, v6)
            }
            Term::Word(term) => Classes::Word(
                term,
                (0_u8..).zip(term.words()).map(|(word, _)| self.row(Some(Value::Word(word)))).collect(),
            ),
            Term::Interface => {
                let mut names: Vec<&str> =
                    conditions.iter().flat_map(|condition| condition.interface_names()).collect();
                names.sort_unstable();
                names.dedup();
                // Longer than each of them.
                let other = format!("{}-", names.concat());
                let rows = names.into_iter().map(|name| (name.into(), self.row(Some(Value::Interface(name)))));
                let rows = rows.collect();
                Classes::Interface(rows, self.row(Some(Value::Interface(&other))))
            }
            Term::Flag(term) => Classes::Flag(term, [false, true].map(|flag| self.row(Some(Value::Flag(flag))))),
        }
    }
}
