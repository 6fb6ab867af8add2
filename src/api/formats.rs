use schemars::Schema;
use serde_json::Value;

/// Leaves out formats of unsigned numbers, which Kubernetes does not know: `kubectl` would warn of them. For `#[schemars(transform = …)]`.
pub fn signed(schema: &mut Schema) {
    schema.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()).for_each(walk);
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                fields.remove("format");
            }
            fields.values_mut().for_each(walk);
        }
        Value::Array(entries) => entries.iter_mut().for_each(walk),
        _ => {}
    }
}
