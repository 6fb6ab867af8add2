//! Checks the fields and types of an expression, and compiles it.

use std::net::IpAddr;

use flow_log_fields::Field;
use ipnet::IpNet;

use super::condition::{Condition, Test};
use super::fields::{NumberTerm, TERMS, Term, WordTerm};
use super::lexer::{Found, Span};
use super::sets::{Addresses, Numbers};
use super::syntax::{Literal, Name, Operator, Syntax, Value};
use super::tree::Node;
use super::{MAX_NETWORKS, Problem};

/// The likeness of two names from which on one is taken for a misspelling of the other.
const LEAST_LIKENESS: f64 = 0.5;

/// Compiles `syntax`.
pub(super) fn compile(syntax: &Syntax<'_>) -> Result<Node, Found> {
    lower(syntax, false)
}

/// Compiles `syntax`, or its negation.
fn lower(syntax: &Syntax<'_>, is_negated: bool) -> Result<Node, Found> {
    let parts = |parts: &[Syntax<'_>]| parts.iter().map(|part| lower(part, is_negated)).collect::<Result<Vec<_>, _>>();
    let test = |condition, is_negated| Node::Test(Test { condition, is_negated });
    Ok(match syntax {
        Syntax::All(all) if is_negated => Node::any(parts(all)?),
        Syntax::All(all) => Node::all(parts(all)?),
        Syntax::Any(any) if is_negated => Node::all(parts(any)?),
        Syntax::Any(any) => Node::any(parts(any)?),
        Syntax::Not(inner) => lower(inner, !is_negated)?,
        Syntax::Constant(value) => Node::Constant(*value != is_negated),
        Syntax::Flag(name) => test(flag(*name)?, is_negated),
        Syntax::Comparison { field, operator: (Operator::NotEqual, span), value } => {
            test(comparison(*field, (Operator::Equal, *span), *value)?, !is_negated)
        }
        Syntax::Comparison { field, operator, value } => test(comparison(*field, *operator, *value)?, is_negated),
        Syntax::Member { field, values } => test(one_of(*field, values)?, is_negated),
        Syntax::InNetworks { field, networks } => test(in_networks(*field, networks)?, is_negated),
        Syntax::Has(name) => test(Condition::Has(look_up(*name)?), is_negated),
    })
}

fn look_up(Name { text, span }: Name<'_>) -> Result<Term, Found> {
    let Some(term) = Term::from_name(text) else {
        let is_of_flow_logs = Field::ALL.iter().any(|field| field.name().replace('-', "_") == text);
        let name = text.to_owned();
        let problem = if is_of_flow_logs {
            Problem::NotRead(name)
        } else {
            Problem::UnknownField { name, nearest: nearest(text) }
        };
        return Err(Found { problem, span });
    };
    Ok(term)
}

fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(&lower, known);
    let all = TERMS.iter().map(|(known, ..)| (likeness(known), *known));
    all.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(most, _)| *most >= LEAST_LIKENESS).map(|(_, known)| known)
}

fn flag(name: Name<'_>) -> Result<Condition, Found> {
    match look_up(name)? {
        Term::Flag(term) => Ok(Condition::Flag(term)),
        term => {
            let (kind, example) = (term.kind(), term.example());
            Err(Found { problem: Problem::NoCondition { name: name.text.to_owned(), kind, example }, span: name.span })
        }
    }
}

fn comparison(field: Name<'_>, (operator, span): (Operator, Span), value: Value<'_>) -> Result<Condition, Found> {
    match look_up(field)? {
        Term::Number(term) => {
            let number = number(field, term, value)?;
            // No number is below the first or above the last one.
            let numbers = match operator {
                Operator::Equal | Operator::NotEqual => Numbers::Range(number, number),
                Operator::LessOrEqual => Numbers::Range(0, number),
                Operator::GreaterOrEqual => Numbers::Range(number, u64::MAX),
                Operator::Less => number.checked_sub(1).map_or(Numbers::Range(1, 0), |last| Numbers::Range(0, last)),
                Operator::Greater => {
                    number.checked_add(1).map_or(Numbers::Range(1, 0), |first| Numbers::Range(first, u64::MAX))
                }
            };
            Ok(Condition::Number(term, numbers))
        }
        Term::Flag(_) => Err(Found { problem: Problem::Compared(field.text.to_owned()), span: field.span }),
        term if !matches!(operator, Operator::Equal | Operator::NotEqual) => {
            Err(Found { problem: Problem::NoOrder { name: field.text.to_owned(), kind: term.kind() }, span })
        }
        _ => one_of(field, &[value]),
    }
}

fn one_of(field: Name<'_>, values: &[Value<'_>]) -> Result<Condition, Found> {
    Ok(match look_up(field)? {
        Term::Number(term) => {
            let numbers = values.iter().map(|value| number(field, term, *value)).collect::<Result<_, _>>()?;
            Condition::Number(term, Numbers::new(numbers, term.max()))
        }
        term @ Term::Address(of) => {
            let networks = values.iter().map(|value| address(field, term, *value)).collect::<Result<Vec<_>, _>>()?;
            Condition::Address(of, Addresses::new(&networks))
        }
        term @ Term::Word(of) => {
            let mut words = values.iter().map(|value| word(field, term, of, *value));
            Condition::Word(of, words.try_fold(0, |bits, word| word.map(|bit| bits | bit))?)
        }
        term @ Term::Interface => {
            let names = values.iter().map(|value| text(field, term, *value).map(Into::into));
            Condition::Interface(names.collect::<Result<_, _>>()?)
        }
        Term::Flag(_) => return Err(Found { problem: Problem::Compared(field.text.to_owned()), span: field.span }),
    })
}

fn in_networks(field: Name<'_>, values: &[Value<'_>]) -> Result<Condition, Found> {
    let term = look_up(field)?;
    let Term::Address(of) = term else {
        let problem = Problem::NetworksOf { name: field.text.to_owned(), kind: term.kind() };
        return Err(Found { problem, span: field.span });
    };
    if let Some(beyond) = values.get(MAX_NETWORKS) {
        return Err(Found { problem: Problem::TooManyNetworks, span: beyond.span });
    }
    let networks = values.iter().map(|value| network(field, term, *value)).collect::<Result<Vec<_>, _>>()?;
    Ok(Condition::Address(of, Addresses::new(&networks)))
}

fn number(field: Name<'_>, term: NumberTerm, Value { literal, span }: Value<'_>) -> Result<u64, Found> {
    let name = || field.text.to_owned();
    let problem = match literal {
        Literal::Number(number) if number <= term.max() => return Ok(number),
        Literal::Number(_) => Problem::TooLarge { name: name(), max: term.max() },
        Literal::Text(text) => {
            Problem::NotANumber { name: name(), number: text.parse::<u32>().ok().map(|number| number.to_string()) }
        }
        Literal::Name(other) if Term::from_name(other).is_some() => Problem::FieldAsValue(other.to_owned()),
        Literal::Name(_) => Problem::NotANumber { name: name(), number: None },
    };
    Err(Found { problem, span })
}

fn text<'t>(field: Name<'_>, term: Term, Value { literal, span }: Value<'t>) -> Result<&'t str, Found> {
    let found = match literal {
        Literal::Text(text) => return Ok(text),
        Literal::Name(other) if Term::from_name(other).is_some() => {
            return Err(Found { problem: Problem::FieldAsValue(other.to_owned()), span });
        }
        Literal::Name(name) => name.to_owned(),
        Literal::Number(number) => number.to_string(),
    };
    Err(Found { problem: Problem::NotAText { name: field.text.to_owned(), kind: term.kind(), found }, span })
}

/// The bit of a word.
fn word(field: Name<'_>, term: Term, of: WordTerm, value: Value<'_>) -> Result<u8, Found> {
    let found = text(field, term, value)?;
    if let Some(place) = of.words().iter().position(|word| *word == found) {
        return Ok(1 << place);
    }
    let words: Vec<_> = of.words().iter().map(|word| format!("\"{word}\"")).collect();
    let (name, found, words) = (field.text.to_owned(), found.to_owned(), words.join(" or "));
    Err(Found { problem: Problem::NoSuchWord { name, found, words }, span: value.span })
}

fn address(field: Name<'_>, term: Term, value: Value<'_>) -> Result<IpNet, Found> {
    let text = text(field, term, value)?;
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.map_err(|_| Found { problem: Problem::NotAnAddress(text.to_owned()), span: value.span })
}

fn network(field: Name<'_>, term: Term, value: Value<'_>) -> Result<IpNet, Found> {
    let found = text(field, term, value)?.to_owned();
    let problem = match found.parse::<IpNet>() {
        Ok(network) if network == network.trunc() => return Ok(network),
        // A network that is wider than meant would match too much.
        Ok(network) => Problem::NetworkBits { found, meant: network.trunc().to_string() },
        Err(_) => Problem::NotANetwork(found),
    };
    Err(Found { problem, span: value.span })
}
