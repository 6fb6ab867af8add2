//! The message of `Ready`: every cause, the most important one with its own message.

use std::collections::BTreeSet;

use super::NewCondition;
use crate::api::conditions::READY;
use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::missing_in_words;
use crate::engine::Outcome;

/// The IAM actions that a system lacks.
pub(super) fn missing_actions(outcome: &Outcome) -> BTreeSet<&'static str> {
    outcome.failures.iter().flat_map(|(_, failure)| failure.missing_actions.iter().copied()).collect()
}

/// Keeps the former message of `Ready` if it begins as the new one, while a pass has not tried all systems again: their messages are known
/// from the status, but not their missing actions.
pub(super) fn keep_former(conditions: &mut [NewCondition], previous: &VpcFlowMonitorStatus, generation: Option<i64>) {
    let former = previous.conditions.iter().find(|old| old.type_ == READY && old.observed_generation == generation);
    for ready in conditions.iter_mut().filter(|new| new.type_ == READY && !new.status) {
        if let Some(former) = former.filter(|old| old.status == "False" && old.message.starts_with(&ready.message)) {
            ready.message.clone_from(&former.message);
        }
    }
}

/// The message of the most important system, the other systems with trouble, and all missing IAM actions, so that they can be granted
/// together.
pub(super) fn ready_message(first: &NewCondition, unready: &[&NewCondition]) -> String {
    let mut message = format!("{}: {}", first.type_, first.message);
    let others = unready.iter().filter(|system| system.type_ != first.type_ && system.reason.is_trouble());
    let others: Vec<_> = others.map(|system| format!("{}: {}", system.type_, system.reason.as_str())).collect();
    if !others.is_empty() {
        message = format!("{message} (also: {})", others.join(", "));
    }
    let missing: BTreeSet<_> = unready.iter().flat_map(|system| &system.missing_actions).copied().collect();
    // The message names its own ones.
    if missing.len() > first.missing_actions.len() {
        let missing: Vec<_> = missing.into_iter().collect();
        message = format!("{message}; missing permissions in all: {}", missing_in_words(&missing));
    }
    message
}
