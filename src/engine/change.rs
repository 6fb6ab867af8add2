//! The type of every change, whether it is planned, applied, logged, counted or reported in an event.

use std::fmt;

use serde::Serialize;

use super::field_change::{FieldChange, field_changes, repeats_others};
use crate::api::ResourceKind;
use crate::monitor::TAG_KEYS;

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
    /// True if the change is due because time has passed: neither the spec nor AWS has changed.
    #[serde(skip)]
    pub by_time: bool,
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

impl Change {
    /// A change without fields or reason.
    #[must_use]
    pub fn new(action: Action, kind: ResourceKind, name: impl Into<String>) -> Self {
        Self { action, kind, name: name.into(), fields: Vec::new(), why: None, by_time: false, along: Vec::new() }
    }

    /// Adds the fields in which `old` and `new` differ.
    #[must_use]
    pub fn between(mut self, old: &impl Serialize, new: &impl Serialize) -> Self {
        self.fields.extend(field_changes("", old, new));
        self
    }

    /// Adds the parts in which one field differs.
    #[must_use]
    pub fn field(mut self, path: &str, old: &impl Serialize, new: &impl Serialize) -> Self {
        self.fields.extend(field_changes(path, old, new));
        self
    }

    /// The fields to show to a person: a text that only repeats the changes of other fields is left out, and so is the operator's own record of
    /// tag keys beside other fields.
    pub fn shown_fields(&self) -> impl Iterator<Item = &FieldChange> {
        let is_record = |field: &FieldChange| field.is_within("tags") && field.path.contains(TAG_KEYS);
        let hides_record = self.fields.iter().any(|field| !is_record(field));
        let is_hidden = move |field: &FieldChange| hides_record && is_record(field);
        self.fields.iter().filter(move |field| !is_hidden(field) && !repeats_others(field, &self.fields))
    }

    /// True if only tags are changed, which no other resource needs.
    #[must_use]
    pub fn is_only_tags(&self) -> bool {
        let are_tags = self.fields.iter().all(|field| field.is_within("tags"));
        self.action == Action::Update && !self.fields.is_empty() && are_tags
    }

    /// True if the change removes the resource, or leaves it behind.
    #[must_use]
    pub const fn clears_away(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Retain)
    }

    /// True if the change makes the resource.
    #[must_use]
    pub const fn creates(&self) -> bool {
        matches!(self.action, Action::Create)
    }

    /// Marks the change as due because time has passed.
    #[must_use]
    pub fn by_time(self) -> Self {
        Self { by_time: true, ..self }
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind.named(&self.name))?;
        if !self.fields.is_empty() && self.action != Action::Create {
            let fields: Vec<_> = self.shown_fields().map(ToString::to_string).collect();
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
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_operators_record_of_tag_keys_is_shown_only_where_nothing_else_changes() {
        let tagged = |old: &Value, new: &Value| {
            Change::new(Action::Update, ResourceKind::Bucket, "b").field("tags", old, new).to_string()
        };
        let (record, team) = (json!({TAG_KEYS: "1"}), json!({TAG_KEYS: "1", "team": "a"}));
        assert_eq!(tagged(&json!({}), &team), "bucket b (tags.team: none → a)");
        assert_eq!(tagged(&json!({}), &record), "bucket b (tags[\"vpcflow.dev/tag-keys\"]: none → 1)");
    }

    #[test]
    fn a_change_reads_as_a_sentence() {
        let change = Change::new(Action::Update, ResourceKind::Alarm, "high").field("threshold", &90.0, &50.0);
        assert_eq!(change.to_string(), "alarm high (threshold: 90 → 50)");
        assert_eq!(change.because("drift").to_string(), "alarm high (threshold: 90 → 50): drift");
    }

    #[test]
    fn a_text_that_repeats_another_field_is_not_shown_again() {
        let alarm = |threshold: f64, what: &str| json!({"description": format!("{what}: more than {threshold} flows."), "threshold": threshold});
        let change =
            |new: &Value| Change::new(Action::Update, ResourceKind::Alarm, "a").between(&alarm(50.0, "High"), new);
        let changed = change(&alarm(5.0, "High"));
        assert_eq!(changed.to_string(), "alarm a (threshold: 50 → 5)");
        assert_eq!(changed.fields.len(), 2, "programs get both");
        assert_eq!(
            change(&alarm(5.0, "Low")).to_string(),
            "alarm a (description: High: more than 50 flows. → Low: more than 5 flows., threshold: 50 → 5)"
        );
        assert_eq!(
            change(&alarm(50.0, "Low")).to_string(),
            "alarm a (description: High: more than 50 flows. → Low: more than 50 flows.)"
        );
    }

    #[test]
    fn a_change_of_tags_is_known_by_its_fields() {
        let change =
            |action| Change::new(action, ResourceKind::Role, "r").field("tags", &json!({}), &json!({"a.b": "c"}));
        assert!(change(Action::Update).is_only_tags());
        assert!(!change(Action::Adopt).is_only_tags());
        assert!(!change(Action::Update).field("tagsPolicy", &1, &2).is_only_tags());
    }
}
