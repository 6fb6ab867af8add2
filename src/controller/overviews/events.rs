//! Events about the changes of a pass over an overview: one for each part and kind of change.

use std::collections::BTreeMap;

use kube::runtime::events::{Event, EventType};

use super::super::events::event;
use crate::engine::{Action, Change, in_brief};
use crate::overview::TaskResult;

/// The events about the changes of a pass.
pub fn of_changes(results: &[TaskResult]) -> Vec<Event> {
    let mut changes: BTreeMap<(&str, Action), Vec<&Change>> = BTreeMap::new();
    for result in results {
        for change in &result.applied {
            changes.entry((result.stage.part().condition(), change.action)).or_default().push(change);
        }
    }
    let of_one = |((part, action), changes): ((&str, Action), Vec<&Change>)| {
        event(EventType::Normal, action.past(), part, &in_brief(changes))
    };
    changes.into_iter().map(of_one).collect()
}
