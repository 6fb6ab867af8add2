use std::collections::BTreeMap;

use jiff::Timestamp;

use super::decision::{Action, Decision, Input, decide};
use super::fixtures::{fleet_spec, identity, place, prod, reading, ready, vpc};
use super::present::{OtherMonitor, PresentMonitor};
use super::vpc::{FoundVpc, Reading};
use crate::api::conditions::Reason;
use crate::api::fleet::VpcFlowFleetSpec;
use crate::api::fleet::status::SkipReason;
use crate::engine::Failure;

const LONG_AGO: &str = "2026-11-01T00:00:00Z";

fn decided(spec: &VpcFlowFleetSpec, readings: &[Reading], present: &[PresentMonitor]) -> Decision {
    decided_beside(spec, readings, present, &[])
}

fn decided_beside(
    spec: &VpcFlowFleetSpec,
    readings: &[Reading],
    present: &[PresentMonitor],
    others: &[OtherMonitor],
) -> Decision {
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    decide(Input { fleet: &identity(), spec, readings, present, others, refused: &BTreeMap::new(), now })
}

fn shown(decision: &Decision) -> Vec<String> {
    let show = |action: &Action| match action {
        Action::Create(desired) => format!("create {}", last(&desired.name)),
        Action::Update(desired) => format!("update {}", last(&desired.name)),
        Action::Restore(desired, _) => format!("restore {}", last(&desired.name)),
        Action::MarkOrphaned(name) => format!("mark {}", last(name)),
        Action::UnmarkOrphaned(name) => format!("unmark {}", last(name)),
        Action::Delete { name, .. } => format!("delete {}", last(name)),
    };
    decision.actions.iter().map(show).collect()
}

fn last(name: &str) -> &str {
    name.trim_start_matches("prod-").trim_start_matches('0')
}

fn unread(name: &str) -> Reading {
    Reading { at: place(name), account_region: None, vpcs: Err(Failure::new(Reason::AwsError, "m")) }
}

fn skips(decision: &Decision) -> Vec<SkipReason> {
    decision.skipped.iter().map(|it| it.reason).collect()
}

#[test]
fn every_selected_vpc_gets_a_monitor_at_once() {
    let spec = fleet_spec("{}");
    let readings = [reading("payments", vec![prod(2), prod(1), vpc(3, &[])])];
    let decision = decided(&spec, &readings, &[]);
    assert_eq!(shown(&decision), ["create 1", "create 2"]);
    assert_eq!((decision.counts.wanted, decision.counts.present), (2, 0));
}

#[test]
fn a_vpc_of_two_places_has_one_monitor() {
    let spec = fleet_spec("places: [{name: payments}, {name: again}]");
    let readings = [reading("payments", vec![prod(1)]), reading("again", vec![prod(1)])];
    assert_eq!(shown(&decided(&spec, &readings, &[])), ["create 1"]);
}

#[test]
fn a_place_that_cannot_be_read_has_no_say() {
    let spec = fleet_spec("{places: [{name: payments}, {name: other}], prune: {policy: Delete, afterSeconds: 3600}}");
    let monitors = [ready(&spec, &prod(1), LONG_AGO)];
    let decision = decided(&spec, &[unread("payments"), reading("other", vec![])], &monitors);
    assert_eq!(shown(&decision), Vec::<String>::new());
    assert_eq!((decision.counts.wanted, decision.counts.orphaned), (1, 0));
    // It may be the same place under another name.
    let renamed = fleet_spec("{places: [{name: renamed}], prune: {policy: Delete, afterSeconds: 3600}}");
    assert_eq!(shown(&decided(&renamed, &[unread("renamed")], &monitors)), Vec::<String>::new());
    // The same place without the VPC is another matter.
    let decision = decided(&spec, &[reading("payments", vec![]), reading("other", vec![])], &monitors);
    assert_eq!(shown(&decision), ["mark 1"]);
}

#[test]
fn a_monitor_of_a_place_that_the_spec_no_longer_has_is_orphaned() {
    let spec = fleet_spec("{}");
    let monitors = [ready(&spec, &prod(1), LONG_AGO)];
    assert_eq!(shown(&decided(&spec, &[reading("other", vec![])], &monitors)), ["mark 1"]);
}

#[test]
fn orphans_are_deleted_by_policy_only_after_their_time_and_one_by_one() {
    let orphan = |number: u32, since: &str| PresentMonitor {
        orphaned_since: Some(since.parse().unwrap()),
        ..ready(&fleet_spec("{}"), &prod(number), LONG_AGO)
    };
    let monitors = [orphan(1, LONG_AGO), orphan(2, LONG_AGO), orphan(3, "2026-11-30T11:30:00Z")];
    let readings = [reading("payments", vec![])];
    let keep = decided(&fleet_spec("{}"), &readings, &monitors);
    assert_eq!((shown(&keep), keep.next), (vec![], None));
    let spec = fleet_spec("prune: {policy: Delete, afterSeconds: 3600}");
    let delete = decided(&spec, &readings, &monitors);
    assert_eq!(shown(&delete), ["delete 1"]);
    assert_eq!(delete.next, Some("2026-11-30T12:30:00Z".parse::<Timestamp>().unwrap()));
    let mut under_way = monitors.clone();
    under_way[0].is_deleting = true;
    assert_eq!(shown(&decided(&spec, &readings, &under_way)), Vec::<String>::new());
}

#[test]
fn a_vpc_that_is_selected_again_is_no_orphan() {
    let spec = fleet_spec("{}");
    let monitor = PresentMonitor { orphaned_since: Some(Timestamp::UNIX_EPOCH), ..ready(&spec, &prod(1), LONG_AGO) };
    assert_eq!(shown(&decided(&spec, &[reading("payments", vec![prod(1)])], &[monitor])), ["unmark 1"]);
}

#[test]
fn the_vpcs_beyond_the_limit_get_no_monitor_and_none_is_deleted() {
    let spec = fleet_spec("maxMonitors: 2");
    let readings = [reading("payments", vec![prod(1), prod(2), prod(3), prod(4)])];
    let decision = decided(&spec, &readings, &[ready(&spec, &prod(4), LONG_AGO)]);
    assert_eq!(shown(&decision), ["create 1"]);
    assert_eq!(skips(&decision), [SkipReason::Limit, SkipReason::Limit]);
    let three = [2, 3, 4].map(|number| ready(&spec, &prod(number), LONG_AGO));
    assert_eq!(shown(&decided(&spec, &readings, &three)), Vec::<String>::new());
}

#[test]
fn a_vpc_or_name_that_another_monitor_has_is_left_alone() {
    let spec = fleet_spec("{}");
    let other = |name: &str, vpc_id: &str| OtherMonitor {
        namespace: "network".into(),
        name: name.into(),
        vpc_id: vpc_id.into(),
    };
    let others = [other("by-hand", &prod(1).id), other("prod-00000000000000002", "vpc-12345678")];
    let decision = decided_beside(&spec, &[reading("payments", vec![prod(1), prod(2)])], &[], &others);
    assert_eq!(shown(&decision), Vec::<String>::new());
    assert_eq!(skips(&decision), [SkipReason::AlreadyMonitored, SkipReason::NameTaken]);
}

#[test]
fn a_vpc_that_another_account_shares_or_that_no_place_has_is_named() {
    let spec = fleet_spec("selector: {vpcIds: [vpc-00000000000000001, vpc-00000000000000002]}");
    let shared = FoundVpc { owner: Some("999999999999".into()), ..prod(1) };
    let decision = decided(&spec, &[reading("payments", vec![shared])], &[]);
    assert_eq!(skips(&decision), [SkipReason::NotOwned, SkipReason::NotFound]);
    // A place that cannot be read may have the VPC.
    assert_eq!(skips(&decided(&spec, &[unread("payments")], &[])), Vec::<SkipReason>::new());
}

#[test]
fn a_change_of_the_template_reaches_the_first_wave() {
    let (before, after) = (fleet_spec("{}"), fleet_spec("template: {spec: {trafficType: REJECT}}"));
    let monitors = [1, 2, 3].map(|number| ready(&before, &prod(number), LONG_AGO));
    let readings = [reading("payments", [1, 2, 3, 4].map(prod).to_vec())];
    let decision = decided(&after, &readings, &monitors);
    assert_eq!(shown(&decision), ["update 1"]);
    // Nor has a new VPC that comes before all others a part in it.
    let earlier = [reading("payments", [0, 1, 2, 3].map(prod).to_vec())];
    assert_eq!(shown(&decided(&after, &earlier, &monitors)), ["update 1"]);
    assert_eq!((decision.wave, decision.counts.updated), ((1, 3), 0));
}

#[test]
fn what_somebody_changes_is_put_back_in_any_wave() {
    let spec = fleet_spec("template: {spec: {trafficType: REJECT}}");
    let before = fleet_spec("{}");
    let mut edited = ready(&spec, &prod(1), LONG_AGO);
    // The hash says that the monitor has the template; the spec does not.
    edited = PresentMonitor { hash: edited.hash, ..ready(&before, &prod(1), LONG_AGO) };
    assert_eq!(shown(&decided(&spec, &[reading("payments", vec![prod(1)])], &[edited])), ["restore 1"]);
}

#[test]
fn a_suspended_fleet_changes_nothing() {
    let spec = fleet_spec("suspend: true");
    let decision = decided(&spec, &[reading("payments", vec![prod(1)])], &[ready(&spec, &prod(2), LONG_AGO)]);
    assert_eq!(shown(&decision), Vec::<String>::new());
    assert_eq!((decision.counts.wanted, decision.counts.orphaned), (1, 1));
}

#[test]
fn a_refused_monitor_is_not_tried_in_a_loop() {
    let spec = fleet_spec("{}");
    let readings = [reading("payments", vec![prod(1), prod(2)])];
    let Action::Create(desired) = &decided(&spec, &readings, &[]).actions[0] else { panic!() };
    let refused = BTreeMap::from([(desired.name.clone(), (desired.hash.clone(), "quota".to_owned()))]);
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    let decision = decide(Input {
        fleet: &identity(),
        spec: &spec,
        readings: &readings,
        present: &[],
        others: &[],
        refused: &refused,
        now,
    });
    assert_eq!((shown(&decision), skips(&decision)), (vec!["create 2".to_owned()], vec![SkipReason::Refused]));
}
