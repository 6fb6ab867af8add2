//! IAM policy documents: compared by meaning, since AWS may return one in another form.

use serde_json::{Map, Value};

/// Lists in a statement without a meaningful order; AWS shortens a list of one entry to a string.
const SETS: [&str; 6] = ["Action", "NotAction", "Resource", "NotResource", "AWS", "Service"];

/// A policy document in a canonical form: documents of equal meaning have equal text.
#[must_use]
pub fn normalise(policy: &Value) -> Value {
    let mut policy = policy.clone();
    if let Value::Object(document) = &mut policy {
        if let Some(statement @ Value::Object(_)) = document.get_mut("Statement") {
            *statement = Value::Array(vec![statement.take()]);
        }
        if let Some(Value::Array(statements)) = document.get_mut("Statement") {
            for statement in statements {
                normalise_statement(statement);
            }
        }
    }
    policy
}

/// One statement of a policy document in that form.
pub fn normalise_statement(statement: &mut Value) {
    let Value::Object(fields) = statement else { return };
    normalise_sets(fields);
    if let Some(Value::Object(principal)) = fields.get_mut("Principal") {
        normalise_sets(principal);
    }
    if let Some(Value::Object(condition)) = fields.get_mut("Condition") {
        for keys in condition.values_mut() {
            if let Value::Object(keys) = keys {
                keys.values_mut().for_each(normalise_set);
            }
        }
    }
}

fn normalise_sets(fields: &mut Map<String, Value>) {
    for name in SETS {
        if let Some(value) = fields.get_mut(name) {
            normalise_set(value);
        }
    }
}

fn normalise_set(value: &mut Value) {
    if let Value::Array(entries) = value {
        entries.sort_by_key(ToString::to_string);
        entries.dedup();
        if entries.len() == 1 {
            *value = entries[0].take();
        }
    }
    if let Value::Bool(flag) = value {
        *value = Value::String(flag.to_string());
    }
}

/// True if two policy documents mean the same.
#[must_use]
pub fn same(left: &Value, right: &Value) -> bool {
    normalise(left) == normalise(right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn form_does_not_matter() {
        let left = json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Action": ["b:B", "a:A"], "Resource": ["*"],
            "Condition": {"Bool": {"aws:SecureTransport": [false]}},
        }});
        let right = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": ["a:A", "b:B"], "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]});
        assert!(same(&left, &right));
    }

    #[test]
    fn meaning_does() {
        let policy = |effect| json!({"Statement": [{"Effect": effect, "Action": "a:A", "Resource": "*"}]});
        assert!(!same(&policy("Allow"), &policy("Deny")));
    }
}
