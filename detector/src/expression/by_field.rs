//! An expression as conditions that are each about one field, for programs that know nothing else, such as metric filters.

use std::fmt;

use flow_log_fields::Field;
use ipnet::IpNet;

use super::condition::{Condition, Test};
use super::fields::{AddressTerm, NumberTerm, TERMS, Term};
use super::sets::Numbers;
use super::tree::Node;

/// Conditions on one field. A record must satisfy those of each field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConditions {
    /// The field.
    pub subject: Subject,
    /// The conditions.
    pub joined: Joined,
}

/// A field of a record, or one of its real ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A field of the flow log, by its place in [`Field::ALL`].
    Field(usize),
    /// The real source: `pkt-srcaddr` if the record has it, else `srcaddr`.
    Source,
    /// The real destination, likewise.
    Destination,
}

/// Conditions on one field, joined in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Joined {
    /// All must be true.
    All(Vec<Comparison>),
    /// One must be true.
    Any(Vec<Comparison>),
}

/// A condition on a value. An unknown value satisfies [`Comparison::Unknown`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The value is this text or number.
    Equal(String),
    /// It is not.
    NotEqual(String),
    /// It is at most this number.
    AtMost(u64),
    /// It is at least this number.
    AtLeast(u64),
    /// It is an address in one of the networks.
    In(Vec<IpNet>),
    /// It is an address in none of them.
    NotIn(Vec<IpNet>),
    /// There is a value.
    Known,
    /// There is none.
    Unknown,
}

/// The reason an expression has no such form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotByField {
    /// A disjunction over several fields, by their names.
    #[error("`||` joins conditions on {}, and may join those on one field only", .0.join(" and "))]
    SeveralFields(Vec<String>),
    /// A condition on one field that joins `&&` and `||`.
    #[error("this joins && and || in the conditions on {0}")]
    Mixed(String),
    /// A name that stands for a part of a field, or for several fields.
    #[error("{0} is not a field of the record")]
    Derived(String),
    /// No record, or every record.
    #[error("this is true for {}", if *.0 { "every record" } else { "no record" })]
    Constant(bool),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(place) => {
                f.write_str(&Field::ALL.get(*place).map_or("", |field| field.name()).replace('-', "_"))
            }
            Self::Source => f.write_str("source"),
            Self::Destination => f.write_str("destination"),
        }
    }
}

impl Subject {
    /// The field of the flow log; `None` for a real end.
    #[must_use]
    pub fn field(self) -> Option<Field> {
        match self {
            Self::Field(place) => Field::ALL.get(place).copied(),
            Self::Source | Self::Destination => None,
        }
    }
}

/// The conditions of a tree, one entry for each field, in the order of the fields.
pub(super) fn by_field(tree: &Node) -> Result<Vec<FieldConditions>, NotByField> {
    let parts = match tree {
        Node::All(parts) => parts.iter().collect(),
        other => vec![other],
    };
    let mut fields: Vec<FieldConditions> = Vec::new();
    for part in parts {
        let conditions = of_part(part)?;
        match fields.iter_mut().find(|known| known.subject == conditions.subject) {
            None => fields.push(conditions),
            Some(known) => match (&mut known.joined, conditions.joined) {
                (Joined::All(known), Joined::All(more)) => known.extend(more),
                _ => return Err(NotByField::Mixed(conditions.subject.to_string())),
            },
        }
    }
    fields.sort_by_key(|conditions| conditions.subject);
    Ok(fields)
}

fn of_part(part: &Node) -> Result<FieldConditions, NotByField> {
    match part {
        Node::Constant(value) => Err(NotByField::Constant(*value)),
        Node::Test(test) => of_test(test),
        Node::All(_) => Err(several_fields(part)),
        Node::Any(alternatives) => {
            let mut all = Vec::new();
            let mut subject = None;
            for alternative in alternatives {
                let Node::Test(test) = alternative else { return Err(several_fields(part)) };
                let conditions = of_test(test)?;
                if *subject.get_or_insert(conditions.subject) != conditions.subject {
                    return Err(several_fields(part));
                }
                match conditions.joined {
                    Joined::Any(any) => all.extend(any),
                    Joined::All(mut one) if one.len() == 1 => all.append(&mut one),
                    Joined::All(_) => return Err(NotByField::Mixed(conditions.subject.to_string())),
                }
            }
            let subject = subject.ok_or(NotByField::Constant(false))?;
            Ok(FieldConditions { subject, joined: Joined::Any(all) })
        }
    }
}

/// The error of a disjunction that is not about one field.
fn several_fields(part: &Node) -> NotByField {
    let mut names = Vec::new();
    collect_names(part, &mut names);
    match names.as_slice() {
        [one] => NotByField::Mixed(one.clone()),
        _ => NotByField::SeveralFields(names),
    }
}

/// Adds the names of the fields of a node, each once, in the order of the tree.
fn collect_names(node: &Node, names: &mut Vec<String>) {
    match node {
        Node::Constant(_) => {}
        Node::Test(test) => {
            let name = name(test.condition.term());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Node::All(parts) | Node::Any(parts) => parts.iter().for_each(|part| collect_names(part, names)),
    }
}

fn of_test(Test { condition, is_negated }: &Test) -> Result<FieldConditions, NotByField> {
    let subject = subject(condition.term())?;
    let joined = match condition {
        Condition::Number(term, numbers) => of_numbers(*term, numbers, *is_negated)?,
        Condition::Address(_, addresses) => {
            let networks = addresses.networks();
            Joined::All(vec![if *is_negated { Comparison::NotIn(networks) } else { Comparison::In(networks) }])
        }
        Condition::Word(term, bits) => {
            let words = (0_u8..).zip(term.words()).filter(|(place, _)| (bits & (1 << place) != 0) != *is_negated);
            values(words.map(|(_, word)| (*word).to_owned()).collect(), false)
        }
        Condition::Interface(names) => values(names.iter().map(ToString::to_string).collect(), *is_negated),
        Condition::Has(_) => Joined::All(vec![if *is_negated { Comparison::Unknown } else { Comparison::Known }]),
        Condition::Flag(_) => return Err(NotByField::Derived(name(condition.term()))),
    };
    match joined {
        Joined::Any(any) if any.is_empty() => Err(NotByField::Constant(false)),
        joined => Ok(FieldConditions { subject, joined }),
    }
}

/// One of several values, or none of them.
fn values(values: Vec<String>, is_negated: bool) -> Joined {
    if is_negated {
        return Joined::All(values.into_iter().map(Comparison::NotEqual).collect());
    }
    let mut equal: Vec<_> = values.into_iter().map(Comparison::Equal).collect();
    match equal.len() {
        1 => Joined::All(vec![equal.remove(0)]),
        _ => Joined::Any(equal),
    }
}

fn of_numbers(term: NumberTerm, numbers: &Numbers, is_negated: bool) -> Result<Joined, NotByField> {
    if let Some(listed) = numbers.listed() {
        return Ok(values(listed.iter().map(ToString::to_string).collect(), is_negated));
    }
    let Numbers::Range(first, last) = numbers else { return Err(NotByField::Constant(false)) };
    let reaches_end = *last >= term.max();
    let one = |comparison| Ok(Joined::All(vec![comparison]));
    match (*first, *last, is_negated) {
        (first, last, is_negated) if first > last => {
            if is_negated {
                one(Comparison::Known)
            } else {
                Err(NotByField::Constant(false))
            }
        }
        (0, _, false) if reaches_end => one(Comparison::Known),
        (0, _, true) if reaches_end => Err(NotByField::Constant(false)),
        (0, last, false) => one(Comparison::AtMost(last)),
        (0, last, true) => one(Comparison::AtLeast(last + 1)),
        (first, _, false) if reaches_end => one(Comparison::AtLeast(first)),
        (first, _, true) if reaches_end => one(Comparison::AtMost(first - 1)),
        (first, last, false) => Ok(Joined::All(vec![Comparison::AtLeast(first), Comparison::AtMost(last)])),
        (first, last, true) => Ok(Joined::Any(vec![Comparison::AtMost(first - 1), Comparison::AtLeast(last + 1)])),
    }
}

fn subject(term: Term) -> Result<Subject, NotByField> {
    match term {
        Term::Address(AddressTerm::Source) => Ok(Subject::Source),
        Term::Address(AddressTerm::Destination) => Ok(Subject::Destination),
        Term::Flag(_) => Err(NotByField::Derived(name(term))),
        term => {
            let entry = TERMS.iter().find(|(_, known, _)| *known == term);
            let field = entry.and_then(|(.., fields)| fields.first());
            let place = field.and_then(|field| Field::ALL.iter().position(|known| known == field));
            place.map(Subject::Field).ok_or_else(|| NotByField::Derived(name(term)))
        }
    }
}

/// The name in expressions.
fn name(term: Term) -> String {
    TERMS.iter().find(|(_, known, _)| *known == term).map(|(name, ..)| (*name).to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Expression;

    fn of(text: &str) -> Result<Vec<FieldConditions>, NotByField> {
        Expression::compile(text).unwrap().by_field()
    }

    fn one(text: &str) -> (String, Joined) {
        let FieldConditions { subject, joined } = of(text).unwrap().remove(0);
        (subject.to_string(), joined)
    }

    fn equal(text: &str) -> Comparison {
        Comparison::Equal(text.to_owned())
    }

    #[test]
    fn conditions_are_those_of_one_field_each() {
        let networks = |text: &str| vec![text.parse().unwrap()];
        for (text, name, joined) in [
            ("dstport == 22", "dstport", Joined::All(vec![equal("22")])),
            ("dstport in [22, 23]", "dstport", Joined::Any(vec![equal("22"), equal("23")])),
            ("dstport != 22", "dstport", Joined::All(vec![Comparison::NotEqual("22".to_owned())])),
            ("bytes > 5 && bytes <= 9", "bytes", Joined::All(vec![Comparison::AtLeast(6), Comparison::AtMost(9)])),
            ("!(bytes > 5)", "bytes", Joined::All(vec![Comparison::AtMost(5)])),
            ("bytes < 5 || bytes > 9", "bytes", Joined::Any(vec![Comparison::AtMost(4), Comparison::AtLeast(10)])),
            ("bytes >= 0", "bytes", Joined::All(vec![Comparison::Known])),
            ("action != \"ACCEPT\"", "action", Joined::All(vec![equal("REJECT")])),
            ("interface_id == \"eni-1\"", "interface_id", Joined::All(vec![equal("eni-1")])),
            ("!has(tcp_flags)", "tcp_flags", Joined::All(vec![Comparison::Unknown])),
            (
                "in_networks(source, [\"10.0.0.0/8\"])",
                "source",
                Joined::All(vec![Comparison::In(networks("10.0.0.0/8"))]),
            ),
            (
                "pkt_dstaddr != \"10.0.0.1\"",
                "pkt_dstaddr",
                Joined::All(vec![Comparison::NotIn(networks("10.0.0.1/32"))]),
            ),
        ] {
            assert_eq!(one(text), (name.to_owned(), joined), "{text}");
        }
        let several: Vec<_> = of("dstport == 1 && (action == \"ACCEPT\" && bytes > 1)").unwrap();
        let names: Vec<_> = several.iter().map(|conditions| conditions.subject.to_string()).collect();
        assert_eq!(names, ["dstport", "bytes", "action"]);
    }

    #[test]
    fn others_have_a_reason() {
        for (text, reason) in [
            (
                "dstport == 22 || srcport == 22",
                "`||` joins conditions on dstport and srcport, and may join those on one field only",
            ),
            (
                "bytes > 1 && (dstport == 22 || action == \"REJECT\")",
                "`||` joins conditions on action and dstport, and may join those on one field only",
            ),
            (
                "(dstport == 1 && bytes > 1) || dstport == 2",
                "`||` joins conditions on dstport and bytes, and may join those on one field only",
            ),
            ("(bytes > 5 || bytes == 1) && bytes != 2", "this joins && and || in the conditions on bytes"),
            ("dstport == 1 && syn", "syn is not a field of the record"),
            ("source_public", "source_public is not a field of the record"),
            ("true", "this is true for every record"),
            ("bytes < 0", "this is true for no record"),
        ] {
            assert_eq!(of(text).unwrap_err().to_string(), reason, "{text}");
        }
    }
}
