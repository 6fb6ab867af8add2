//! Random expressions, in a form of their own that shares nothing with the compiler.

use std::fmt::{self, Display, Formatter};

use proptest::prelude::*;
use proptest::sample::select;

use super::samples::{ADDRESSES, FIELDS};

pub const FLAGS: [&str; 7] = ["source_public", "destination_public", "opens", "syn", "ack", "fin", "rst"];
const REAL_ENDS: [&str; 2] = ["source", "destination"];
const NETWORKS: &[&str] =
    &["10.0.0.0/8", "10.0.0.0/31", "10.0.0.2/32", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0"];

#[derive(Clone, Debug)]
pub enum Sketch {
    Constant(bool),
    Flag(&'static str),
    Compare(&'static str, &'static str, &'static str),
    Member(&'static str, Vec<&'static str>),
    Networks(&'static str, Vec<&'static str>),
    Has(&'static str),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

pub fn is_number(name: &str) -> bool {
    FIELDS.iter().any(|(known, values)| *known == name && values[0].parse::<u64>().is_ok())
}

impl Display for Sketch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let value = |name: &str, text: &str| if is_number(name) { text.to_owned() } else { format!("\"{text}\"") };
        let list =
            |name: &str, texts: &[&str]| texts.iter().map(|text| value(name, text)).collect::<Vec<_>>().join(",");
        let join = |parts: &[Self], sign: &str| {
            let parts: Vec<_> = parts
                .iter()
                .map(|part| match part {
                    // Parentheses are left out where `&&` binds tighter.
                    Self::All(_) if sign == "||" => part.to_string(),
                    Self::All(_) | Self::Any(_) => format!("({part})"),
                    _ => part.to_string(),
                })
                .collect();
            parts.join(sign)
        };
        match self {
            Self::Constant(value) => write!(f, "{value}"),
            Self::Flag(name) => f.write_str(name),
            Self::Compare(name, operator, text) => write!(f, "{name}{operator}{}", value(name, text)),
            Self::Member(name, texts) => write!(f, "{name} in [{}]", list(name, texts)),
            Self::Networks(name, texts) => write!(f, "in_networks({name},[{}])", list(name, texts)),
            Self::Has(name) => write!(f, "has({name})"),
            Self::Not(inner) => match **inner {
                Self::Flag(_) | Self::Networks(..) | Self::Has(_) | Self::Constant(_) => write!(f, "!{inner}"),
                _ => write!(f, "!({inner})"),
            },
            Self::All(parts) => f.write_str(&join(parts, "&&")),
            Self::Any(parts) => f.write_str(&join(parts, "||")),
        }
    }
}

fn of_field(name: &'static str, values: &'static [&'static str]) -> BoxedStrategy<Sketch> {
    let operators: &[_] = if is_number(name) { &["==", "!=", "<", "<=", ">", ">="] } else { &["==", "!="] };
    prop_oneof![
        (select(operators), select(values)).prop_map(move |(operator, text)| Sketch::Compare(name, operator, text)),
        prop::collection::vec(select(values), 1..4).prop_map(move |texts| Sketch::Member(name, texts)),
    ]
    .boxed()
}

fn condition(with_has: bool) -> impl Strategy<Value = Sketch> {
    let fields: Vec<_> = FIELDS.into_iter().chain(REAL_ENDS.map(|name| (name, ADDRESSES))).collect();
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).chain(FLAGS).collect();
    let addresses: Vec<_> = fields.iter().filter(|(_, values)| *values == ADDRESSES).map(|(name, _)| *name).collect();
    prop_oneof![
        1 => any::<bool>().prop_map(Sketch::Constant),
        3 => select(&FLAGS[..]).prop_map(Sketch::Flag),
        8 => select(fields).prop_flat_map(|(name, values)| of_field(name, values)),
        3 => (select(addresses), prop::collection::vec(select(NETWORKS), 1..4))
            .prop_map(|(name, texts)| Sketch::Networks(name, texts)),
        u32::from(with_has) => select(names).prop_map(Sketch::Has),
    ]
}

/// An expression of short conditions, deeply nested.
pub fn nested() -> impl Strategy<Value = Sketch> {
    let condition = prop_oneof![
        select(&FLAGS[..]).prop_map(Sketch::Flag),
        (select(&FIELDS[..]), select(&["==", "!="][..]), any::<prop::sample::Index>()).prop_map(
            |((name, values), operator, value)| Sketch::Compare(name, operator, values[value.index(values.len())])
        ),
    ];
    condition.prop_recursive(8, 48, 4, |inner| {
        let parts = prop::collection::vec(inner, 2..5);
        prop_oneof![parts.clone().prop_map(Sketch::All), parts.prop_map(Sketch::Any)]
    })
}

/// Any expression. `has` of CEL is another function.
pub fn sketch(with_has: bool) -> impl Strategy<Value = Sketch> {
    condition(with_has).prop_recursive(4, 16, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 1..5);
        prop_oneof![
            inner.prop_map(|it| Sketch::Not(Box::new(it))),
            parts.clone().prop_map(Sketch::All),
            parts.prop_map(Sketch::Any),
        ]
    })
}
