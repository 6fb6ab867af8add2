//! The fields of a spec that differ from their defaults.

use serde_json::{Map, Value};

/// The part of `spec` that differs from `default`; `None` if nothing does.
pub fn differences(spec: &Value, default: &Value) -> Option<Value> {
    match (spec, default) {
        (Value::Object(spec), Value::Object(default)) => {
            let different = spec.iter().filter_map(|(name, value)| {
                let default = default.get(name).unwrap_or(&Value::Null);
                differences(value, default).map(|value| (name.clone(), value))
            });
            let different: Map<_, _> = different.collect();
            (!different.is_empty()).then_some(Value::Object(different))
        }
        // An object without a default in the spec, such as `tags`.
        (Value::Object(spec), Value::Null) if spec.is_empty() => None,
        // The API server stores 50 for 50.0.
        (Value::Number(spec), Value::Number(default)) if spec.as_f64() == default.as_f64() => None,
        (spec, default) => (spec != default).then(|| spec.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;

    #[test]
    fn only_fields_that_differ_are_left() {
        let default = serde_json::to_value(VpcFlowMonitorSpec::new("vpc-12345678")).unwrap();
        assert_eq!(differences(&default, &default), None);
        let mut spec = default.clone();
        spec["s3"]["bucketName"] = json!("records");
        spec["s3"]["lifecycle"]["expireAfterDays"] = json!(9);
        spec["aggregationInterval"] = json!(60.0);
        spec["tags"] = json!({});
        spec["notifications"]["subscriptions"] = json!([{"protocol": "email", "endpoint": "soc@example.com"}]);
        assert_eq!(
            differences(&spec, &default),
            Some(json!({
                "s3": {"bucketName": "records", "lifecycle": {"expireAfterDays": 9}},
                "notifications": {"subscriptions": [{"protocol": "email", "endpoint": "soc@example.com"}]},
            }))
        );
    }
}
