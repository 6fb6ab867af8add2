//! Every kind of invalid value that follows from a schema.

use serde_json::{Map, Value, json};

/// Longer than anything the spec takes.
const TOO_LONG: usize = 3_000;

/// Invalid values of a property with this schema, each with its kind.
pub fn invalid(schema: &Value, example: Option<&Value>) -> Vec<(&'static str, Value)> {
    let mut values = vec![("wrong type", of_another_type(schema))];
    if schema["enum"].is_array() {
        values.push(("unknown value", if schema["type"] == "string" { json!("unknown") } else { json!(12_345_678) }));
    }
    match schema["type"].as_str() {
        Some("string") => strings(schema, example, &mut values),
        Some("integer" | "number") => numbers(schema, &mut values),
        Some("array") => arrays(schema, example, &mut values),
        Some("object") => objects(schema, &mut values),
        _ => {}
    }
    values
}

fn of_another_type(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("string") => json!(7),
        Some("array") => json!({}),
        Some("object") => json!([]),
        None if schema["x-kubernetes-int-or-string"] == true => json!(1.5),
        _ => json!("text"),
    }
}

fn strings(schema: &Value, example: Option<&Value>, values: &mut Vec<(&'static str, Value)>) {
    let pattern = super::schema::pattern(schema);
    let is_valid = |text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
    let example = example.and_then(Value::as_str).unwrap_or("a");
    let long = example.chars().cycle().take(TOO_LONG).collect::<String>();
    let long_tail = format!("{example}{}", "a".repeat(TOO_LONG));
    if schema["maxLength"].is_u64() || !is_valid(&long_tail) {
        values.push(("too long", json!(if schema["maxLength"].is_u64() { long } else { long_tail })));
    }
    if schema["minLength"].as_u64().is_some_and(|least| least > 0) || !is_valid("") {
        values.push(("empty", json!("")));
    }
    for (kind, text) in [
        ("a space", format!("{example} ")),
        ("a quote", format!("{example}\"")),
        ("a line break", format!("{example}\n")),
    ] {
        if !is_valid(&text) {
            values.push((kind, json!(text)));
        }
    }
}

fn numbers(schema: &Value, values: &mut Vec<(&'static str, Value)>) {
    let number = |value: f64| super::values::typed(schema, value);
    if let Some(least) = schema["minimum"].as_f64() {
        values.push(("too small", number(least - 1.0)));
    }
    match schema["maximum"].as_f64() {
        Some(most) => values.push(("too large", number(most + 1.0))),
        None if schema["format"] == "int32" => values.push(("too large", json!(i64::from(i32::MAX) + 1))),
        None => {}
    }
    if let Some(step) = schema["multipleOf"].as_f64() {
        values.push(("between the steps", number(schema["minimum"].as_f64().unwrap_or(0.0) + step / 2.0)));
    }
    if schema["type"] == "integer" {
        values.push(("a fraction", json!(schema["default"].as_f64().unwrap_or(1.0) + 0.5)));
    }
}

fn arrays(schema: &Value, example: Option<&Value>, values: &mut Vec<(&'static str, Value)>) {
    let entry = example.and_then(|example| example.get(0)).or_else(|| schema["default"].get(0)).cloned();
    let entry = entry.unwrap_or(Value::Null);
    if let Some(most) = schema["maxItems"].as_u64() {
        values.push(("too many", json!(vec![entry.clone(); usize::try_from(most).unwrap() + 1])));
    }
    if schema["minItems"].as_u64().is_some_and(|least| least > 0) {
        values.push(("empty", json!([])));
    }
    values.push(("duplicates", json!([entry, entry])));
    values.push(("nothing in it", json!([null])));
}

fn objects(schema: &Value, values: &mut Vec<(&'static str, Value)>) {
    if schema["properties"].is_object() {
        values.push(("unknown property", json!({"unknownProperty": 1})));
    }
    if let Some(most) = schema["maxProperties"].as_u64() {
        let entries: Map<String, Value> = (0..=most).map(|number| (format!("key{number}"), json!("value"))).collect();
        values.push(("too many", Value::Object(entries)));
    }
}
