use schemars::Schema;
use serde_json::Value;

/// Joins the lines of every description, so that `kubectl explain` wraps them itself. For `#[schemars(transform = …)]`.
pub fn unwrap(schema: &mut Schema) {
    schema.as_object_mut().into_iter().flat_map(|fields| fields.iter_mut()).for_each(|(name, value)| walk(name, value));
}

fn walk(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if name == "description" => *text = text.replace('\n', " "),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| walk(name, value)),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| walk("", entry)),
        _ => {}
    }
}
