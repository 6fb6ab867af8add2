//! Checks a monitor's settings of the rules by the schema and the rules of its CRD, as `kubectl apply` and `plan` do.

use crd_schema::{BrokenRule, RulesError, Violation, broken_at, defaulted, prune_nulls, violations};
use serde_json::Value;

const CRD: &str = include_str!("../../../../crds/vpcflow.dev_vpcflowmonitors.yaml");

/// The fields of a spec with the settings that are used.
const USED: [&str; 2] = ["detector", "detections"];

/// A part of a spec that the API server would drop or refuse.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
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
    /// A value that the field cannot have.
    #[error("{field}: {problem}")]
    Invalid {
        /// The path of the field.
        field: String,
        /// The problem of its value.
        problem: String,
    },
    /// A rule of the CRD is broken.
    #[error("{0}")]
    BrokenRule(BrokenRule),
    /// The rules of the CRD cannot be evaluated.
    #[error(transparent)]
    Rules(#[from] RulesError),
}

/// The schema of `spec` in the CRD.
pub fn of_spec() -> Result<Value, serde_yaml_ng::Error> {
    let mut crd: Value = serde_yaml_ng::from_str(CRD)?;
    Ok(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].take())
}

/// The first problem of a spec. Of the parts that are not used, only names, types and limits are checked.
pub fn check_spec(mut spec: Value, schema: &Value) -> Result<(), Problem> {
    let of = |name: &str| &schema["properties"][name];
    for (name, value) in spec.as_object_mut().into_iter().flatten() {
        if !USED.contains(&name.as_str()) {
            prune_nulls(value, of(name));
        }
    }
    let is_unused_null = |value: &Value, name: &str| value.is_null() && !USED.contains(&name);
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|name, value| !is_unused_null(value, name));
    }
    check_schema(&spec, schema, "spec")?;
    for name in USED {
        check_rules(&mut spec[name], of(name), &format!("spec.{name}"))?;
    }
    Ok(())
}

/// The first problem of `spec.detector` alone.
pub fn check_detector(mut detector: Value, schema: &Value) -> Result<(), Problem> {
    let schema = &schema["properties"]["detector"];
    check_schema(&detector, schema, "")?;
    check_rules(&mut detector, schema, "")
}

fn check_schema(value: &Value, schema: &Value, path: &str) -> Result<(), Problem> {
    violations(value, schema, path).into_iter().find_map(problem).map_or(Ok(()), Err)
}

fn check_rules(value: &mut Value, schema: &Value, path: &str) -> Result<(), Problem> {
    defaulted(value, schema);
    match broken_at(path, value, schema)?.into_iter().next() {
        Some(rule) => Err(Problem::BrokenRule(rule)),
        None => Ok(()),
    }
}

/// A missing field is none: the settings that are used have defaults.
fn problem(violation: Violation) -> Option<Problem> {
    Some(match violation {
        Violation::Missing(_) => return None,
        Violation::UnknownField { field, similar: Some(similar), .. } => Problem::Misspelt { field, similar },
        Violation::UnknownField { field, known, .. } => Problem::Unknown { field, known: known.join(", ") },
        Violation::Malformed(field, problem) | Violation::Invalid(field, problem) => {
            Problem::Invalid { field, problem }
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(spec: Value) -> String {
        check_spec(spec, &of_spec().unwrap()).unwrap_err().to_string()
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
            assert_eq!(problem(spec), expected);
        }
    }

    #[test]
    fn values_outside_the_limits_of_the_crd_are_refused() {
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
            (json!({"detector": {"sensitivePorts": []}}), "spec.detector.sensitivePorts: has 0 entries; at least 1"),
            (
                json!({"detector": {"rules": {"unusualProtocol": {"expectedProtocols": []}}}}),
                "spec.detector.rules.unusualProtocol.expectedProtocols: has 0 entries; at least 1",
            ),
        ] {
            assert_eq!(problem(spec), expected);
        }
    }

    #[test]
    fn a_broken_rule_of_the_crd_has_its_message_and_the_whole_path() {
        let cidrs = |cidrs: Value| json!({"detections": {"externalConnections": {"trustedCidrs": cidrs}}});
        for (spec, expected) in [
            (
                json!({"detector": {"sensitivePorts": [22, 22]}}),
                "spec.detector.sensitivePorts: a port may be named once only in sensitivePorts: take out the repeated one (22)",
            ),
            (
                json!({"detector": {"rules": {"unusualProtocol": {"expectedProtocols": [6, 6]}}}}),
                "spec.detector.rules.unusualProtocol.expectedProtocols: a protocol may be named once only in expectedProtocols: take out \
                 the repeated one (6)",
            ),
            (
                cidrs(json!(["1.2.3.4/8"])),
                "spec.detections.externalConnections.trustedCidrs: trustedCidrs must have no address bits beyond the prefix length, as in \
                 203.0.113.0/24 (1.2.3.4/8)",
            ),
            (
                cidrs(json!(["10.0.0.0/8", "10.0.0.0/8"])),
                "spec.detections.externalConnections.trustedCidrs: a network may be named once only in trustedCidrs: take out the repeated \
                 one (10.0.0.0/8)",
            ),
        ] {
            assert_eq!(problem(spec), expected);
        }
        let detector = check_detector(json!({"sensitivePorts": [22, 22]}), &of_spec().unwrap()).unwrap_err();
        assert!(detector.to_string().starts_with("sensitivePorts: a port may be named once only"), "{detector}");
    }

    #[test]
    fn a_value_of_another_type_or_of_no_list_is_refused() {
        for (spec, expected) in [
            (
                json!({"detector": {"minSeverity": "low"}}),
                "spec.detector.minSeverity: `low` is not one of `LOW`, `MEDIUM`, `HIGH`",
            ),
            (json!({"detector": {"logRetentionDays": 2}}), "spec.detector.logRetentionDays: 2 is not one of 1, 3, 5, "),
            (json!({"detector": {"windowSeconds": "5m"}}), "spec.detector.windowSeconds: must be of type integer"),
            (json!({"detector": {"windowSeconds": 60.5}}), "spec.detector.windowSeconds: must be of type integer"),
            (json!({"detector": {"rules": []}}), "spec.detector.rules: must be of type object"),
            (json!({"detector": {"rules": null}}), "spec.detector.rules: must be of type object"),
            (json!({"detector": {"enabled": "yes"}}), "spec.detector.enabled: must be of type boolean"),
            (json!({"detector": {"sensitivePorts": 22}}), "spec.detector.sensitivePorts: must be of type array"),
        ] {
            assert!(problem(spec.clone()).starts_with(expected), "{}", problem(spec));
        }
    }

    #[test]
    fn limits_and_maps_with_any_keys_are_accepted() {
        let detector = json!({"windowSeconds": 60.0, "minSeverity": "LOW", "rules": {"portScan": {"minPorts": 2}}});
        let spec =
            json!({"tags": {"any": "key"}, "deletionPolicy": null, "s3": {"lifecycle": null}, "detector": detector});
        check_spec(spec, &of_spec().unwrap()).unwrap();
    }
}
