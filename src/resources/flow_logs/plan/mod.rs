//! The steps from the flow logs that exist to the wanted ones.

use std::time::SystemTime;

use super::token::{Attempt, token};
use super::{FlowLog, Found, Observed, Sink};
use crate::api::ResourceKind;
use crate::engine::{Action, Change, Diff, Fate, Removal, fate};
use crate::monitor::{Claim, Claims, Monitor, Owner, TagDiff};
use crate::resources::delivery_role::delivery_role;

/// A change of flow logs.
#[derive(Clone, Debug, PartialEq)]
pub enum FlowLogOp {
    /// Makes a flow log.
    Create {
        /// Its settings.
        flow_log: FlowLog,
        /// Makes a repeat after a lost answer safe.
        token: String,
    },
    /// Makes a flow log in place of others.
    Replace {
        /// Its settings.
        flow_log: FlowLog,
        /// Makes a repeat after a lost answer safe.
        token: String,
        /// The token for a second attempt after the others are deleted: AWS may have stored its refusal under the first token.
        token_after_delete: String,
        /// The others.
        replaced: Vec<Found>,
        /// True if one of the others has the same destination, which AWS may refuse to share.
        same_destination: bool,
    },
    /// Changes tags.
    Tag {
        /// The flow log's id.
        id: String,
        /// The tags to set and to remove.
        tags: TagDiff,
    },
    /// Removes flow logs.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
}

/// The flow logs of one kind of destination, sorted by their role for the monitor.
struct Sorted<'a> {
    /// The one to keep or to replace, with our claim to it: ours already, or to be adopted.
    current: Option<(&'a Found, Claim)>,
    /// Others of ours: leftovers of an interrupted replacement, and duplicates.
    superseded: Vec<&'a Found>,
    /// Flow logs of others to our destination, with the owners.
    foreign: Vec<(&'a Found, Option<String>)>,
}

impl Sorted<'_> {
    fn ours_is_at(&self, wanted: &FlowLog) -> bool {
        self.current.as_ref().is_some_and(|(found, _)| same_destination(found, wanted))
    }
}

fn sort<'a>(monitor: &Monitor, wanted: &FlowLog, observed: &'a Observed) -> Sorted<'a> {
    let mut sorted = Sorted { current: None, superseded: Vec::new(), foreign: Vec::new() };
    let mut candidates: Vec<_> =
        observed.flow_logs.iter().filter(|found| found.flow_log.sink() == wanted.sink()).collect();
    candidates.sort_by_key(|found| {
        let as_wanted = found.flow_log == *wanted;
        (!as_wanted, !same_destination(found, wanted), &found.id)
    });
    let mut unowned = Vec::new();
    for found in candidates {
        match monitor.claim(&found.tags) {
            Claim::Ours if sorted.current.is_none() => sorted.current = Some((found, Claim::Ours)),
            Claim::Ours => sorted.superseded.push(found),
            _ if !same_destination(found, wanted) => {}
            Claim::Adopt => unowned.push(found),
            Claim::Foreign(problem) => sorted.foreign.push((found, Some(problem))),
        }
    }
    let mut unowned = unowned.into_iter();
    if !sorted.ours_is_at(wanted)
        && let Some(found) = unowned.next()
    {
        let ours_elsewhere = sorted.current.replace((found, Claim::Adopt));
        sorted.superseded.extend(ours_elsewhere.map(|(ours, _)| ours));
    }
    sorted.foreign.extend(unowned.map(|found| (found, None)));
    sorted
}

fn same_destination(found: &Found, wanted: &FlowLog) -> bool {
    found.flow_log.destination_arn() == wanted.destination_arn()
}

/// The steps to exactly the wanted flow logs.
pub fn present(monitor: &Monitor, wanted: &[FlowLog], observed: &Observed) -> Diff<FlowLogOp> {
    let mut diff = Diff::default();
    for flow_log in wanted {
        let sorted = sort(monitor, flow_log, observed);
        for (found, problem) in &sorted.foreign {
            let problem = match problem {
                Some(problem) if !sorted.ours_is_at(flow_log) => problem,
                _ => "every record would arrive twice; delete it, or choose another destination",
            };
            let text = format!("{} already delivers to {}: {problem}", found.id, flow_log.destination_arn());
            diff.conflict(ResourceKind::FlowLog, flow_log.sink().as_str(), text);
        }
        match &sorted.current {
            Some((current, claim)) => repair(monitor, flow_log, current, claim, &sorted, observed.read_at, &mut diff),
            None if sorted.foreign.is_empty() => {
                let token = token(monitor, flow_log, observed.read_at, Attempt::First);
                let op = FlowLogOp::Create { flow_log: flow_log.clone(), token };
                once_delivery_is_allowed(flow_log, change(Action::Create, flow_log), op, &mut diff);
            }
            None => {}
        }
    }
    let is_unwanted = |found: &&Found| !wanted.iter().any(|flow_log| flow_log.sink() == found.flow_log.sink());
    for found in ours(monitor, observed).filter(is_unwanted) {
        diff.step(change(Action::Delete, &found.flow_log), FlowLogOp::Delete { ids: vec![found.id.clone()] });
    }
    diff
}

fn repair(
    monitor: &Monitor,
    wanted: &FlowLog,
    current: &Found,
    claim: &Claim,
    sorted: &Sorted<'_>,
    read_at: SystemTime,
    diff: &mut Diff<FlowLogOp>,
) {
    let as_wanted = current.flow_log == *wanted;
    let adopts = *claim == Claim::Adopt;
    let tags = monitor.tag_diff(&current.tags);
    // A flow log of ours that is replaced needs no tags. An adopted one does: they mark it as ours if the replacement is interrupted.
    if !tags.is_empty() && (as_wanted || adopts) {
        let action = if adopts { Action::Adopt } else { Action::Update };
        let new = tags.applied_to(&current.tags);
        let change = change(action, wanted).field("tags", &current.tags, &new);
        diff.step(change, FlowLogOp::Tag { id: current.id.clone(), tags });
    }
    let mut old: Vec<&Found> = sorted.superseded.clone();
    if as_wanted {
        if !old.is_empty() {
            let why = format!("{} takes the place of {}", current.id, ids(&old).join(", "));
            diff.step(change(Action::Delete, wanted).because(why), FlowLogOp::Delete { ids: ids(&old) });
        }
    } else if sorted.foreign.is_empty() {
        // With a flow log of others at the destination, AWS may reject the new one after the old one is deleted.
        old.insert(0, current);
        let op = FlowLogOp::Replace {
            flow_log: wanted.clone(),
            token: token(monitor, wanted, read_at, Attempt::First),
            token_after_delete: token(monitor, wanted, read_at, Attempt::AfterDelete),
            replaced: old.iter().copied().cloned().collect(),
            same_destination: old.iter().any(|found| same_destination(found, wanted)),
        };
        let change = change(Action::Replace, wanted)
            .between(&current.flow_log.document(), &wanted.document())
            .because("AWS cannot change a flow log; a new one takes its place");
        once_delivery_is_allowed(wanted, change, op, diff);
    }
}

/// Adds the step. A flow log to the log group waits for the delivery role, since its records would be lost until the role may write there.
fn once_delivery_is_allowed(flow_log: &FlowLog, change: Change, op: FlowLogOp, diff: &mut Diff<FlowLogOp>) {
    match flow_log.sink() {
        Sink::CloudWatchLogs => diff.step_following(change, op, delivery_role()),
        Sink::S3 => diff.step(change, op),
    }
}

/// The steps to delete our flow logs or to retain them.
pub fn absent(monitor: &Monitor, removal: Removal, observed: &Observed) -> Diff<FlowLogOp> {
    let mut diff = Diff::default();
    let ours: Vec<_> = ours(monitor, observed).collect();
    if fate(monitor.deletion_policy(), removal, false) == Fate::Keep {
        for found in ours {
            let tags = monitor.retained_tag_diff(&found.tags);
            if !tags.is_empty() {
                diff.step(change(Action::Retain, &found.flow_log), FlowLogOp::Tag { id: found.id.clone(), tags });
            }
        }
    } else if !ours.is_empty() {
        // Both are deleted in one call, so that they stop at the same time.
        let mut names: Vec<_> = ours.iter().map(|found| found.flow_log.sink()).collect();
        names.sort_unstable();
        names.dedup();
        let name = names.into_iter().map(Sink::as_str).collect::<Vec<_>>().join(", ");
        let change = Change::new(Action::Delete, ResourceKind::FlowLog, name);
        diff.step(change, FlowLogOp::Delete { ids: ids(&ours) });
    }
    diff
}

/// Our flow logs.
pub fn ours<'a>(monitor: &Monitor, observed: &'a Observed) -> impl Iterator<Item = &'a Found> {
    observed.flow_logs.iter().filter(|found| monitor.claim(&found.tags) == Claim::Ours)
}

/// Our flow logs in use, one for each kind of destination: the one that stays, or that delivers until it is replaced.
pub fn in_use<'a>(monitor: &Monitor, wanted: &[FlowLog], observed: &'a Observed) -> Vec<&'a Found> {
    let current = |flow_log| sort(monitor, flow_log, observed).current;
    wanted.iter().filter_map(current).filter(|(_, claim)| *claim == Claim::Ours).map(|(found, _)| found).collect()
}

fn change(action: Action, flow_log: &FlowLog) -> Change {
    Change::new(action, ResourceKind::FlowLog, flow_log.sink().as_str())
}

fn ids(flow_logs: &[&Found]) -> Vec<String> {
    flow_logs.iter().map(|found| found.id.clone()).collect()
}

#[cfg(test)]
mod tests;
