//! Checks a value by the schema as the API server does, before it evaluates the rules.

use serde_json::{Map, Value};

use crate::below;

/// Something that the API server would refuse, or drop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The schema has no such field.
    UnknownField {
        /// The field.
        field: String,
        /// The name that is probably meant.
        similar: Option<String>,
        /// All names that the schema has in this place.
        known: Vec<String>,
    },
    /// The field is required and missing. Rules cannot be evaluated without it.
    Missing(String),
    /// The field, and the problem of its type or its size. Rules cannot be evaluated on such a value.
    Malformed(String, String),
    /// The field, and the problem of its value.
    Invalid(String, String),
}

/// Takes out `null` where it stands for the default, as the API server does.
pub fn prune_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            let is_default = |name: &str, value: &Value| {
                let schema = &schema["properties"][name];
                value.is_null() && !schema["default"].is_null() && schema["nullable"] != true
            };
            fields.retain(|name, value| !is_default(name, value));
            for (name, value) in fields {
                prune_nulls(value, &schema["properties"][name.as_str()]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prune_nulls(item, &schema["items"])),
        _ => {}
    }
}

/// Adds the defaults of missing fields, as the API server does.
pub fn defaulted(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = property.get("default").filter(|default| !default.is_null()) {
                    fields.entry(name).or_insert_with(|| default.clone());
                }
            }
            for (name, value) in fields {
                defaulted(value, &schema["properties"][name.as_str()]);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| defaulted(item, &schema["items"])),
        _ => {}
    }
}

/// All violations, in the order of the value.
#[must_use]
pub fn violations(value: &Value, schema: &Value, path: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    collect(value, schema, path, &mut found);
    found
}

fn collect(value: &Value, schema: &Value, path: &str, found: &mut Vec<Violation>) {
    // A list of values must have null as well.
    let lists_null = schema["enum"].as_array().is_none_or(|values| values.contains(&Value::Null));
    if value.is_null() && schema["nullable"] == true && lists_null {
        return;
    }
    if let Some(expected) = schema["type"].as_str().filter(|expected| !is_of_type(value, expected)) {
        found.push(Violation::Malformed(path.to_owned(), format!("must be of type {expected}")));
        return;
    }
    if schema["x-kubernetes-int-or-string"] == true && !is_of_type(value, "integer") && !value.is_string() {
        found.push(Violation::Malformed(path.to_owned(), "must be of type integer or string".to_owned()));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        let allowed: Vec<String> = allowed.iter().map(shown).collect();
        let problem = format!("{} is not one of {}", shown(value), allowed.join(", "));
        found.push(Violation::Invalid(path.to_owned(), problem));
        return;
    }
    match value {
        Value::Object(fields) => of_object(fields, schema, path, found),
        Value::Array(items) => {
            found.extend(out_of_bounds(items.len(), schema, "Items", "entries", path));
            // A part of any form has none for its entries.
            if let Some(schema) = schema.get("items") {
                for (index, item) in items.iter().enumerate() {
                    collect(item, schema, &format!("{path}[{index}]"), found);
                }
            }
        }
        Value::String(text) => {
            found.extend(out_of_bounds(text.chars().count(), schema, "Length", "characters", path));
        }
        Value::Number(_) => {
            found.extend(out_of_range(value, schema).map(|problem| Violation::Invalid(path.to_owned(), problem)));
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn of_object(fields: &Map<String, Value>, schema: &Value, path: &str, found: &mut Vec<Violation>) {
    found.extend(out_of_bounds(fields.len(), schema, "Properties", "fields", path));
    let mut meant = Vec::new();
    for (name, value) in fields {
        let path = below(path, name);
        match (&schema["properties"][name.as_str()], &schema["additionalProperties"]) {
            (Value::Null, Value::Null) if schema["x-kubernetes-preserve-unknown-fields"] == true => {}
            (Value::Null, Value::Null) => {
                let known: Vec<_> = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
                let similar = similar(name, known.iter().map(String::as_str), |name| !fields.contains_key(name));
                meant.extend(similar.clone());
                found.push(Violation::UnknownField { field: path, similar, known });
            }
            (Value::Null, any) => collect(value, any, &path, found),
            (known, _) => collect(value, known, &path, found),
        }
    }
    // A field that is missing because it is misspelt is reported as that.
    let is_missing = |name: &&str| !fields.contains_key(*name) && !meant.iter().any(|meant| meant == name);
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    found.extend(required.filter(is_missing).map(|name| Violation::Missing(below(path, name))));
}

fn out_of_range(value: &Value, schema: &Value) -> Option<String> {
    let number = value.as_f64().unwrap_or_default();
    let limit = |name: &str| schema[name].as_f64();
    if let Some(least) = limit("minimum").filter(|least| number < *least) {
        return Some(format!("{value} is less than {least}"));
    }
    if let Some(most) = limit("maximum").filter(|most| number > *most) {
        return Some(format!("{value} is more than {most}"));
    }
    let unit = limit("multipleOf").filter(|unit| (number / unit).fract() != 0.0)?;
    Some(format!("{value} is not a multiple of {unit}"))
}

fn out_of_bounds(count: usize, schema: &Value, of: &str, what: &str, path: &str) -> Option<Violation> {
    let limit = |which: &str| schema[format!("{which}{of}")].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let malformed = |problem: String| Some(Violation::Malformed(path.to_owned(), problem));
    match (limit("min"), limit("max")) {
        (Some(least), _) if count < least => malformed(format!("has {count} {what}; at least {least}")),
        (_, Some(most)) if count > most => malformed(format!("has {count} {what}; at most {most}")),
        _ => None,
    }
}

/// The name that a misspelt one probably means: the most similar one that is absent.
pub fn similar<'n>(
    misspelt: &str,
    names: impl IntoIterator<Item = &'n str>,
    is_absent: impl Fn(&str) -> bool,
) -> Option<String> {
    const LEAST_LIKENESS: f64 = 0.7;
    let misspelt = misspelt.to_ascii_lowercase();
    let likeness = |name: &str| strsim::normalized_damerau_levenshtein(&misspelt, &name.to_ascii_lowercase());
    let absent = names.into_iter().filter(|name| is_absent(name));
    let (most, name) = absent.map(|name| (likeness(name), name)).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (most >= LEAST_LIKENESS).then(|| name.to_owned())
}

fn is_of_type(value: &Value, expected: &str) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => value.is_number(),
    }
}

/// A scalar as messages show it.
#[must_use]
pub fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn keywords<'a>(schema: &'a Value, found: &mut BTreeSet<&'a str>) {
        let Some(fields) = schema.as_object() else { return };
        for (keyword, value) in fields {
            found.insert(keyword);
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(|field| keywords(field, found)),
                "items" | "additionalProperties" => keywords(value, found),
                _ => {}
            }
        }
    }

    #[test]
    fn every_keyword_of_the_crds_is_checked_or_needs_no_check() {
        let checked = [
            "additionalProperties",
            "enum",
            "items",
            "maxItems",
            "maxLength",
            "maxProperties",
            "maximum",
            "minItems",
            "minLength",
            "minimum",
            "multipleOf",
            "nullable",
            "properties",
            "required",
            "type",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
        ];
        // The rules have a module of their own; the formats are of numbers whose types say as much.
        let not_checked = ["default", "description", "format", "x-kubernetes-validations"];
        let roots = ["vpcflowmonitors", "vpcflowfleets", "vpcflowoverviews"].map(crate::root_of);
        let mut found = BTreeSet::new();
        for root in &roots {
            keywords(&root["properties"]["spec"], &mut found);
        }
        assert_eq!(found, checked.into_iter().chain(not_checked).collect());
    }

    #[test]
    fn each_kind_of_bad_value_is_reported() {
        let field = |schema: Value| json!({"type": "object", "properties": {"f": schema}, "required": ["f"]});
        for (schema, value, problem) in [
            (json!({"type": "integer"}), json!("1"), "must be of type integer"),
            (json!({"type": "integer"}), json!(1.5), "must be of type integer"),
            (json!({"x-kubernetes-int-or-string": true}), json!(1.5), "must be of type integer or string"),
            (json!({"type": "string", "enum": ["a", "b"]}), json!("c"), "`c` is not one of `a`, `b`"),
            (json!({"type": "integer", "enum": [1, 3]}), json!(2), "2 is not one of 1, 3"),
            (json!({"type": "integer", "minimum": 0.0}), json!(-1), "-1 is less than 0"),
            (json!({"type": "integer", "maximum": 5.0}), json!(6), "6 is more than 5"),
            (json!({"type": "integer", "multipleOf": 60.0}), json!(61), "61 is not a multiple of 60"),
            (json!({"type": "string", "minLength": 2}), json!("b"), "has 1 characters; at least 2"),
            (json!({"type": "array", "maxItems": 1, "items": {}}), json!([1, 2]), "has 2 entries; at most 1"),
        ] {
            let found = violations(&json!({"f": value}), &field(schema.clone()), "spec");
            let shape = problem.starts_with("must be") || problem.starts_with("has ");
            let expected = if shape { Violation::Malformed } else { Violation::Invalid };
            assert_eq!(found, [expected("spec.f".to_owned(), problem.to_owned())], "{schema}");
        }
        let missing = violations(&json!({}), &field(json!({})), "spec");
        assert_eq!(missing, [Violation::Missing("spec.f".to_owned())]);
    }

    #[test]
    fn a_misspelt_field_is_reported_with_the_one_that_is_meant() {
        let schema =
            json!({"type": "object", "properties": {"vpcId": {}, "region": {}, "s3": {}}, "required": ["vpcId"]});
        for (value, field, similar) in [
            (json!({"vpcid": 1}), "spec.vpcid", Some("vpcId")),
            (json!({"vpcId": 1, "regoin": 2}), "spec.regoin", Some("region")),
            (json!({"vpcId": 1, "vpc-id": 2}), "spec.vpc-id", None),
            (json!({"vpcId": 1, "bucket": 2}), "spec.bucket", None),
        ] {
            let found = violations(&value, &schema, "spec");
            let known = ["region", "s3", "vpcId"].map(str::to_owned).into();
            let (field, similar) = (field.to_owned(), similar.map(str::to_owned));
            assert_eq!(found, [Violation::UnknownField { field, similar, known }]);
        }
    }

    #[test]
    fn a_part_of_any_form_may_have_any_fields_beside_those_that_are_known() {
        let any = json!({"x-kubernetes-preserve-unknown-fields": true});
        let known = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
        let schema = json!({
            "type": "object", "x-kubernetes-preserve-unknown-fields": true, "properties": {"any": any, "known": known},
        });
        let value = json!({"any": [{"a": [1]}], "known": {"n": 1}, "other": {"list": [{"b": null}]}});
        assert_eq!(violations(&value, &schema, "spec"), []);
        let wrong = violations(&json!({"known": {"n": "1", "m": 1}}), &schema, "spec");
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn all_violations_are_reported() {
        let list = json!({"type": "array", "items": {"type": "integer", "maximum": 5}});
        let schema =
            json!({"type": "object", "properties": {"list": list, "b": {"enum": ["x"]}, "r": {}}, "required": ["r"]});
        let found = violations(&json!({"b": "y", "list": [1, 6, "7"], "other": 1}), &schema, "spec");
        let fields: Vec<_> = found
            .iter()
            .map(|violation| match violation {
                Violation::UnknownField { field, .. }
                | Violation::Missing(field)
                | Violation::Malformed(field, _)
                | Violation::Invalid(field, _) => field,
            })
            .collect();
        assert_eq!(fields, ["spec.b", "spec.list[1]", "spec.list[2]", "spec.other", "spec.r"]);
    }

    #[test]
    fn null_stands_for_the_default_but_where_it_is_a_value() {
        let schema = json!({"properties": {
            "a": {"type": "object", "default": {}}, "b": {"nullable": true}, "d": {"type": "object"},
        }});
        let mut value = json!({"a": null, "b": null, "c": null, "d": null});
        prune_nulls(&mut value, &schema);
        assert_eq!(value, json!({"b": null, "c": null, "d": null}));
        assert_eq!(violations(&json!({"b": null}), &schema, "spec"), []);
    }
}
