//! The type of every change, whether it is planned, applied, logged, counted or reported in an event.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::api::ResourceKind;

/// One change to one AWS resource.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The action.
    pub action: Action,
    /// The kind of the resource.
    pub kind: ResourceKind,
    /// The name of the resource.
    pub name: String,
    /// The fields that differ, with old and new values.
    pub fields: Vec<FieldChange>,
    /// The reason, if the fields do not show it.
    pub why: Option<String>,
    /// Resources that need no call of their own, because AWS deletes them with this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<Along>,
}

/// Resources of one kind that share the fate of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Along {
    /// The kind of the resources.
    pub kind: ResourceKind,
    /// Their number.
    pub count: usize,
}

/// The action of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Action {
    /// Makes a resource.
    Create,
    /// Changes a resource in place.
    Update,
    /// Removes a resource that cannot be changed in place, and makes it anew.
    Replace,
    /// Takes over a resource that had no owner.
    Adopt,
    /// Leaves a resource behind, marked as such.
    Retain,
    /// Removes a resource.
    Delete,
}

impl Action {
    /// For events: `Created`, `Updated` …
    #[must_use]
    pub const fn past(self) -> &'static str {
        match self {
            Self::Create => "Created",
            Self::Update => "Updated",
            Self::Replace => "Replaced",
            Self::Adopt => "Adopted",
            Self::Retain => "Retained",
            Self::Delete => "Deleted",
        }
    }
}

/// One field of a change. Without `old` it is set for the first time, without `new` it is removed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldChange {
    /// Dotted path, such as `lifecycle.standardIaAfterDays`.
    pub path: String,
    /// The value in AWS.
    pub old: Option<Value>,
    /// The new value.
    pub new: Option<Value>,
}

impl Change {
    /// A change without fields or reason.
    #[must_use]
    pub fn new(action: Action, kind: ResourceKind, name: impl Into<String>) -> Self {
        Self { action, kind, name: name.into(), fields: Vec::new(), why: None, along: Vec::new() }
    }

    /// Adds the fields in which `old` and `new` differ.
    #[must_use]
    pub fn between(mut self, old: &impl Serialize, new: &impl Serialize) -> Self {
        self.fields.extend(field_changes(old, new));
        self
    }

    /// Adds one field, with both values whole.
    #[must_use]
    pub fn field(mut self, path: &str, old: &impl Serialize, new: &impl Serialize) -> Self {
        let (old, new) = (present(&to_json(old)), present(&to_json(new)));
        self.fields.push(FieldChange { path: path.to_owned(), old, new });
        self
    }

    /// True if only tags are changed, which no other resource needs.
    #[must_use]
    pub fn is_only_tags(&self) -> bool {
        let mut paths = self.fields.iter().map(|field| field.path.as_str());
        self.action == Action::Update && !self.fields.is_empty() && paths.all(|path| path == "tags")
    }

    /// True if the change removes the resource, or leaves it behind.
    #[must_use]
    pub const fn clears_away(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Retain)
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

/// The fields in which two documents differ: objects are compared by key, everything else whole.
#[must_use]
pub fn field_changes(old: &impl Serialize, new: &impl Serialize) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    collect(String::new(), &to_json(old), &to_json(new), &mut changes);
    changes
}

fn to_json(document: &impl Serialize) -> Value {
    serde_json::to_value(document).unwrap_or(Value::Null)
}

fn present(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

fn collect(path: String, old: &Value, new: &Value, changes: &mut Vec<FieldChange>) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            collect(path, old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null), changes);
        }
    } else if old != new {
        changes.push(FieldChange { path, old: present(old), new: present(new) });
    }
}

/// Longest value shown in full, in characters: an event has at most 1,024 bytes.
const SHOWN_CHARS: usize = 60;

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => return "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    if text.chars().count() > SHOWN_CHARS {
        format!("{}…", text.chars().take(SHOWN_CHARS).collect::<String>())
    } else {
        text
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {} → {}", self.path, shown(self.old.as_ref()), shown(self.new.as_ref()))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind.named(&self.name))?;
        if !self.fields.is_empty() && self.action != Action::Create {
            let fields: Vec<_> = self.fields.iter().map(ToString::to_string).collect();
            write!(formatter, " ({})", fields.join(", "))?;
        }
        if let Some(why) = &self.why {
            write!(formatter, ": {why}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_reported_field_by_field() {
        let changes = field_changes(
            &json!({"a": {"x": 1, "y": [1]}, "b": "same", "gone": true}),
            &json!({"a": {"x": 2, "y": [1]}, "b": "same", "new": "v"}),
        );
        let reported: Vec<_> = changes.iter().map(ToString::to_string).collect();
        assert_eq!(reported, ["a.x: 1 → 2", "gone: true → none", "new: none → v"]);
    }

    #[test]
    fn equal_documents_do_not_differ() {
        assert!(field_changes(&json!({"a": [1, {"b": null}]}), &json!({"a": [1, {"b": null}]})).is_empty());
    }

    #[test]
    fn a_change_reads_as_a_sentence() {
        let change = Change::new(Action::Update, ResourceKind::Alarm, "high").field("threshold", &90.0, &50.0);
        assert_eq!(change.to_string(), "alarm high (threshold: 90.0 → 50.0)");
    }
}
