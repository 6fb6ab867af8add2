//! Checks a monitor's spec by the schema of its CRD: names of fields, types, words and limits of numbers.

use serde_json::{Map, Value};

const CRD: &str = include_str!("../../../../crds/vpcflow.dev_vpcflowmonitors.yaml");

/// Least likeness of a misspelt name and the one that is meant, between 0 and 1.
const LEAST_LIKENESS: f64 = 0.7;

/// A part of a spec that the API server would drop or refuse.
#[derive(Debug, thiserror::Error)]
pub enum Violation {
    /// A misspelt field.
    #[error("{field}: unknown field; did you mean {similar}?")]
    Misspelt {
        /// Its path.
        field: String,
        /// The field that is probably meant.
        similar: String,
    },
    /// A field that resembles no other one.
    #[error("{field}: unknown field; use one of {known}")]
    Unknown {
        /// Its path.
        field: String,
        /// The fields that may be in its place.
        known: String,
    },
    /// A value of another type.
    #[error("{field}: {value} is not {expected}")]
    WrongType {
        /// The path of the field.
        field: String,
        /// Its value.
        value: Value,
        /// The type that the field has.
        expected: &'static str,
    },
    /// A value that is none of a list.
    #[error("{field}: {value} is none of {allowed}")]
    NotAllowed {
        /// The path of the field.
        field: String,
        /// Its value.
        value: Value,
        /// The values that the field may have.
        allowed: String,
    },
    /// A number below its limit.
    #[error("{field}: {number} is less than {least}")]
    TooSmall {
        /// The path of the field.
        field: String,
        /// Its value.
        number: f64,
        /// The limit.
        least: f64,
    },
    /// A number above its limit.
    #[error("{field}: {number} is more than {most}")]
    TooLarge {
        /// The path of the field.
        field: String,
        /// Its value.
        number: f64,
        /// The limit.
        most: f64,
    },
}

/// The schema of `spec` in the CRD.
pub fn of_spec() -> Result<Value, serde_yaml_ng::Error> {
    let mut crd: Value = serde_yaml_ng::from_str(CRD)?;
    Ok(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].take())
}

/// The first violation in `value`, which is at `path`.
pub fn check(value: &Value, schema: &Value, path: &str) -> Result<(), Violation> {
    has_type(value, schema, path)?;
    is_allowed(value, schema, path)?;
    match value {
        Value::Object(fields) => {
            // Maps with any keys, such as tags, have no list of fields.
            let Some(known) = schema["properties"].as_object() else { return Ok(()) };
            for (name, value) in fields {
                let field = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let schema = known.get(name).ok_or_else(|| unknown(field.clone(), name, known, fields))?;
                check(value, schema, &field)?;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter().enumerate().try_for_each(|(at, item)| check(item, &schema["items"], &format!("{path}[{at}]")))
        }
        Value::Number(number) => within(number.as_f64().unwrap_or_default(), schema, path),
        Value::String(_) | Value::Bool(_) | Value::Null => Ok(()),
    }
}

/// The API server drops a null, whatever the type of the field.
fn has_type(value: &Value, schema: &Value, path: &str) -> Result<(), Violation> {
    let (is_it, expected) = match schema["type"].as_str() {
        Some("object") => (value.is_object(), "an object"),
        Some("array") => (value.is_array(), "a list"),
        Some("string") => (value.is_string(), "a string"),
        Some("boolean") => (value.is_boolean(), "true or false"),
        Some("integer") => (value.as_f64().is_some_and(|number| number.fract() == 0.0), "an integer"),
        Some("number") => (value.is_number(), "a number"),
        _ => return Ok(()),
    };
    if is_it || value.is_null() {
        Ok(())
    } else {
        Err(Violation::WrongType { field: path.to_owned(), value: value.clone(), expected })
    }
}

fn is_allowed(value: &Value, schema: &Value, path: &str) -> Result<(), Violation> {
    let Some(allowed) = schema["enum"].as_array().filter(|_| !value.is_null()) else { return Ok(()) };
    if allowed.contains(value) {
        return Ok(());
    }
    let allowed = allowed.iter().map(|known| known.as_str().map_or_else(|| known.to_string(), str::to_owned));
    let allowed = allowed.collect::<Vec<_>>().join(", ");
    Err(Violation::NotAllowed { field: path.to_owned(), value: value.clone(), allowed })
}

fn within(number: f64, schema: &Value, path: &str) -> Result<(), Violation> {
    let field = || path.to_owned();
    match (schema["minimum"].as_f64(), schema["maximum"].as_f64()) {
        (Some(least), _) if number < least => Err(Violation::TooSmall { field: field(), number, least }),
        (_, Some(most)) if number > most => Err(Violation::TooLarge { field: field(), number, most }),
        _ => Ok(()),
    }
}

/// The error for the field `name`, with the most similar of the known fields that are not in use.
fn unknown(field: String, name: &str, known: &Map<String, Value>, used: &Map<String, Value>) -> Violation {
    let lower = name.to_ascii_lowercase();
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&lower, &other.to_ascii_lowercase());
    let absent = known.keys().filter(|name| !used.contains_key(*name)).map(|name| (likeness(name), name));
    match absent.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((most, similar)) if most >= LEAST_LIKENESS => Violation::Misspelt { field, similar: similar.clone() },
        _ => Violation::Unknown { field, known: known.keys().map(String::as_str).collect::<Vec<_>>().join(", ") },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(spec: &Value) -> String {
        check(spec, &of_spec().unwrap(), "spec").unwrap_err().to_string()
    }

    #[test]
    fn a_misspelt_field_is_refused_with_the_one_that_is_meant() {
        for (spec, expected) in [
            (json!({"detectors": {}}), "spec.detectors: unknown field; did you mean detector?"),
            (
                json!({"detections": {"externalConnections": {"trustedCIDRs": []}}}),
                "spec.detections.externalConnections.trustedCIDRs: unknown field; did you mean trustedCidrs?",
            ),
            (
                json!({"detector": {"rules": {"portScan": {"ports": 3}}}}),
                "spec.detector.rules.portScan.ports: unknown field; use one of enabled, minPorts",
            ),
        ] {
            assert_eq!(problem(&spec), expected);
        }
    }

    #[test]
    fn a_number_outside_the_limits_of_the_crd_is_refused() {
        for (spec, expected) in [
            (
                json!({"detector": {"rules": {"portScan": {"minPorts": 0}}}}),
                "spec.detector.rules.portScan.minPorts: 0 is less than 2",
            ),
            (json!({"detector": {"windowSeconds": 3601}}), "spec.detector.windowSeconds: 3601 is more than 3600"),
            (
                json!({"detector": {"sensitivePorts": [22, 65536]}}),
                "spec.detector.sensitivePorts[1]: 65536 is more than 65535",
            ),
            (
                json!({"detections": {"highDataTransfer": {"threshold": -0.5}}}),
                "spec.detections.highDataTransfer.threshold: -0.5 is less than 0",
            ),
        ] {
            assert_eq!(problem(&spec), expected);
        }
    }

    #[test]
    fn a_value_of_another_type_or_of_no_list_is_refused() {
        for (spec, expected) in [
            (
                json!({"detector": {"minSeverity": "low"}}),
                r#"spec.detector.minSeverity: "low" is none of LOW, MEDIUM, HIGH"#,
            ),
            (json!({"detector": {"logRetentionDays": 2}}), "spec.detector.logRetentionDays: 2 is none of 1, 3, 5, "),
            (json!({"detector": {"windowSeconds": "5m"}}), r#"spec.detector.windowSeconds: "5m" is not an integer"#),
            (json!({"detector": {"windowSeconds": 60.5}}), "spec.detector.windowSeconds: 60.5 is not an integer"),
            (json!({"detector": {"rules": []}}), "spec.detector.rules: [] is not an object"),
            (json!({"detector": {"enabled": "yes"}}), r#"spec.detector.enabled: "yes" is not true or false"#),
            (json!({"detector": {"sensitivePorts": 22}}), "spec.detector.sensitivePorts: 22 is not a list"),
        ] {
            assert!(problem(&spec).starts_with(expected), "{}", problem(&spec));
        }
    }

    #[test]
    fn limits_and_maps_with_any_keys_are_accepted() {
        let detector = json!({"windowSeconds": 60.0, "minSeverity": "LOW", "rules": {"portScan": {"minPorts": 2}}});
        let spec = json!({"tags": {"any": "key"}, "deletionPolicy": null, "detector": detector});
        check(&spec, &of_spec().unwrap(), "spec").unwrap();
    }
}
