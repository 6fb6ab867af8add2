//! Reads the grammar, a token at a time and without a way back:
//!
//! ```text
//! any       = all { "||" all }
//! all       = not { "&&" not }
//! not       = "!" not | condition
//! condition = "(" any ")" | "true" | "false" | "has" "(" field ")" | "in_networks" "(" field "," list ")"
//!           | field [ operator value | "in" list ]
//! list      = "[" value { "," value } "]"
//! ```

use super::lexer::{Found, Lexer, Sign, Span, Token};
use super::syntax::{Literal, Name, Operator, Syntax, Value};
use super::{MAX_CONDITIONS, MAX_DEPTH, Problem};

/// Parses `text`.
pub(super) fn parse(text: &str) -> Result<Syntax<'_>, Found> {
    let mut lexer = Lexer::new(text)?;
    let (token, span) = lexer.next()?;
    let mut parser = Parser { lexer, token, span, depth: 0, conditions: 0 };
    let syntax = parser.any()?;
    match parser.token {
        Token::End => Ok(syntax),
        _ => Err(parser.expected("`&&`, `||` or the end")),
    }
}

struct Parser<'t> {
    lexer: Lexer<'t>,
    token: Token<'t>,
    span: Span,
    depth: usize,
    conditions: usize,
}

impl<'t> Parser<'t> {
    fn any(&mut self) -> Result<Syntax<'t>, Found> {
        self.chain(Sign::Or, Self::all, Syntax::Any)
    }

    fn all(&mut self) -> Result<Syntax<'t>, Found> {
        self.chain(Sign::And, Self::not, Syntax::All)
    }

    fn chain(
        &mut self,
        sign: Sign,
        part: impl Fn(&mut Self) -> Result<Syntax<'t>, Found>,
        join: impl Fn(Vec<Syntax<'t>>) -> Syntax<'t>,
    ) -> Result<Syntax<'t>, Found> {
        let first = part(self)?;
        if self.token != Token::Sign(sign) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.take(sign)? {
            parts.push(part(self)?);
        }
        Ok(join(parts))
    }

    fn not(&mut self) -> Result<Syntax<'t>, Found> {
        let outer = self.span;
        if !self.take(Sign::Not)? {
            return self.condition();
        }
        let of_field = matches!(self.token, Token::Name(_));
        let inner = self.deeper(outer, Self::not)?;
        match inner {
            // In CEL `!` binds tighter than an operator.
            Syntax::Comparison { field, .. } | Syntax::Member { field, .. } if of_field => {
                Err(Found { problem: Problem::NotOfField(field.text.to_owned()), span: outer })
            }
            inner => Ok(Syntax::Not(Box::new(inner))),
        }
    }

    fn condition(&mut self) -> Result<Syntax<'t>, Found> {
        let span = self.span;
        match self.token {
            Token::Sign(Sign::Open) => {
                self.advance()?;
                let inner = self.deeper(span, Self::any)?;
                self.require(Sign::Close, "`&&`, `||` or `)`")?;
                Ok(inner)
            }
            Token::Name(text) if text != "in" => {
                self.conditions += 1;
                if self.conditions > MAX_CONDITIONS {
                    return Err(Found { problem: Problem::TooManyConditions, span });
                }
                self.advance()?;
                self.of_name(Name { text, span })
            }
            Token::Number(_) | Token::Text(_) => {
                Err(Found { problem: Problem::ValueFirst(self.token.to_string()), span })
            }
            Token::Name(_) | Token::Sign(_) | Token::End => Err(self.expected("a condition")),
        }
    }

    /// The condition that begins with a name.
    fn of_name(&mut self, name: Name<'t>) -> Result<Syntax<'t>, Found> {
        if let Some(operator) = operator(self.token) {
            let operator = (operator, self.span);
            self.advance()?;
            return Ok(Syntax::Comparison { field: name, operator, value: self.value()? });
        }
        match (self.token, name.text) {
            (Token::Name("in"), _) => {
                self.advance()?;
                Ok(Syntax::Member { field: name, values: self.list()? })
            }
            (Token::Sign(Sign::Open), _) => self.call(name),
            (_, "true") => Ok(Syntax::Constant(true)),
            (_, "false") => Ok(Syntax::Constant(false)),
            _ => Ok(Syntax::Flag(name)),
        }
    }

    fn call(&mut self, function: Name<'t>) -> Result<Syntax<'t>, Found> {
        self.advance()?;
        let call = match function.text {
            "has" => Syntax::Has(self.field()?),
            "in_networks" => {
                let field = self.field()?;
                self.require(Sign::Comma, "`,` and a list of networks")?;
                Syntax::InNetworks { field, networks: self.list()? }
            }
            other => return Err(Found { problem: Problem::UnknownFunction(other.to_owned()), span: function.span }),
        };
        self.require(Sign::Close, "`)`")?;
        Ok(call)
    }

    fn field(&mut self) -> Result<Name<'t>, Found> {
        let Token::Name(text) = self.token else { return Err(self.expected("the name of a field")) };
        let span = self.span;
        self.advance()?;
        Ok(Name { text, span })
    }

    fn list(&mut self) -> Result<Vec<Value<'t>>, Found> {
        self.require(Sign::OpenList, "a list, such as `[22, 3389]`")?;
        if self.token == Token::Sign(Sign::CloseList) {
            return Err(Found { problem: Problem::EmptyList, span: self.span });
        }
        let mut values = vec![self.value()?];
        while self.take(Sign::Comma)? {
            values.push(self.value()?);
        }
        self.require(Sign::CloseList, "`,` or `]`")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Value<'t>, Found> {
        let literal = match self.token {
            Token::Number(number) => Literal::Number(number),
            Token::Text(text) => Literal::Text(text),
            Token::Name(name) => Literal::Name(name),
            Token::Sign(_) | Token::End => return Err(self.expected("a number or a text in quotes")),
        };
        let span = self.span;
        self.advance()?;
        Ok(Value { literal, span })
    }

    /// Reads a part that is nested in another.
    fn deeper(
        &mut self,
        outer: Span,
        part: impl Fn(&mut Self) -> Result<Syntax<'t>, Found>,
    ) -> Result<Syntax<'t>, Found> {
        if self.depth == MAX_DEPTH {
            return Err(Found { problem: Problem::TooDeep, span: outer });
        }
        self.depth += 1;
        let syntax = part(self)?;
        self.depth -= 1;
        Ok(syntax)
    }

    fn advance(&mut self) -> Result<(), Found> {
        (self.token, self.span) = self.lexer.next()?;
        Ok(())
    }

    /// Takes the sign if it is next.
    fn take(&mut self, sign: Sign) -> Result<bool, Found> {
        let is_next = self.token == Token::Sign(sign);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn require(&mut self, sign: Sign, expected: &'static str) -> Result<(), Found> {
        if self.take(sign)? { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn expected(&self, expected: &'static str) -> Found {
        Found { problem: Problem::Expected { expected, found: self.token.to_string() }, span: self.span }
    }
}

fn operator(token: Token<'_>) -> Option<Operator> {
    match token {
        Token::Sign(Sign::Equal) => Some(Operator::Equal),
        Token::Sign(Sign::NotEqual) => Some(Operator::NotEqual),
        Token::Sign(Sign::Less) => Some(Operator::Less),
        Token::Sign(Sign::LessOrEqual) => Some(Operator::LessOrEqual),
        Token::Sign(Sign::Greater) => Some(Operator::Greater),
        Token::Sign(Sign::GreaterOrEqual) => Some(Operator::GreaterOrEqual),
        _ => None,
    }
}
