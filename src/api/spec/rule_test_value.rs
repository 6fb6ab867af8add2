use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Value of a field in a test, as YAML has it with or without quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RuleTestValue {
    /// A whole number.
    Number(i64),
    /// A text; `-` for no value.
    Text(String),
}

impl JsonSchema for RuleTestValue {
    fn schema_name() -> Cow<'static, str> {
        "RuleTestValue".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// Two types have a form of their own in a schema of Kubernetes.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"x-kubernetes-int-or-string": true, "maxLength": 64})
    }
}
