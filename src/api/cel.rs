//! Validation rules for the API server, in CEL.

use serde::Serialize;

/// An entry of `x-kubernetes-validations`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    rule: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_path: Option<&'static str>,
}

/// A rule about the value it stands at.
#[must_use]
pub const fn rule(rule: &'static str, message: &'static str) -> Rule {
    Rule { rule, message, field_path: None }
}

/// A rule whose violation is reported at a field below.
#[must_use]
pub const fn rule_at(field_path: &'static str, rule: &'static str, message: &'static str) -> Rule {
    Rule { rule, message, field_path: Some(field_path) }
}
