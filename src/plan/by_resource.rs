//! One entry for each resource: the operator may need several calls to change one.

use super::PlannedChange;
use crate::engine::Action;

/// The changes with all updates of a resource in one.
pub fn by_resource(changes: &[PlannedChange]) -> Vec<PlannedChange> {
    let mut merged: Vec<PlannedChange> = Vec::new();
    for planned in changes {
        match merged.iter_mut().find(|earlier| takes(earlier, planned)) {
            Some(earlier) => add(earlier, planned),
            None => merged.push(planned.clone()),
        }
    }
    merged
}

/// True if the later change is one more update of the earlier one's resource.
fn takes(earlier: &PlannedChange, later: &PlannedChange) -> bool {
    let resource = |planned: &PlannedChange| (planned.component, planned.change.kind, planned.change.name.clone());
    later.change.action == Action::Update
        && matches!(earlier.change.action, Action::Update | Action::Adopt)
        && resource(earlier) == resource(later)
        && earlier.waits_for == later.waits_for
}

fn add(earlier: &mut PlannedChange, later: &PlannedChange) {
    let (change, later) = (&mut earlier.change, &later.change);
    change.fields.extend(later.fields.iter().cloned());
    change.along.extend(later.along.iter().copied());
    change.why = match (change.why.take(), &later.why) {
        (Some(why), Some(other)) if why != *other => Some(format!("{why}; {other}")),
        (why, other) => why.or_else(|| other.clone()),
    };
}
