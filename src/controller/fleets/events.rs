//! Events about the monitors of a fleet: one for each kind of change in a pass.

use std::collections::BTreeMap;

use kube::runtime::events::{Event, EventType};

use super::super::events::event;
use crate::fleet::Action;
use crate::shortened::listed;

/// The most monitors that an event names.
const NAMED: usize = 5;

/// The kind of a change, as the reason of its event.
const fn reason(action: &Action) -> &'static str {
    match action {
        Action::Create(_) => "MonitorCreated",
        Action::Update(_) => "MonitorUpdated",
        Action::Restore(..) => "MonitorRestored",
        Action::MarkOrphaned(_) => "MonitorOrphaned",
        Action::UnmarkOrphaned(_) => "MonitorSelectedAgain",
        Action::Delete { .. } => "MonitorPruned",
    }
}

/// The monitor of a change, with the remark on its kind.
fn named(action: &Action) -> (String, &'static str) {
    match action {
        Action::Create(desired) => (format!("{} for {}", desired.name, desired.vpc_id), ""),
        Action::Update(desired) => (desired.name.clone(), " got the present template"),
        Action::Restore(desired, _) => (desired.name.clone(), ": fields of the template had been changed"),
        Action::MarkOrphaned(name) => (name.clone(), ": the VPC is no longer selected"),
        Action::UnmarkOrphaned(name) => (name.clone(), ": the VPC is selected again"),
        Action::Delete { name, .. } => {
            (name.clone(), ": the VPC has not been selected for the time of prune.afterSeconds")
        }
    }
}

/// The events about the changes of a pass.
pub fn of_actions(actions: &[Action]) -> Vec<Event> {
    let mut kinds: BTreeMap<&str, (Vec<String>, &str)> = BTreeMap::new();
    for action in actions {
        let (name, remark) = named(action);
        let kind = kinds.entry(reason(action)).or_default();
        kind.0.push(name);
        kind.1 = remark;
    }
    let text = |names: &[String], remark: &str| format!("{}{remark}", listed(names, NAMED, ", "));
    kinds
        .into_iter()
        .map(|(reason, (names, remark))| event(EventType::Normal, reason, "Monitors", &text(&names, remark)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_tells_of_many_monitors() {
        let actions: Vec<_> = (0..7).map(|number| Action::MarkOrphaned(format!("m{number}"))).collect();
        let events = of_actions(&actions);
        assert_eq!((events.len(), events[0].reason.as_str()), (1, "MonitorOrphaned"));
        assert_eq!(events[0].note.as_deref(), Some("m0, m1, m2, m3, m4 and 2 more: the VPC is no longer selected"));
    }
}
