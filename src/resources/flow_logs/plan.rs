//! What must be done to get from the flow logs that exist to those that are wanted.

use std::time::SystemTime;

use serde_json::json;

use super::token::{Attempt, token};
use super::{FlowLog, Found, Observed, Sink};
use crate::engine::{Action, Change, Diff, Removal};
use crate::monitor::{Claim, Monitor, TagDiff};
use crate::resources::ResourceKind;

/// What can be done to flow logs.
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
        /// The token for a second attempt, once the others are gone: AWS may have remembered its refusal under the first.
        token_after_delete: String,
        /// Ids of the others.
        replaced: Vec<String>,
        /// True if one of the others has the same destination, which AWS may refuse to share.
        same_destination: bool,
    },
    /// Changes tags.
    Tag {
        /// The flow log's id.
        id: String,
        /// What is changed.
        tags: TagDiff,
    },
    /// Removes flow logs.
    Delete {
        /// Their ids.
        ids: Vec<String>,
    },
}

/// The flow logs of one kind of destination, sorted by what they are to us.
struct Sorted<'a> {
    /// The one to keep, or to replace, and whether it is ours already.
    current: Option<(&'a Found, Claim)>,
    /// Others of ours: what an interrupted replacement left, and duplicates.
    superseded: Vec<&'a Found>,
    /// Those of others that go to our destination, and whose they are.
    strangers: Vec<(&'a Found, Option<String>)>,
}

impl Sorted<'_> {
    fn ours_is_at(&self, wanted: &FlowLog) -> bool {
        self.current.as_ref().is_some_and(|(found, _)| same_destination(found, wanted))
    }
}

fn sort<'a>(monitor: &Monitor, wanted: &FlowLog, observed: &'a Observed) -> Sorted<'a> {
    let mut sorted = Sorted { current: None, superseded: Vec::new(), strangers: Vec::new() };
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
            Claim::Foreign(problem) => sorted.strangers.push((found, Some(problem))),
        }
    }
    let mut unowned = unowned.into_iter();
    if !sorted.ours_is_at(wanted)
        && let Some(found) = unowned.next()
    {
        let ours_elsewhere = sorted.current.replace((found, Claim::Adopt));
        sorted.superseded.extend(ours_elsewhere.map(|(ours, _)| ours));
    }
    sorted.strangers.extend(unowned.map(|found| (found, None)));
    sorted
}

fn same_destination(found: &Found, wanted: &FlowLog) -> bool {
    found.flow_log.destination_arn() == wanted.destination_arn()
}

/// What must be done to have exactly the wanted ones.
pub fn present(monitor: &Monitor, wanted: &[FlowLog], observed: &Observed) -> Diff<FlowLogOp> {
    let mut diff = Diff::default();
    for flow_log in wanted {
        let sorted = sort(monitor, flow_log, observed);
        for (found, problem) in &sorted.strangers {
            let problem = match problem {
                Some(problem) if !sorted.ours_is_at(flow_log) => problem,
                _ => "every record would arrive twice; delete it, or choose another destination",
            };
            let text = format!("{} already delivers to {}: {problem}", found.id, flow_log.destination_arn());
            diff.conflict(ResourceKind::FlowLog, flow_log.sink().as_str(), text);
        }
        match &sorted.current {
            Some((current, claim)) => repair(monitor, flow_log, current, claim, &sorted, observed.read_at, &mut diff),
            None if sorted.strangers.is_empty() => {
                let token = token(monitor, flow_log, observed.read_at, Attempt::First);
                diff.step(change(Action::Create, flow_log), FlowLogOp::Create { flow_log: flow_log.clone(), token });
            }
            None => {}
        }
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
    // One of ours that is replaced needs no tags; one that is adopted does: they tell it is ours if the replacement is interrupted.
    if !tags.is_empty() && (as_wanted || adopts) {
        let action = if adopts { Action::Adopt } else { Action::Update };
        let new = tags.applied_to(&current.tags);
        let change = change(action, wanted).field("tags", Some(json!(current.tags)), Some(json!(new)));
        diff.step(change, FlowLogOp::Tag { id: current.id.clone(), tags });
    }
    let mut old: Vec<&Found> = sorted.superseded.clone();
    if as_wanted {
        if !old.is_empty() {
            let why = format!("{} takes the place of {}", current.id, ids(&old).join(", "));
            diff.step(change(Action::Delete, wanted).because(why), FlowLogOp::Delete { ids: ids(&old) });
        }
    } else if sorted.strangers.is_empty() {
        // With a stranger at the destination AWS may refuse the new one after the old one is gone.
        old.insert(0, current);
        let op = FlowLogOp::Replace {
            flow_log: wanted.clone(),
            token: token(monitor, wanted, read_at, Attempt::First),
            token_after_delete: token(monitor, wanted, read_at, Attempt::AfterDelete),
            replaced: ids(&old),
            same_destination: old.iter().any(|found| same_destination(found, wanted)),
        };
        let change = change(Action::Replace, wanted).between(&current.flow_log.document(), &wanted.document());
        diff.step(change, op);
    }
}

/// What must be done to have none, or to leave them behind.
pub fn absent(monitor: &Monitor, removal: Removal, observed: &Observed) -> Diff<FlowLogOp> {
    let mut diff = Diff::default();
    let ours: Vec<_> = ours(monitor, observed).collect();
    if removal == Removal::KeepAll {
        for found in ours {
            let tags = monitor.retained_tag_diff(&found.tags);
            if !tags.is_empty() {
                diff.step(change(Action::Retain, &found.flow_log), FlowLogOp::Tag { id: found.id.clone(), tags });
            }
        }
    } else if !ours.is_empty() {
        // In one call, so that both stop at once.
        let mut names: Vec<_> = ours.iter().map(|found| found.flow_log.sink()).collect();
        names.sort_unstable();
        names.dedup();
        let name = names.into_iter().map(Sink::as_str).collect::<Vec<_>>().join(", ");
        let change = Change::new(Action::Delete, ResourceKind::FlowLog, name);
        diff.step(change, FlowLogOp::Delete { ids: ids(&ours) });
    }
    diff
}

/// Ours.
pub fn ours<'a>(monitor: &Monitor, observed: &'a Observed) -> impl Iterator<Item = &'a Found> {
    observed.flow_logs.iter().filter(|found| monitor.claim(&found.tags) == Claim::Ours)
}

/// Ours, one for each kind of destination: the one that stays, or that is there until it is replaced.
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
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::flow_log::{self, Destination};
    use super::*;
    use crate::api::spec::AdoptionPolicy;
    use crate::monitor::{OWNER, RETAINED_BY, Tags, fixtures};

    fn wanted(monitor: &Monitor) -> Vec<FlowLog> {
        flow_log::wanted(monitor)
    }

    fn found(id: &str, flow_log: &FlowLog, tags: &Tags) -> Found {
        Found {
            id: id.into(),
            flow_log: flow_log.clone(),
            tags: tags.clone(),
            status: "ACTIVE".into(),
            delivery_status: None,
            delivery_error: None,
        }
    }

    fn observed(flow_logs: Vec<Found>) -> Observed {
        Observed { read_at: UNIX_EPOCH + Duration::from_secs(1), flow_logs }
    }

    /// What `DescribeFlowLogs` would tell after a step.
    fn after(mut observed: Observed, op: &FlowLogOp, monitor: &Monitor) -> Observed {
        let flow_logs = &mut observed.flow_logs;
        match op {
            FlowLogOp::Create { flow_log, token } => flow_logs.push(found(token, flow_log, &monitor.tags)),
            FlowLogOp::Replace { flow_log, token, replaced, .. } => {
                flow_logs.retain(|found| !replaced.contains(&found.id));
                flow_logs.push(found(token, flow_log, &monitor.tags));
            }
            FlowLogOp::Tag { id, tags } => {
                for found in flow_logs.iter_mut().filter(|found| found.id == *id) {
                    found.tags = tags.applied_to(&found.tags);
                }
            }
            FlowLogOp::Delete { ids } => flow_logs.retain(|found| !ids.contains(&found.id)),
        }
        observed
    }

    /// Applies all steps, shows that nothing remains to be done, and returns what was done and what is there.
    fn settle(monitor: &Monitor, start: Observed) -> (Vec<Change>, Observed) {
        let mut observed = start;
        let diff = present(monitor, &wanted(monitor), &observed);
        assert!(diff.conflicts.is_empty(), "{diff:#?}");
        for step in &diff.steps {
            observed = after(observed, &step.op, monitor);
        }
        let again = present(monitor, &wanted(monitor), &observed);
        assert!(again.steps.is_empty() && again.conflicts.is_empty(), "{again:#?}");
        (diff.steps.into_iter().map(|step| step.change).collect(), observed)
    }

    fn differing(flow_log: &FlowLog) -> FlowLog {
        FlowLog { aggregation_interval: 600, ..flow_log.clone() }
    }

    fn elsewhere(flow_log: &FlowLog) -> FlowLog {
        let mut elsewhere = flow_log.clone();
        if let Destination::Bucket { arn, .. } = &mut elsewhere.destination {
            "arn:aws:s3:::elsewhere".clone_into(arn);
        }
        elsewhere
    }

    #[test]
    fn from_nothing_both_are_made() {
        let (changes, _) = settle(&fixtures::monitor(), observed(Vec::new()));
        let told: Vec<_> = changes.iter().map(|change| (change.action, change.name.as_str())).collect();
        assert_eq!(told, [(Action::Create, "cloud-watch-logs"), (Action::Create, "s3")]);
    }

    #[test]
    fn every_setting_that_differs_is_told_old_to_new() {
        let monitor = fixtures::monitor();
        let [logs, s3] = <[FlowLog; 2]>::try_from(wanted(&monitor)).unwrap();
        let bucket = |arn: &str, format: &str, hive, hourly| Destination::Bucket {
            arn: arn.into(),
            file_format: format.into(),
            hive_compatible_partitions: hive,
            per_hour_partition: hourly,
        };
        let arn = s3.destination_arn();
        let cases = [
            ("trafficType", FlowLog { traffic_type: "REJECT".into(), ..s3.clone() }),
            ("fields", FlowLog { format: "${version}".into(), ..s3.clone() }),
            ("aggregationInterval", differing(&s3)),
            ("destination", FlowLog { destination: bucket("arn:aws:s3:::b", "parquet", true, true), ..s3.clone() }),
            ("fileFormat", FlowLog { destination: bucket(arn, "plain-text", true, true), ..s3.clone() }),
            ("hiveCompatiblePartitions", FlowLog { destination: bucket(arn, "parquet", false, true), ..s3.clone() }),
            ("perHourPartition", FlowLog { destination: bucket(arn, "parquet", true, false), ..s3.clone() }),
        ];
        for (field, other) in cases {
            let start = vec![found("fl-1", &logs, &monitor.tags), found("fl-2", &other, &monitor.tags)];
            let (changes, end) = settle(&monitor, observed(start));
            assert_eq!(changes.len(), 1, "{changes:#?}");
            assert_eq!(changes[0].action, Action::Replace);
            let fields: Vec<_> = changes[0].fields.iter().map(|field| field.path.as_str()).collect();
            assert_eq!(fields, [field]);
            assert!(changes[0].fields[0].old.is_some() && changes[0].fields[0].new.is_some());
            assert_eq!(end.flow_logs.len(), 2);
        }
    }

    #[test]
    fn an_interrupted_replacement_ends_with_the_right_one() {
        let monitor = fixtures::monitor();
        let [logs, s3] = <[FlowLog; 2]>::try_from(wanted(&monitor)).unwrap();
        let start = vec![
            found("fl-1", &differing(&s3), &monitor.tags),
            found("fl-2", &s3, &monitor.tags),
            found("fl-3", &logs, &monitor.tags),
            found("fl-4", &logs, &monitor.tags),
        ];
        let (changes, end) = settle(&monitor, observed(start));
        assert!(changes.iter().all(|change| change.action == Action::Delete), "{changes:#?}");
        let left: Vec<_> = end.flow_logs.iter().map(|found| found.id.as_str()).collect();
        assert_eq!(left, ["fl-2", "fl-3"]);
    }

    #[test]
    fn only_a_shared_destination_lets_the_old_one_go_first() {
        let monitor = fixtures::monitor();
        let s3 = wanted(&monitor).remove(1);
        for (old, shared) in [(differing(&s3), true), (elsewhere(&s3), false)] {
            let diff = present(&monitor, &[s3.clone()], &observed(vec![found("fl-1", &old, &monitor.tags)]));
            let FlowLogOp::Replace { same_destination, token, token_after_delete, .. } = &diff.steps[0].op else {
                panic!("{diff:#?}")
            };
            assert_eq!(*same_destination, shared);
            assert_ne!(token, token_after_delete);
        }
    }

    #[test]
    fn a_stranger_at_our_destination_is_a_conflict_and_costs_nothing_of_ours() {
        let monitor = fixtures::monitor();
        let s3 = wanted(&monitor).remove(1);
        let stranger = found("fl-9", &differing(&s3), &Tags::new());
        let diff = present(&monitor, &[s3.clone()], &observed(vec![stranger.clone()]));
        assert!(diff.steps.is_empty());
        assert!(diff.conflicts[0].to_string().contains("fl-9") && diff.conflicts[0].to_string().contains("IfUnowned"));
        let ours = FlowLog { traffic_type: "REJECT".into(), ..s3.clone() };
        let diff = present(&monitor, &[s3], &observed(vec![stranger, found("fl-1", &ours, &monitor.tags)]));
        assert!(diff.steps.is_empty(), "{diff:#?}");
        assert!(diff.conflicts[0].to_string().contains("twice"));
    }

    #[test]
    fn a_stranger_elsewhere_is_no_concern() {
        let monitor = fixtures::monitor();
        let elsewhere = elsewhere(&wanted(&monitor).remove(1));
        let (_, end) = settle(&monitor, observed(vec![found("fl-9", &elsewhere, &Tags::new())]));
        assert_eq!(end.flow_logs.len(), 3);
        let diff = absent(&monitor, Removal::Everything, &observed(vec![found("fl-9", &elsewhere, &Tags::new())]));
        assert!(diff.steps.is_empty());
    }

    #[test]
    fn an_unowned_one_is_adopted_then_brought_in_line() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        let logs = wanted(&monitor).remove(0);
        let start = observed(vec![found("fl-9", &differing(&logs), &Tags::new())]);
        let (changes, end) = settle(&monitor, start);
        let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
        assert_eq!(actions, [Action::Adopt, Action::Replace, Action::Create]);
        assert!(end.flow_logs.iter().all(|found| found.id != "fl-9"));
    }

    #[test]
    fn an_unowned_one_at_a_new_destination_takes_the_place_of_ours() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        let [logs, s3] = <[FlowLog; 2]>::try_from(wanted(&monitor)).unwrap();
        let start = vec![
            found("fl-1", &elsewhere(&s3), &monitor.tags),
            found("fl-2", &s3, &Tags::new()),
            found("fl-3", &logs, &monitor.tags),
        ];
        let (changes, end) = settle(&monitor, observed(start));
        let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
        assert_eq!(actions, [Action::Adopt, Action::Delete]);
        assert!(end.flow_logs.iter().all(|found| found.id != "fl-1"));
    }

    #[test]
    fn beside_ours_an_unowned_one_is_not_adopted() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        let logs = wanted(&monitor).remove(0);
        let start = vec![found("fl-1", &differing(&logs), &Tags::new()), found("fl-2", &logs, &monitor.tags)];
        let diff = present(&monitor, &[logs], &observed(start));
        assert!(diff.steps.is_empty() && diff.conflicts.len() == 1, "{diff:#?}");
    }

    #[test]
    fn they_go_in_one_step_or_stay_marked() {
        let monitor = fixtures::monitor();
        let all =
            || wanted(&monitor).iter().zip(["fl-1", "fl-2"]).map(|(log, id)| found(id, log, &monitor.tags)).collect();
        for removal in [Removal::Everything, Removal::KeepData] {
            let diff = absent(&monitor, removal, &observed(all()));
            assert_eq!(diff.steps.len(), 1);
            assert_eq!(diff.steps[0].op, FlowLogOp::Delete { ids: vec!["fl-1".into(), "fl-2".into()] });
        }
        let mut left = observed(all());
        for step in absent(&monitor, Removal::KeepAll, &left).steps {
            left = after(left, &step.op, &monitor);
        }
        assert!(absent(&monitor, Removal::KeepAll, &left).steps.is_empty());
        assert!(
            left.flow_logs.iter().all(|found| found.tags.contains_key(RETAINED_BY) && !found.tags.contains_key(OWNER))
        );
        let (changes, end) = settle(&monitor, left);
        assert!(changes.iter().all(|change| change.action == Action::Update), "taken back by tags alone: {changes:#?}");
        assert_eq!(end.flow_logs.len(), 2);
    }
}
