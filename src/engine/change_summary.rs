//! Several changes as one short text, for events and conditions. The log has each change whole.

use std::fmt::Write as _;

use super::change::{Action, Change};
use crate::api::ResourceKind;
use crate::shortened::shortened;

/// Most characters of a summary, as far as whole words about the first resource allow: `kubectl get events` stays readable.
const SUMMARY: usize = 270;

/// Most characters for the fields of a change, and for its reason.
const DETAIL: usize = 160;

/// Resources of one kind with the same change.
struct Group<'c> {
    kind: ResourceKind,
    names: Vec<&'c str>,
    detail: String,
    has_reason: bool,
}

/// The changes in a few words: resources of one kind that change in the same way are counted.
#[must_use]
pub fn in_brief<'c>(changes: impl IntoIterator<Item = &'c Change>) -> String {
    let groups = grouped(changes);
    let separator = if groups.iter().any(|group| group.has_reason) { "; " } else { ", " };
    let (mut text, mut left) = (String::new(), groups.iter().map(|group| group.names.len()).sum::<usize>());
    for (position, group) in groups.iter().enumerate() {
        let phrase = phrase(group);
        if position > 0 && text.chars().count() + phrase.chars().count() > SUMMARY {
            // Writing to a String cannot fail.
            let _ = write!(text, " and {left} more");
            return text;
        }
        let is_last = position + 1 == groups.len();
        text.push_str(match position {
            0 => "",
            _ if is_last => " and ",
            _ => separator,
        });
        text.push_str(&phrase);
        left -= group.names.len();
    }
    text
}

fn grouped<'c>(changes: impl IntoIterator<Item = &'c Change>) -> Vec<Group<'c>> {
    let mut groups: Vec<Group<'c>> = Vec::new();
    for change in changes {
        let detail = detail(change);
        match groups.iter_mut().find(|group| group.kind == change.kind && group.detail == detail) {
            Some(group) => group.names.push(&change.name),
            None => groups.push(Group {
                kind: change.kind,
                names: vec![&change.name],
                detail,
                has_reason: change.why.is_some(),
            }),
        }
    }
    groups
}

fn phrase(Group { kind, names, detail, .. }: &Group<'_>) -> String {
    match names[..] {
        [name] => format!("{}{detail}", kind.named(name)),
        _ => format!("{} {}{detail}", names.len(), kind.plural()),
    }
}

/// The first fields and the reason of a change.
fn detail(change: &Change) -> String {
    let mut detail = String::new();
    let fields: Vec<_> = change.shown_fields().map(ToString::to_string).collect();
    if change.action != Action::Create && !fields.is_empty() {
        let _ = write!(detail, " ({})", first(&fields));
    }
    if let Some(why) = &change.why {
        let _ = write!(detail, ": {}", shortened(why, DETAIL));
    }
    detail
}

/// The first fields, and the number of the others.
fn first(fields: &[String]) -> String {
    let mut length = 0;
    let fits = |field: &&String| {
        length += field.chars().count();
        length <= DETAIL
    };
    let shown = fields.iter().take_while(fits).count().max(1);
    match fields.len() - shown {
        0 => fields.join(", "),
        more => format!("{} and {more} more", fields[..shown].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn created(kind: ResourceKind, name: &str) -> Change {
        Change::new(Action::Create, kind, name)
    }

    #[test]
    fn resources_of_one_kind_are_counted() {
        let mut changes = vec![
            created(ResourceKind::Workgroup, "vfm-a"),
            created(ResourceKind::Database, "vfm_a"),
            created(ResourceKind::Table, "vfm_a.records"),
        ];
        changes.extend((0..7).map(|number| created(ResourceKind::NamedQuery, &format!("Query {number}"))));
        let brief = in_brief(&changes);
        assert_eq!(brief, "workgroup vfm-a, database vfm_a, table vfm_a.records and 7 saved queries");
        assert_eq!(in_brief(&changes[..1]), "workgroup vfm-a");
    }

    #[test]
    fn the_same_change_of_several_is_said_once() {
        let change = |kind, name: &str, threshold: i32| {
            Change::new(Action::Update, kind, name).field("tags.team", &"a", &"b").field("limit", &threshold, &1)
        };
        let changes = [
            change(ResourceKind::Alarm, "x", 5),
            change(ResourceKind::Alarm, "y", 5),
            change(ResourceKind::Alarm, "z", 7),
        ];
        assert_eq!(
            in_brief(&changes),
            "2 alarms (tags.team: a → b, limit: 5 → 1) and alarm z (tags.team: a → b, limit: 7 → 1)"
        );
    }

    #[test]
    fn a_reason_ends_its_own_part() {
        let replaced = |name| Change::new(Action::Replace, ResourceKind::FlowLog, name).because("it is new");
        let changes = [
            replaced("s3"),
            created(ResourceKind::Role, "r"),
            created(ResourceKind::Role, "q"),
            created(ResourceKind::Alarm, "a"),
        ];
        assert_eq!(in_brief(&changes), "flow log s3: it is new; 2 roles and alarm a");
    }

    #[test]
    fn many_and_long_ones_stay_short() {
        let (old, new): (Vec<_>, Vec<_>) =
            (0..50).map(|number| (format!("{number}{}", "o".repeat(50)), number)).unzip();
        let many = Change::new(Action::Update, ResourceKind::Function, "f").field("environment", &old, &new);
        let brief = in_brief([&many]);
        assert!(brief.ends_with(" and 48 more)"), "{brief}");
        assert!(brief.chars().count() < 300, "{brief}");
        let reason = created(ResourceKind::Dashboard, "d").because("w".repeat(400));
        assert!(in_brief([&reason]).chars().count() < 200);
        let kinds =
            [ResourceKind::Bucket, ResourceKind::Topic, ResourceKind::Role, ResourceKind::Alarm, ResourceKind::Table];
        let changes = kinds.map(|kind| created(kind, &"n".repeat(100)));
        let brief = in_brief(&changes);
        assert!(brief.ends_with(" and 3 more") && brief.chars().count() < 300, "{brief}");
        assert_eq!(json!(in_brief([])), json!(""));
    }
}
