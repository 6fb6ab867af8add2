//! The ownership rule: who may create, change, adopt, retain or delete an AWS resource. It is the same for every kind of [`Resource`].
//!
//! | Declared | AWS has | Owner | Result |
//! | --- | --- | --- | --- |
//! | yes | nothing | | create |
//! | yes | it | somebody else | conflict |
//! | yes | it | this monitor, or nobody and it may be adopted | tags, then the differences |
//! | no | it | this monitor | [`fate`] |
//! | no | it | anybody else | nothing |

use super::change::{Action, Change};
use super::resource::{Resource, ResourceCall};
use super::step::{Diff, Goal, Removal, Step};
use crate::api::spec::DeletionPolicy;
use crate::monitor::{ADOPTED, Claim, Claims, Owner};

/// The fate of a resource that is no longer declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is deleted.
    Delete,
    /// It stays, marked as retained.
    Keep,
}

/// The deletion policy, as a table that `docs/deletion.md` prints.
#[must_use]
pub const fn fate(policy: DeletionPolicy, removal: Removal, holds_data: bool) -> Fate {
    match (removal, policy) {
        (Removal::SwitchedOff, _) if !holds_data => Fate::Delete,
        (_, DeletionPolicy::Retain) => Fate::Keep,
        (_, DeletionPolicy::RetainData) if holds_data => Fate::Keep,
        (_, DeletionPolicy::Delete | DeletionPolicy::RetainData) => Fate::Delete,
    }
}

/// The reason to keep a resource that was taken over.
const WAS_THERE_BEFORE: &str = "it existed before this monitor adopted it, so the operator never empties or deletes it; delete it yourself if it is not needed";

/// The reason to delete a resource with data.
const RECORDS_ARE_LOST: &str = "deletionPolicy is Delete; all its records are deleted for good";

/// The steps from the resource `name` in AWS to the goal.
#[must_use]
pub fn diff<R: Resource<O>, O: Owner>(
    owner: &O,
    goal: Goal<&R>,
    name: &str,
    found: Option<&R::Found>,
) -> Diff<ResourceCall<R, O>> {
    let mut diff = Diff::default();
    match (goal, found) {
        (Goal::Present(declared), None) => {
            diff.step(Change::new(Action::Create, R::KIND, name), ResourceCall::Create(declared.clone()));
        }
        (Goal::Present(declared), Some(found)) => match R::claim(owner, name, found) {
            Claim::Foreign(problem) => diff.conflict(R::KIND, name, problem),
            claim => match declared.unusable(found) {
                Some(problem) => diff.conflict(R::KIND, name, problem),
                None => diff.steps = repair(owner, declared, name, found, &claim),
            },
        },
        (Goal::Absent(removal), Some(found)) if R::claim(owner, name, found) == Claim::Ours => {
            remove(owner, removal, name, found, &mut diff);
        }
        (Goal::Absent(_), _) => {}
    }
    diff
}

fn repair<R: Resource<O>, O: Owner>(
    owner: &O,
    declared: &R,
    name: &str,
    found: &R::Found,
    claim: &Claim,
) -> Vec<Step<ResourceCall<R, O>>> {
    let mut steps = Vec::new();
    if let Some(observed) = R::tags(found).filter(|_| R::takes_tags(found)) {
        let mut tags = R::tag_diff(owner, found, observed);
        let adopts = *claim == Claim::Adopt;
        if adopts && R::MARKS_ADOPTION {
            // Its data are not the monitor's to delete.
            tags.set.insert(ADOPTED.to_owned(), "true".to_owned());
        }
        if !tags.is_empty() {
            let action = if adopts { Action::Adopt } else { Action::Update };
            let wanted = tags.applied_to(observed);
            let change = Change::new(action, R::KIND, name).field("tags", observed, &wanted);
            steps.push(Step::new(change, ResourceCall::Tag(name.to_owned(), tags)));
        }
    }
    let differences = declared.differences(owner, found).into_iter();
    steps.extend(differences.map(|step| step.map(|call| ResourceCall::Change(name.to_owned(), call))));
    steps
}

fn remove<R: Resource<O>, O: Owner>(
    owner: &O,
    removal: Removal,
    name: &str,
    found: &R::Found,
    diff: &mut Diff<ResourceCall<R, O>>,
) {
    let is_adopted = R::MARKS_ADOPTION && R::tags(found).is_some_and(|tags| tags.contains_key(ADOPTED));
    let why = match fate(owner.deletion_policy(), removal, R::HOLDS_DATA) {
        _ if is_adopted => Some(WAS_THERE_BEFORE.to_owned()),
        Fate::Keep => None,
        Fate::Delete => match R::must_stay(owner, found) {
            None => return delete(name, found, diff),
            why => why,
        },
    };
    let Some(tags) = R::tags(found)
        .filter(|_| R::takes_tags(found))
        .map(|tags| owner.retained_tag_diff(tags))
        .filter(|tags| !tags.is_empty())
    else {
        return;
    };
    let mut change = Change::new(Action::Retain, R::KIND, name);
    change.why = why;
    diff.step(change, ResourceCall::Tag(name.to_owned(), tags));
}

fn delete<R: Resource<O>, O: Owner>(name: &str, found: &R::Found, diff: &mut Diff<ResourceCall<R, O>>) {
    if let Some(problem) = R::undeletable(found) {
        diff.conflict_of_removal(R::KIND, name, problem);
    } else {
        let mut change = Change::new(Action::Delete, R::KIND, name);
        if R::HOLDS_DATA {
            change = change.because(RECORDS_ARE_LOST);
        }
        diff.step(change, ResourceCall::Delete(name.to_owned(), found.clone()));
    }
}

#[cfg(test)]
mod tests;
