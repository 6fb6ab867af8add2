//! Splits a text into tokens.

use std::fmt;

use super::{MAX_CHARS, Problem};

/// A part of the text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub from: usize,
    pub to: usize,
}

/// A problem and its place.
#[derive(Debug)]
pub(super) struct Found {
    pub problem: Problem,
    pub span: Span,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// The name of a field or function, `in`, `true` or `false`.
    Name(&'t str),
    Number(u64),
    Text(&'t str),
    Sign(Sign),
    End,
}

macro_rules! signs {
    ($($variant:ident = $text:literal),* $(,)?) => {
        /// Operators, brackets and the comma.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Sign { $($variant),* }

        impl Sign {
            /// Longer signs stand before their beginnings.
            const ALL: &'static [(&'static str, Self)] = &[$(($text, Self::$variant)),*];

            const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

signs! {
    And = "&&",
    Or = "||",
    Equal = "==",
    NotEqual = "!=",
    LessOrEqual = "<=",
    GreaterOrEqual = ">=",
    Less = "<",
    Greater = ">",
    Not = "!",
    Open = "(",
    Close = ")",
    OpenList = "[",
    CloseList = "]",
    Comma = ",",
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "`{name}`"),
            Self::Number(number) => write!(f, "the number {number}"),
            Self::Text(text) => write!(f, "the text \"{text}\""),
            Self::Sign(sign) => write!(f, "`{}`", sign.text()),
            Self::End => f.write_str("the end"),
        }
    }
}

/// The tokens of a text, one after the other; at the end of the text, [`Token::End`] for ever.
pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, Found> {
        match text.char_indices().nth(MAX_CHARS) {
            Some((from, _)) => Err(Found { problem: Problem::TooLong, span: Span { from, to: from } }),
            None => Ok(Self { text, at: 0 }),
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<(Token<'t>, Span), Found> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_ascii_start().len();
        let (from, rest) = (self.at, self.rest());
        let (token, len) = match rest.chars().next() {
            None => Ok((Token::End, 0)),
            Some(quote @ ('"' | '\'')) => text(rest, quote),
            Some('0'..='9') => number(rest),
            Some('a'..='z' | 'A'..='Z' | '_') => {
                let name = prefix(rest, |it| it.is_ascii_alphanumeric() || it == '_');
                Ok((Token::Name(name), name.len()))
            }
            Some(first) => sign(rest, first),
        }
        .map_err(|(problem, len)| Found { problem, span: Span { from, to: from + len } })?;
        self.at += len;
        Ok((token, Span { from, to: self.at }))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }
}

/// A token and its length, or the problem and the length of its place.
type Read<'t> = Result<(Token<'t>, usize), (Problem, usize)>;

fn prefix(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    text.split(|it| !belongs(it)).next().unwrap_or_default()
}

fn text(rest: &str, quote: char) -> Read<'_> {
    let inside = prefix(rest.get(1..).unwrap_or_default(), |it| !matches!(it, '\\' | '\n') && it != quote);
    let end = 1 + inside.len();
    match rest.get(end..).and_then(|rest| rest.chars().next()) {
        Some('\\') => Err((Problem::Escape, end + 1)),
        Some(it) if it == quote => Ok((Token::Text(inside), end + 1)),
        _ => Err((Problem::Unterminated(quote), end)),
    }
}

fn number(rest: &str) -> Read<'_> {
    let word = prefix(rest, |it| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | ':' | '/'));
    if !word.bytes().all(|it| it.is_ascii_digit()) {
        return Err((Problem::Malformed(word.to_owned()), word.len()));
    }
    // CEL's numbers are signed.
    match word.parse::<i64>().ok().and_then(|number| u64::try_from(number).ok()) {
        Some(number) => Ok((Token::Number(number), word.len())),
        None => Err((Problem::NumberTooLarge, word.len())),
    }
}

fn sign(rest: &str, first: char) -> Read<'_> {
    if let Some((text, sign)) = Sign::ALL.iter().find(|(text, _)| rest.starts_with(text)) {
        return Ok((Token::Sign(*sign), text.len()));
    }
    let problem = match first {
        '&' | '|' | '=' => Problem::Single(first),
        '-' => Problem::Minus,
        _ => Problem::Character(first),
    };
    Err((problem, first.len_utf8()))
}
