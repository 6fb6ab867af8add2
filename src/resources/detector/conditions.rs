//! Conditions on records, as users write them.

use detector::expression::Expression;

use crate::api::Invalid;

/// Compiles `field.when` of the rule or suppression `name`.
pub(super) fn compile(field: &str, name: &str, when: &str) -> Result<Expression, Invalid> {
    Expression::compile(when).map_err(|error| {
        Invalid::new(format!("{field}.when"), format!("`{}`, {}", name.escape_debug(), error.in_one_line()))
    })
}
