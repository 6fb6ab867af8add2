//! One entry for each resource: the operator may need several calls to change one.

use crate::engine::{Action, Change};

/// A change that is planned, with what it is of.
pub trait OfResource: Clone {
    /// The change.
    fn change(&self) -> &Change;

    /// The same, to add to.
    fn change_mut(&mut self) -> &mut Change;

    /// True if the other is printed below the same heading.
    fn is_beside(&self, other: &Self) -> bool;
}

/// The changes with all updates of a resource in one.
pub fn by_resource<P: OfResource>(changes: &[P]) -> Vec<P> {
    let mut merged: Vec<P> = Vec::new();
    for planned in changes {
        match merged.iter_mut().find(|earlier| takes(*earlier, planned)) {
            Some(earlier) => add(earlier.change_mut(), planned.change()),
            None => merged.push(planned.clone()),
        }
    }
    merged
}

/// True if the later change is one more update of the earlier one's resource.
fn takes<P: OfResource>(earlier: &P, later: &P) -> bool {
    let (first, second) = (earlier.change(), later.change());
    second.action == Action::Update
        && matches!(first.action, Action::Update | Action::Adopt)
        && (first.kind, &first.name) == (second.kind, &second.name)
        && earlier.is_beside(later)
}

fn add(change: &mut Change, later: &Change) {
    change.fields.extend(later.fields.iter().cloned());
    change.along.extend(later.along.iter().copied());
    change.why = match (change.why.take(), &later.why) {
        (Some(why), Some(other)) if why != *other => Some(format!("{why}; {other}")),
        (why, other) => why.or_else(|| other.clone()),
    };
}
