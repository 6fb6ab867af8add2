//! The notes on a fleet or an overview that say how far the rest can be relied on.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::DynamicObject;

use super::summary::{is_true, stalled};
use crate::api::conditions::{READY, Reason, STALLED};
use crate::api::notes::behind;

/// The words of the notes on a kind.
pub struct Words {
    /// The kind, such as `fleet`.
    pub noun: &'static str,
    /// The things that do not change while it is suspended.
    pub changes_none: &'static str,
    /// The changes that help an object that is `Stalled`.
    pub remedies: &'static str,
}

/// The notes on an object with this status.
pub fn notes(object: &DynamicObject, conditions: &[Condition], observed: Option<i64>, words: &Words) -> Vec<String> {
    // The condition says it too, once the operator has seen it.
    let is_told = conditions.iter().any(|it| it.type_ == READY && it.reason == Reason::Suspended.as_str());
    let is_suspended = object.data["spec"]["suspend"] == true && !is_told;
    let Words { noun, changes_none, remedies } = words;
    let facts = [
        (
            conditions.is_empty(),
            "the operator has reported nothing: is it running with --fleets, and does it watch this namespace?"
                .to_owned(),
        ),
        (object.metadata.deletion_timestamp.is_some(), format!("the {noun} is being deleted")),
        (is_suspended, format!("spec.suspend is true: {changes_none}")),
    ];
    let facts = facts.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note);
    let behind = behind(object.metadata.generation, observed);
    let stalled = is_true(conditions, STALLED).then(|| stalled(remedies));
    facts.chain(behind).chain(stalled).collect()
}
