//! The text of a filter pattern over space-delimited records: the names of all fields, each with its conditions.

use crate::api::FlowLogField;

/// Longest pattern that `CloudWatch` Logs accepts, in characters.
pub(super) const MAX_CHARS: usize = 1024;

/// Conditions on a field with its name, such as `action=REJECT`.
pub(super) type Condition = (FlowLogField, String);

/// A condition, such as `=REJECT`, with the name of its field.
pub(super) fn condition(field: FlowLogField, test: &str) -> Condition {
    (field, name(field) + test)
}

/// The pattern that names every field, with the conditions on a field in its place.
pub(super) fn render(fields: &[FlowLogField], conditions: &[Condition]) -> String {
    let term = |field: &FlowLogField| {
        let tests: Vec<&str> =
            conditions.iter().filter(|(tested, _)| tested == field).map(|(_, test)| test.as_str()).collect();
        if tests.is_empty() { name(*field) } else { tests.join(" && ") }
    };
    format!("[{}]", fields.iter().map(term).collect::<Vec<_>>().join(", "))
}

/// The name of a field in patterns.
pub(super) fn name(field: FlowLogField) -> String {
    field.name().replace('-', "_")
}

/// The fields that a pattern names, in order.
#[must_use]
pub fn fields(pattern: &str) -> Vec<&str> {
    let is_in_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let terms = pattern.trim_start_matches('[').trim_end_matches(']').split(", ");
    terms.map(|term| &term[..term.find(|character| !is_in_name(character)).unwrap_or(term.len())]).collect()
}
