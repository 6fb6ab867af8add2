//! Validation rules for the API server, in CEL.

use kube::core::Rule;

/// A rule about the value it stands at.
pub fn rule(rule: &str, message: &str) -> Rule {
    Rule::new(rule).message(message)
}

/// A rule whose violation is reported at a field below.
pub fn rule_at(field_path: &str, rule: &str, message: &str) -> Rule {
    Rule::new(rule).message(message).field_path(field_path)
}
