//! Objects in a file, read as kubectl reads them: a stream of JSON, or documents of YAML 1.1 in the way of go-yaml.

mod documents;
mod scalar;
mod tree;

use serde_json::{Number, Value};
use thiserror::Error;

/// A text that kubectl cannot read either.
#[derive(Debug, Error)]
pub enum YamlError {
    /// It breaks a rule of YAML.
    #[error(transparent)]
    Yaml(#[from] granit_parser::ScanError),
    /// Something follows the `---` between two documents.
    #[error("`---{0}`: only a comment may follow `---`, as for kubectl")]
    Separator(String),
    /// The value does not fit its tag.
    #[error("line {line}: `{text}` is no {tag}")]
    Tag {
        /// Counted from 1.
        line: usize,
        /// The value.
        text: String,
        /// The tag, such as `!!int`.
        tag: String,
    },
    /// A key that is no text, number or boolean.
    #[error("line {0}: a key is a text, a number or a boolean")]
    Key(usize),
    /// `<<` is followed by something else than a mapping or a list of mappings.
    #[error("line {0}: `<<` merges a mapping, or a list of mappings")]
    Merge(usize),
    /// An alias inside its own anchor.
    #[error("line {0}: the anchor contains itself")]
    Cycle(usize),
    /// Aliases of aliases make a small text a huge value.
    #[error("too many aliases")]
    TooManyAliases,
    /// Infinity, or not a number.
    #[error("line {line}: {text} is no number that Kubernetes can store")]
    NotFinite {
        /// Counted from 1.
        line: usize,
        /// The value.
        text: String,
    },
}

/// The objects in `text`, with the number of their document, counted from 1. Empty documents are left out.
#[must_use]
pub fn objects(text: &str) -> Vec<(usize, Result<Value, YamlError>)> {
    let (mut found, rest) = leading_json(text);
    if !rest.trim().is_empty() {
        found.extend(documents::split(rest).into_iter().map(|document| document.and_then(|text| tree::read(&text))));
    }
    let numbered = found.into_iter().enumerate().map(|(index, value)| (index + 1, value.map(integers)));
    numbered.filter(|(_, value)| !matches!(value, Ok(Value::Null))).collect()
}

/// The JSON values that `text` begins with, and the rest. A text that begins with `{` may also be YAML.
fn leading_json(text: &str) -> (Vec<Result<Value, YamlError>>, &str) {
    if !text.trim_start().starts_with('{') {
        return (Vec::new(), text);
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let (mut found, mut end) = (Vec::new(), 0);
    while let Some(Ok(value)) = values.next() {
        found.push(Ok(value));
        end = values.byte_offset();
    }
    let rest = &text[end..];
    // The line of the last value ends here.
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    (found, rest.strip_prefix('\n').unwrap_or(rest))
}

/// Numbers as the API server gets them: `600.0` and `1e7` are integers.
fn integers(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(as_stored(number)),
        Value::Array(items) => items.into_iter().map(integers).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, integers(value))).collect(),
        other => other,
    }
}

/// An integer if it is whole and fits into 64 bits with its sign, otherwise a float.
fn as_stored(number: Number) -> Number {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if number.is_i64() {
        return number;
    }
    let Some(float) = number.as_f64() else { return number };
    if float.fract() == 0.0 && float.abs() < LIMIT {
        #[allow(clippy::cast_possible_truncation, reason = "whole and within 64 bits, as just checked")]
        return Number::from(float as i64);
    }
    Number::from_f64(float).unwrap_or(number)
}

#[cfg(test)]
mod tests;
