//! An interpreter of space-delimited filter patterns, as the `CloudWatch` Logs user guide defines them. It supports only the patterns that
//! the operator writes.

use std::cmp::Ordering;

use regex::{Regex, RegexBuilder};

/// True if the pattern matches the record.
pub fn matches(pattern: &str, record: &str) -> bool {
    let terms = pattern.strip_prefix('[').unwrap().strip_suffix(']').unwrap();
    let terms: Vec<&str> = split(terms, ", ");
    let values: Vec<&str> = record.split(' ').collect();
    terms.len() == values.len() && terms.iter().zip(values).all(|(term, value)| term_matches(term, value))
}

fn term_matches(term: &str, value: &str) -> bool {
    split(term, " || ").iter().any(|part| split(part, " && ").iter().all(|test| test_matches(test, value)))
}

fn test_matches(test: &str, value: &str) -> bool {
    let name = test.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let Some(condition) = name.map(|end| &test[end..]) else { return true };
    let order = |bound: &str| value.parse::<f64>().ok()?.partial_cmp(&bound.parse().unwrap());
    if let Some(bound) = condition.strip_prefix(">=") {
        return order(bound).is_some_and(Ordering::is_ge);
    }
    if let Some(bound) = condition.strip_prefix("<=") {
        return order(bound).is_some_and(Ordering::is_le);
    }
    if let Some(bound) = condition.strip_prefix('>') {
        return order(bound).is_some_and(Ordering::is_gt);
    }
    match condition.strip_prefix("!=") {
        Some(operand) => !equals(operand, value),
        None => equals(condition.strip_prefix('=').unwrap(), value),
    }
}

fn equals(operand: &str, value: &str) -> bool {
    match operand.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')) {
        Some(text) => regex(text).is_match(value),
        None => operand.trim_matches('"') == value,
    }
}

/// Compiles a regular expression with `CloudWatch`'s classes: `\d` and `\w` are ASCII.
pub fn regex(text: &str) -> Regex {
    RegexBuilder::new(text).unicode(false).build().unwrap()
}

/// Splits outside regular expressions.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (index, character) in text.char_indices() {
        quoted ^= character == '%';
        if !quoted && text[index..].starts_with(separator) {
            parts.push(&text[start..index]);
            start = index + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts
}
