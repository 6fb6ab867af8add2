//! The fields in which two documents differ: by key in objects, by element in lists, and in the same way inside JSON texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use super::value_text::{difference, text};

/// One field of a change. Without `old` it is set for the first time, without `new` it is removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Path of keys, such as `lifecycle.standardIaAfterDays` or `tags["vpcflow.dev/owner"]`. An element of a list has its name, or its
    /// position: in the old list if it is there, else in the new one.
    pub path: String,
    /// The value in AWS.
    pub old: Option<Value>,
    /// The new value.
    pub new: Option<Value>,
}

impl FieldChange {
    /// True if it is about `field` or a part of it.
    #[must_use]
    pub fn is_within(&self, field: &str) -> bool {
        self.path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, difference(self.old.as_ref(), self.new.as_ref()))
    }
}

/// The fields in which two documents differ. Their paths begin with `path`, unless it is empty.
#[must_use]
pub fn field_changes(path: &str, old: &impl Serialize, new: &impl Serialize) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    collect(path, &to_json(old), &to_json(new), &mut changes);
    changes
}

/// True if the field is a text whose differing words are whole values that other fields have changed in the same way, as an alarm's
/// description has its threshold.
#[must_use]
pub fn repeats_others(field: &FieldChange, all: &[FieldChange]) -> bool {
    let (Some(Value::String(old)), Some(Value::String(new))) = (&field.old, &field.new) else { return false };
    let (old, new) = (words(old), words(new));
    let changed: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
    let values = |other: &FieldChange| Some((text(other.old.as_ref()?), text(other.new.as_ref()?)));
    let is_value = |(old, new): &(&&str, &&str)| {
        all.iter().filter_map(values).any(|(other_old, other_new)| other_old == **old && other_new == **new)
    };
    // A single word would repeat itself.
    old.len() > 1 && old.len() == new.len() && !changed.is_empty() && changed.iter().all(is_value)
}

/// The words of a text, without punctuation around them.
fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().map(|word| word.trim_matches(['.', ',', ':', ';', '(', ')'])).collect()
}

fn to_json(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or(Value::Null)
}

fn collect(path: &str, old: &Value, new: &Value, changes: &mut Vec<FieldChange>) {
    if old == new {
        return;
    }
    let before = changes.len();
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => of_objects(path, old, new, changes),
        (Value::Array(old), Value::Array(new)) => of_lists(path, old, new, changes),
        (Value::String(old), Value::String(new)) => {
            if let (Some(old), Some(new)) = (json_within(old), json_within(new)) {
                collect(path, &old, &new, changes);
            }
        }
        _ => {}
    }
    // The values cannot be divided, or differ in no part: JSON texts in their spaces, lists in their order.
    if changes.len() == before {
        push(path, Some(old), Some(new), changes);
    }
}

fn push(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<FieldChange>) {
    let present = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
    changes.push(FieldChange { path: path.to_owned(), old: present(old), new: present(new) });
}

/// The object or list that a text contains.
fn json_within(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

fn of_objects(path: &str, old: &Map<String, Value>, new: &Map<String, Value>, changes: &mut Vec<FieldChange>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (old, new) = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
        collect(&of_key(path, key), old, new, changes);
    }
}

/// The path of a key. Keys that would not read as one word, as of most tags, are quoted.
fn of_key(path: &str, key: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || ['_', '-'].contains(&letter);
    if key.is_empty() || !key.chars().all(is_plain) {
        of_name(path, key)
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn of_name(path: &str, name: &str) -> String {
    format!("{path}[{}]", Value::from(name))
}

/// The fields that name an element of a list, in policies, lifecycles and tables.
const NAMES: [&str; 4] = ["Sid", "id", "ID", "name"];

fn of_lists(path: &str, old: &[Value], new: &[Value], changes: &mut Vec<FieldChange>) {
    let by_name = NAMES.iter().find_map(|field| Some((named(old, field)?, named(new, field)?)));
    match by_name {
        Some((old, new)) => of_named(path, &old, &new, changes),
        None => of_unnamed(path, old, new, changes),
    }
}

/// The elements with the values of `field`, if each has one of its own.
fn named<'v>(elements: &'v [Value], field: &str) -> Option<Vec<(&'v str, &'v Value)>> {
    let named: Option<Vec<_>> = elements.iter().map(|element| Some((element.get(field)?.as_str()?, element))).collect();
    named.filter(|named| named.iter().map(|(name, _)| name).collect::<BTreeSet<_>>().len() == named.len())
}

fn of_named(path: &str, old: &[(&str, &Value)], new: &[(&str, &Value)], changes: &mut Vec<FieldChange>) {
    let (old_by_name, new_by_name): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (old.iter().copied().collect(), new.iter().copied().collect());
    let names: BTreeSet<&str> = old_by_name.keys().chain(new_by_name.keys()).copied().collect();
    for name in names {
        let (old, new) = (old_by_name.get(name).copied(), new_by_name.get(name).copied());
        collect(&of_name(path, name), old.unwrap_or(&Value::Null), new.unwrap_or(&Value::Null), changes);
    }
    // Columns of a table, for one, have an order.
    let order = |elements: &[(&str, &Value)], others: &BTreeMap<&str, &Value>| -> Value {
        elements.iter().map(|(name, _)| *name).filter(|name| others.contains_key(name)).collect()
    };
    let (old, new) = (order(old, &new_by_name), order(new, &old_by_name));
    if old != new {
        push(path, Some(&old), Some(&new), changes);
    }
}

fn of_unnamed(path: &str, old: &[Value], new: &[Value], changes: &mut Vec<FieldChange>) {
    let (removed, added) = (missing_in(new, old), missing_in(old, new));
    let positions: BTreeSet<usize> = removed.iter().chain(&added).copied().collect();
    for position in positions {
        let of = |positions: &BTreeSet<usize>, elements: &[Value]| -> Value {
            positions.get(&position).map_or(Value::Null, |position| elements[*position].clone())
        };
        collect(&format!("{path}[{position}]"), &of(&removed, old), &of(&added, new), changes);
    }
}

/// The positions of the elements that `others` lacks, or has fewer times.
fn missing_in(others: &[Value], elements: &[Value]) -> BTreeSet<usize> {
    let mut others: Vec<&Value> = others.iter().collect();
    let mut is_missing = |element: &Value| match others.iter().position(|other| *other == element) {
        Some(position) => {
            others.remove(position);
            false
        }
        None => true,
    };
    (0..elements.len()).filter(|position| is_missing(&elements[*position])).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reported(old: &Value, new: &Value) -> Vec<String> {
        field_changes("", old, new).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn objects_are_compared_by_key() {
        let changes = reported(
            &json!({"a": {"x": 1, "y": [1]}, "b": "same", "gone": true}),
            &json!({"a": {"x": 2, "y": [1]}, "b": "same", "new": "v"}),
        );
        assert_eq!(changes, ["a.x: 1 → 2", "gone: true → none", "new: none → v"]);
    }

    #[test]
    fn equal_documents_do_not_differ() {
        assert!(reported(&json!({"a": [1, {"b": null}]}), &json!({"a": [1, {"b": null}]})).is_empty());
    }

    #[test]
    fn only_the_changed_tag_is_reported_and_its_key_is_quoted_where_it_is_no_word() {
        let tags = |owner: &str, team: &str| json!({"vpcflow.dev/owner": owner, "managed": "yes", "team": team});
        let changes = field_changes("tags", &tags("a/b/c", "x"), &tags("a/b/d", "y"));
        assert!(changes.iter().all(|change| change.is_within("tags") && !change.is_within("tag")));
        let changes: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["tags.team: x → y", "tags[\"vpcflow.dev/owner\"]: a/b/c → a/b/d"]);
    }

    #[test]
    fn json_within_a_text_is_compared_by_key() {
        let policy = |effect: &str| {
            json!({"Statement": [{"Sid": "a", "Effect": "Deny"}, {"Sid": "b", "Effect": effect}]}).to_string()
        };
        let changes = reported(&json!({"policy": policy("Allow")}), &json!({"policy": policy("Deny")}));
        assert_eq!(changes, ["policy.Statement[\"b\"].Effect: Allow → Deny"]);
        assert_eq!(reported(&json!({"p": "{}"}), &json!({"p": "{ }"})), ["p: {} → { }"], "the text differs");
        assert_eq!(reported(&json!({"p": "{"}), &json!({"p": "{}"})), ["p: { → {}"], "one is no JSON");
    }

    #[test]
    fn of_lists_the_elements_that_differ_are_reported() {
        let changed = |old: Value, new: Value| reported(&json!({ "list": old }), &json!({ "list": new }));
        assert_eq!(changed(json!(["a", "b", "c"]), json!(["b", "c", "d"])), ["list[0]: a → none", "list[2]: none → d"]);
        assert_eq!(changed(json!(["a", "b"]), json!(["a", "x"])), ["list[1]: b → x"]);
        assert_eq!(changed(json!(["a", "a"]), json!(["a"])), ["list[1]: a → none"]);
        assert_eq!(changed(json!(["a", "b"]), json!(["b", "a"])), ["list: [\"a\",\"b\"] → [\"b\",\"a\"]"]);
        assert_eq!(
            changed(json!([["m", {"stat": "Sum"}]]), json!([["m", {"stat": "Max"}]])),
            ["list[0][1].stat: Sum → Max"]
        );
    }

    #[test]
    fn elements_with_names_are_compared_by_name() {
        let column = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let (old, new) = (
            json!({"columns": [column("a", "int"), column("b", "int"), column("gone", "int")]}),
            json!({"columns": [column("b", "bigint"), column("a", "int")]}),
        );
        assert_eq!(
            reported(&old, &new),
            [
                "columns[\"b\"].type: int → bigint",
                "columns[\"gone\"]: {\"name\":\"gone\",\"type\":\"int\"} → none",
                "columns: [\"a\",\"b\"] → [\"b\",\"a\"]",
            ]
        );
    }
}
