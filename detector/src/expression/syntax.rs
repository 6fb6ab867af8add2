//! The parts of an expression as they are written.

use super::lexer::Span;

/// An expression, its fields not looked up yet.
#[derive(Debug)]
pub(super) enum Syntax<'t> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Constant(bool),
    /// A field that is true or false.
    Flag(Name<'t>),
    Comparison {
        field: Name<'t>,
        operator: (Operator, Span),
        value: Value<'t>,
    },
    /// `in`
    Member {
        field: Name<'t>,
        values: Vec<Value<'t>>,
    },
    /// `in_networks`
    InNetworks {
        field: Name<'t>,
        networks: Vec<Value<'t>>,
    },
    Has(Name<'t>),
}

/// A name at its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name<'t> {
    pub text: &'t str,
    pub span: Span,
}

/// A value at its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'t> {
    pub literal: Literal<'t>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Literal<'t> {
    Number(u64),
    Text(&'t str),
    /// A name: the error depends on the field's type.
    Name(&'t str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}
