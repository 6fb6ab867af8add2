use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Number, Value};

/// A value of JSON as the API server hands it to a rule. Its type is that of the schema: `1` is a float where the schema has a number.
pub fn of(value: &Value, schema: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(value) => number(value, schema["type"] == "number"),
        Value::String(value) => cel::Value::String(Arc::new(value.clone())),
        Value::Array(items) => {
            cel::Value::List(Arc::new(items.iter().map(|item| of(item, &schema["items"])).collect()))
        }
        Value::Object(fields) => {
            let of_field = |(name, value): (&String, &Value)| {
                let schema = match &schema["properties"][name.as_str()] {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                (name.clone(), of(value, schema))
            };
            // `has` is false for a field that is null.
            let present = fields.iter().filter(|(_, value)| !value.is_null());
            present.map(of_field).collect::<HashMap<String, cel::Value>>().into()
        }
    }
}

/// YAML has `600.0` for an integer as well.
fn number(number: &Number, is_float: bool) -> cel::Value {
    let float = number.as_f64().unwrap_or_default();
    let integer = number.as_i64().or_else(|| format!("{float:.0}").parse().ok());
    match integer {
        Some(integer) if !is_float => cel::Value::Int(integer),
        _ => cel::Value::Float(float),
    }
}
