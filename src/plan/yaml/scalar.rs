//! The value of a scalar by the rules of go-yaml, version 2: those of YAML 1.1, but for numbers with base 60.

use std::sync::LazyLock;

use regex::Regex;

/// A scalar of YAML.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Larger than fits into an `Int`.
    Uint(u64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// The tag of such a value.
    pub const fn tag(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Uint(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
        }
    }

    /// The value of a text without quotes and tag.
    pub fn of_plain(text: &str) -> Self {
        named(text).or_else(|| number(text)).unwrap_or_else(|| Self::Text(text.to_owned()))
    }

    /// The value as the key of an object; none for null.
    pub fn into_key(self) -> Option<String> {
        match self {
            Self::Null | Self::Uint(_) => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(float_key(value)),
            Self::Text(text) => Some(text),
        }
    }
}

fn named(text: &str) -> Option<Scalar> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

#[allow(clippy::unwrap_used, reason = "a fixed expression")]
static FLOAT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$").unwrap());

fn number(text: &str) -> Option<Scalar> {
    let first = text.chars().next()?;
    let plain = match first {
        '.' => text.to_owned(),
        '0'..='9' | '+' | '-' => text.replace('_', ""),
        _ => return None,
    };
    if first != '.'
        && let Some(integer) = integer(&plain)
    {
        return Some(integer);
    }
    let float = plain.parse::<f64>().ok().filter(|float| FLOAT.is_match(&plain) && float.is_finite());
    float.map(Scalar::Float).or_else(|| {
        // go-yaml reads a sign behind the prefix.
        i64::from_str_radix(plain.strip_prefix("0b")?, 2).ok().map(Scalar::Int)
    })
}

/// As Go's `strconv.ParseInt` with base 0: the prefix gives the base, and a leading 0 means octal.
fn integer(text: &str) -> Option<Scalar> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(digits) => (&text[..1], digits),
        None => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', _, ..] => (16, &lower[2..]),
        [b'0', b'o', _, ..] => (8, &lower[2..]),
        [b'0', b'b', _, ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, &lower[..]),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{digits}"), radix).ok().map(Scalar::Int);
    signed.or_else(|| u64::from_str_radix(digits, radix).ok().filter(|_| sign.is_empty()).map(Scalar::Uint))
}

/// As Go's `strconv.FormatFloat(value, 'g', -1, 32)`.
fn float_key(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    #[allow(clippy::cast_possible_truncation, reason = "go-yaml writes keys with the precision of 32 bits")]
    let value = value as f32;
    let scientific = format!("{value:e}");
    match scientific.split_once('e').and_then(|(digits, exponent)| Some((digits, exponent.parse::<i32>().ok()?))) {
        Some((digits, exponent)) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => value.to_string(),
    }
}
