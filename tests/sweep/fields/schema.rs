//! The properties of the spec, as the CRD's schema has them: what is added there is swept by itself.

use kube::CustomResourceExt;
use regex::Regex;
use serde_json::{Map, Value, json};
use vpc_flow_operator::api::{VpcFlowMonitor, cel};

/// A property of the spec. In its path `[]` stands for an entry of a list, `{}` for a value of a map:
/// `notifications.subscriptions[].endpoint`.
#[derive(Clone, Debug)]
pub struct Property {
    pub path: String,
    pub schema: Value,
    /// True if its object requires it.
    pub required: bool,
}

impl Property {
    /// True if its value is replaced whole.
    pub fn is_leaf(&self) -> bool {
        self.schema["properties"].is_null() && !self.path.contains(['[', '{'])
    }

    /// A merge patch of the spec that gives the property this value. `entry` completes an entry of a list, by the list's path.
    pub fn patch(&self, value: Value, entry: impl Fn(&str) -> Value) -> Value {
        let mut patch = value;
        let mut parent = self.path.as_str();
        while !parent.is_empty() {
            if let Some(list) = parent.strip_suffix("[]") {
                patch = json!([patch]);
                parent = list;
            } else if let Some(map) = parent.strip_suffix("{}") {
                patch = json!({ "key": patch });
                parent = map;
            } else {
                let name;
                (parent, name) = parent.rsplit_once('.').unwrap_or(("", parent));
                let mut object = match parent.strip_suffix("[]") {
                    Some(list) => entry(list),
                    None => json!({}),
                };
                object[name] = patch;
                patch = object;
            }
        }
        patch
    }
}

/// The schema of the monitor's spec.
pub fn spec() -> Value {
    spec_of::<VpcFlowMonitor>()
}

fn spec_of<K: CustomResourceExt>() -> Value {
    let crd = serde_json::to_value(K::crd()).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

/// The pattern that a text must match by a rule.
pub fn pattern(schema: &Value) -> Option<Regex> {
    let mut rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.find_map(|rule| cel::pattern(rule["rule"].as_str()?)).map(|pattern| Regex::new(pattern).unwrap())
}

/// Every property of the monitor's spec, at any depth.
pub fn properties() -> Vec<Property> {
    properties_of::<VpcFlowMonitor>()
}

/// Every property of the spec of this kind.
pub fn properties_of<K: CustomResourceExt>() -> Vec<Property> {
    let mut properties = Vec::new();
    collect("", &spec_of::<K>(), &mut properties);
    properties
}

fn collect(path: &str, schema: &Value, properties: &mut Vec<Property>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut add = |path: String, schema: &Value, required: bool| {
        collect(&path, schema, properties);
        properties.push(Property { path, schema: schema.clone(), required });
    };
    for (name, property) in schema["properties"].as_object().unwrap_or(&Map::new()) {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        add(path, property, required.contains(&name.as_str()));
    }
    if schema["items"].is_object() {
        add(format!("{path}[]"), &schema["items"], false);
    }
    if schema["additionalProperties"].is_object() {
        add(format!("{path}{{}}"), &schema["additionalProperties"], false);
    }
}

/// Applies a merge patch (RFC 7386).
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}

#[test]
fn a_patch_reaches_into_objects_lists_and_maps() {
    let at = |path: &str| Property { path: path.into(), schema: Value::Null, required: false };
    let entry = |list: &str| if list == "a.list" { json!({"other": 1}) } else { json!({}) };
    assert_eq!(at("a.b").patch(json!(7), entry), json!({"a": {"b": 7}}));
    assert_eq!(at("a.list[]").patch(json!(7), entry), json!({"a": {"list": [7]}}));
    assert_eq!(at("a.list[].b").patch(json!(7), entry), json!({"a": {"list": [{"other": 1, "b": 7}]}}));
    assert_eq!(at("tags{}").patch(json!(7), entry), json!({"tags": {"key": 7}}));
    let mut spec = json!({"a": {"b": 1, "c": 2}});
    merge(&mut spec, &json!({"a": {"b": null, "d": [1]}}));
    assert_eq!(spec, json!({"a": {"c": 2, "d": [1]}}));
}
