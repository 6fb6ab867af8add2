//! The reasons an expression cannot be compiled.

use super::{MAX_CHARS, MAX_CONDITIONS, MAX_DEPTH, MAX_NETWORKS};

/// The reason an expression cannot be compiled, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// More than [`MAX_CHARS`] characters.
    #[error("the expression has more than {MAX_CHARS} characters; split it")]
    TooLong,
    /// More than [`MAX_DEPTH`] parentheses and `!` around a condition.
    #[error("more than {MAX_DEPTH} parentheses and `!` are around this; take some out")]
    TooDeep,
    /// More than [`MAX_CONDITIONS`] conditions.
    #[error("the expression has more than {MAX_CONDITIONS} conditions; split it, or use `in` with a list")]
    TooManyConditions,
    /// More than [`MAX_NETWORKS`] networks in a list.
    #[error("the list has more than {MAX_NETWORKS} networks; join them to wider ones")]
    TooManyNetworks,
    /// A character that no token has.
    #[error("`{0}` does not belong to the language, which has comparisons, `in`, `&&`, `||`, `!` and parentheses")]
    Character(char),
    /// `-`, in a name or before a number.
    #[error("`-` does not belong to the language; write `_` in names of fields, and numbers without a sign")]
    Minus,
    /// One sign of an operator that has two.
    #[error("`{0}` is not an operator; write `{0}{0}`")]
    Single(char),
    /// A text without its closing quote.
    #[error("the text has no closing quote; add `{0}`")]
    Unterminated(char),
    /// A backslash in a text.
    #[error("a text has no escapes; take the backslash out")]
    Escape,
    /// A word that begins with a digit.
    #[error("`{0}` is not a whole number; write addresses and texts in quotes: \"{0}\"")]
    Malformed(String),
    /// A number beyond 64 bits.
    #[error("the number is too large; the largest is {}", i64::MAX)]
    NumberTooLarge,
    /// Something else than the grammar allows.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// The tokens that the grammar allows.
        expected: &'static str,
        /// The token.
        found: String,
    },
    /// A value in the place of a condition.
    #[error("a condition begins with a field, such as `dstport == 443`; found {0}")]
    ValueFirst(String),
    /// A field in the place of a value.
    #[error("fields are compared with numbers and texts in quotes, and `{0}` is a field")]
    FieldAsValue(String),
    /// `!` before a comparison: in CEL it applies to the field alone.
    #[error("`!` applies to `{0}` alone; put the comparison in parentheses: `!({0} …)`")]
    NotOfField(String),
    /// `[]`
    #[error("the list is empty; write one value at least")]
    EmptyList,
    /// A function that there is not.
    #[error("there is no function `{0}`; the functions are `in_networks` and `has`")]
    UnknownFunction(String),
    /// A field that there is not.
    #[error("there is no field `{name}`{}", nearest.map(|it| format!("; write `{it}` if you mean it")).unwrap_or_default())]
    UnknownField {
        /// The name.
        name: String,
        /// The most similar name of a field.
        nearest: Option<&'static str>,
    },
    /// A field of flow logs that the detector does not read.
    #[error("the detector does not read the field `{0}`; use `interface_id` or an address")]
    NotRead(String),
    /// A field that is not true or false, in the place of a condition.
    #[error("`{name}` is {kind}, so it needs a comparison, such as `{name} == {example}`")]
    NoCondition {
        /// The field.
        name: String,
        /// Its type.
        kind: &'static str,
        /// A value that it can have.
        example: &'static str,
    },
    /// A comparison of a field that is true or false.
    #[error("`{0}` is true or false by itself; write `{0}` or `!{0}`")]
    Compared(String),
    /// A text for a field that is a number.
    #[error("`{name}` is a number; write {} without quotes", number.as_deref().unwrap_or("a number"))]
    NotANumber {
        /// The field.
        name: String,
        /// The number in the text.
        number: Option<String>,
    },
    /// A number or a word for a field that is a text.
    #[error("`{name}` is {kind}; write \"{found}\" in quotes")]
    NotAText {
        /// The field.
        name: String,
        /// Its type.
        kind: &'static str,
        /// The value.
        found: String,
    },
    /// A number that the field cannot have.
    #[error("`{name}` is at most {max}")]
    TooLarge {
        /// The field.
        name: String,
        /// The largest number that it can have.
        max: u64,
    },
    /// A word that the field cannot have.
    #[error("`{name}` is never \"{found}\"; write {words}")]
    NoSuchWord {
        /// The field.
        name: String,
        /// The text.
        found: String,
        /// The words that it can have.
        words: String,
    },
    /// `<` and the like for a field that is no number.
    #[error("`{name}` is {kind} and has no order; use `==`, `!=` or `in`")]
    NoOrder {
        /// The field.
        name: String,
        /// Its type.
        kind: &'static str,
    },
    /// A text that is no address.
    #[error("\"{0}\" is not an IP address, such as \"10.0.0.1\"; networks belong into `in_networks`")]
    NotAnAddress(String),
    /// A text that is no network.
    #[error("\"{0}\" is not a network in CIDR notation, such as \"10.0.0.0/8\"")]
    NotANetwork(String),
    /// A network with address bits beyond its prefix.
    #[error("\"{found}\" has address bits beyond the prefix length; write \"{meant}\"")]
    NetworkBits {
        /// The text.
        found: String,
        /// The network that contains the address.
        meant: String,
    },
    /// `in_networks` of something else than an address.
    #[error("`in_networks` takes an address, such as `source`; `{name}` is {kind}")]
    NetworksOf {
        /// The field.
        name: String,
        /// Its type.
        kind: &'static str,
    },
}
