use std::time::{Duration, UNIX_EPOCH};

use super::super::flow_log::{self, Destination};
use super::*;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy};
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
        created_at: None,
    }
}

fn observed(flow_logs: Vec<Found>) -> Observed {
    Observed { read_at: UNIX_EPOCH + Duration::from_secs(1), flow_logs }
}

/// The flow logs that `DescribeFlowLogs` would return after a step.
fn after(mut observed: Observed, op: &FlowLogOp, monitor: &Monitor) -> Observed {
    let flow_logs = &mut observed.flow_logs;
    match op {
        FlowLogOp::Create { flow_log, token } => flow_logs.push(found(token, flow_log, &monitor.tags)),
        FlowLogOp::Replace { flow_log, token, replaced, .. } => {
            flow_logs.retain(|found| !replaced.iter().any(|replaced| replaced.id == found.id));
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

/// Applies all steps, asserts that no step remains, and returns the changes and the resulting flow logs.
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
    let reported: Vec<_> = changes.iter().map(|change| (change.action, change.name.as_str())).collect();
    assert_eq!(reported, [(Action::Create, "cloud-watch-logs"), (Action::Create, "s3")]);
}

#[test]
fn every_setting_that_differs_is_reported_old_to_new() {
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
        let diff = present(&monitor, std::slice::from_ref(&s3), &observed(vec![found("fl-1", &old, &monitor.tags)]));
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
    let foreign = found("fl-9", &differing(&s3), &Tags::new());
    let diff = present(&monitor, std::slice::from_ref(&s3), &observed(vec![foreign.clone()]));
    assert!(diff.steps.is_empty());
    assert!(diff.conflicts[0].to_string().contains("fl-9") && diff.conflicts[0].to_string().contains("IfUnowned"));
    let ours = FlowLog { traffic_type: "REJECT".into(), ..s3.clone() };
    let diff = present(&monitor, &[s3], &observed(vec![foreign, found("fl-1", &ours, &monitor.tags)]));
    assert!(diff.steps.is_empty(), "{diff:#?}");
    assert!(diff.conflicts[0].to_string().contains("twice"));
}

#[test]
fn a_stranger_elsewhere_is_no_concern() {
    let monitor = fixtures::monitor();
    let elsewhere = elsewhere(&wanted(&monitor).remove(1));
    let (_, end) = settle(&monitor, observed(vec![found("fl-9", &elsewhere, &Tags::new())]));
    assert_eq!(end.flow_logs.len(), 3);
    let diff = absent(&monitor, Removal::OwnerDeleted, &observed(vec![found("fl-9", &elsewhere, &Tags::new())]));
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
    let mut monitor = fixtures::monitor();
    let of = monitor.clone();
    let all = || wanted(&of).iter().zip(["fl-1", "fl-2"]).map(|(log, id)| found(id, log, &of.tags)).collect();
    let removed = Removal::OwnerDeleted;
    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        monitor.spec.deletion_policy = Some(policy);
        let diff = absent(&monitor, removed, &observed(all()));
        assert_eq!(diff.steps.len(), 1);
        assert_eq!(diff.steps[0].op, FlowLogOp::Delete { ids: vec!["fl-1".into(), "fl-2".into()] });
    }
    monitor.spec.deletion_policy = Some(DeletionPolicy::Retain);
    let mut left = observed(all());
    for step in absent(&monitor, removed, &left).steps {
        left = after(left, &step.op, &monitor);
    }
    assert!(absent(&monitor, removed, &left).steps.is_empty());
    assert!(left.flow_logs.iter().all(|found| found.tags.contains_key(RETAINED_BY) && !found.tags.contains_key(OWNER)));
    let (changes, end) = settle(&monitor, left);
    assert!(changes.iter().all(|change| change.action == Action::Update), "taken back by tags alone: {changes:#?}");
    assert_eq!(end.flow_logs.len(), 2);
}
