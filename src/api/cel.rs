//! Validation rules for the API server, in CEL.

use kube::core::{Message, Rule};
use serde::Serialize;

/// A rule of a schema. kube's [`Rule`] takes either a message or an expression for one. The documents need the first, and a user who breaks
/// the rule needs the values in the second.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Validation {
    #[serde(flatten)]
    rule: Rule,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_expression: Option<String>,
}

impl Validation {
    /// Adds the values that break the rule to its message, in brackets: `text`, with each `%s` in it replaced by the value of an expression.
    ///
    /// The API server has a budget for the cost of an expression. It takes a number that becomes a text for one of any length, so `+` would cost
    /// too much; `format` does not.
    #[must_use]
    pub fn showing(mut self, text: &str, values: &[&str]) -> Self {
        if let Some(Message::Message(message)) = &self.rule.message {
            let text = format!("{} ({text})", message.replace('%', "%%"));
            self.message_expression = Some(format!("{text:?}.format([{}])", values.join(", ")));
        }
        self
    }
}

/// A rule about the value it stands at.
#[must_use]
pub fn rule(rule: &str, message: &str) -> Validation {
    Validation { rule: Rule::new(rule).message(message), message_expression: None }
}

/// A rule whose violation is reported at a field below.
#[must_use]
pub fn rule_at(field_path: &str, rule: &str, message: &str) -> Validation {
    Validation { rule: Rule::new(rule).message(message).field_path(field_path), message_expression: None }
}

/// A rule that a text matches a pattern, in which there is no backslash and no quotation mark. The message is a sentence, unlike that of the
/// schema's own `pattern`.
#[must_use]
pub fn matching(pattern: &str, message: &str) -> Validation {
    rule(&format!("{MATCHES}{pattern}{END}"), message)
}

/// A rule that every text of a list matches a pattern, as [`matching`] has it for one.
#[must_use]
pub fn each_matching(pattern: &str, message: &str) -> Validation {
    let matches = format!("entry.matches(\"{pattern}\")");
    rule(&format!("self.all(entry, {matches})"), message)
        .showing("%s", &[&format!("self.filter(entry, !{matches})[0]")])
}

/// The pattern of a rule of [`matching`].
#[must_use]
pub fn pattern(rule: &str) -> Option<&str> {
    rule.strip_prefix(MATCHES)?.strip_suffix(END)
}

const MATCHES: &str = "self.matches(\"";
const END: &str = "\")";

/// A rule that no value of a list occurs twice.
#[must_use]
pub fn distinct(message: &str) -> Validation {
    rule("self.all(entry, self.exists_one(other, other == entry))", message)
        .showing("%s", &["self.filter(entry, !self.exists_one(other, other == entry))[0]"])
}

/// A rule that the entries of a list have names of their own.
#[must_use]
pub fn names_differ(message: &str) -> Validation {
    rule("self.all(entry, self.exists_one(other, other.name == entry.name))", message)
        .showing("%s", &["self.filter(entry, !self.exists_one(other, other.name == entry.name))[0].name"])
}

/// A rule about the form of a time in UTC. It admits days that a month does not have: the reader of the time refuses them.
#[must_use]
pub fn utc_time(field: &str, example: &str) -> Validation {
    matching(
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$",
        &format!("{field} is a time in UTC, such as {example}"),
    )
}

/// A rule about a text for people: letters, digits, punctuation, symbols and spaces.
#[must_use]
pub fn one_line(subject: &str) -> Validation {
    rule(
        r"self.matches('^[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}][\\p{L}\\p{M}\\p{N}\\p{P}\\p{S} ]*$')",
        &format!("{subject} is one line of characters that can be seen"),
    )
}

/// A rule about the name of a rule or of a suppression.
#[must_use]
pub fn rule_name() -> Validation {
    matching("^[a-z][a-z0-9_]{2,39}$", "a name has 3 to 40 small letters, digits and _, a letter first")
}

/// A rule about the characters of a condition on records. The detector system compiles the text.
#[must_use]
pub fn record_condition() -> Validation {
    rule(
        r"self.matches('^[ -~\\n\\t]*[!-~][ -~\\n\\t]*$')",
        "a condition has printable ASCII characters, spaces and line breaks",
    )
}

/// A rule about a KMS key.
#[must_use]
pub fn key_arn() -> Validation {
    matching(
        "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]{1,64}$",
        "a KMS key is named by the ARN of the key itself, not of an alias, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
}

/// A rule about a role.
#[must_use]
pub fn role_arn() -> Validation {
    matching(
        "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}$",
        "a role is named by its ARN, such as arn:aws:iam::111122223333:role/NAME",
    )
}

#[cfg(test)]
mod tests {
    use kube::CustomResourceExt;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::VpcFlowMonitor;

    /// Calls `visit` with every schema below and its path.
    fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Value)) {
        visit(path, schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), field, visit);
        }
        for below in ["items", "additionalProperties"] {
            if schema[below].is_object() {
                walk(&format!("{path}[]"), &schema[below], visit);
            }
        }
    }

    #[test]
    fn every_refusal_of_the_crd_is_a_sentence() {
        let crd = serde_json::to_value(VpcFlowMonitor::crd()).unwrap();
        let mut rules = 0;
        walk("", &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &mut |path, schema| {
            assert_eq!(schema["pattern"], Value::Null, "{path} has a pattern: write a rule of cel::matching instead");
            for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
                rules += 1;
                let message = rule["message"].as_str().unwrap_or_default();
                assert!(message.contains(' '), "{path} has a rule without a sentence: {rule}");
                let shows = rule["messageExpression"].as_str();
                let begins = format!("{message:?}").trim_end_matches('"').to_owned() + " (";
                assert!(shows.is_none_or(|it| it.starts_with(&begins)), "{path}: {rule}");
            }
        });
        assert!(rules > 50, "{rules}");
    }

    #[test]
    fn a_rule_has_its_message_and_shows_values_after_it() {
        let rule = rule_at(".a", "self.a > 1", "a's value must be \"more\" than 1").showing("it is %s", &["self.a"]);
        let expected = json!({
            "rule": "self.a > 1", "fieldPath": ".a", "message": "a's value must be \"more\" than 1",
            "messageExpression": r#""a's value must be \"more\" than 1 (it is %s)".format([self.a])"#,
        });
        assert_eq!(serde_json::to_value(rule).unwrap(), expected);
    }

    #[test]
    fn a_pattern_is_read_from_its_rule() {
        let rule = serde_json::to_value(matching("^a'b$", "it is a'b")).unwrap();
        assert_eq!(pattern(rule["rule"].as_str().unwrap()), Some("^a'b$"));
        assert_eq!(pattern("self == oldSelf"), None);
    }
}
