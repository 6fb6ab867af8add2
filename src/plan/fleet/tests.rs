use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::api::fleet::VpcFlowFleetSpec;
use crate::engine::{Direction, Failure};
use crate::fleet::fixtures::{fleet_spec, identity, place, prod, reading, ready};
use crate::fleet::{OtherMonitor, PresentMonitor, decide};
use crate::monitor::fixtures;
use crate::plan::cost::{Prices, estimate};
use crate::plan::{Palette, of_outcomes};

const LONG_AGO: &str = "2026-11-01T00:00:00Z";

fn planned(spec: &VpcFlowFleetSpec, readings: &[Reading], present: &[PresentMonitor]) -> FleetPlan {
    planned_beside(spec, readings, present, &[])
}

fn planned_beside(
    spec: &VpcFlowFleetSpec,
    readings: &[Reading],
    present: &[PresentMonitor],
    others: &[OtherMonitor],
) -> FleetPlan {
    let now = "2026-11-30T12:00:00Z".parse().unwrap();
    let (fleet, refused) = (identity(), BTreeMap::new());
    let input = Input { fleet: &fleet, spec, readings, present, others, refused: &refused, now };
    FleetPlan::new(input, &decide(input))
}

fn text(plan: &FleetPlan) -> String {
    render(plan, &Palette::plain())
}

fn monitor(number: u32) -> String {
    format!("prod-{number:017x}")
}

/// Monitors with a former template and the fleet with another one.
fn rollout(former: &[u32]) -> (VpcFlowFleetSpec, Vec<PresentMonitor>) {
    let before = fleet_spec("{}");
    let present = former.iter().map(|number| ready(&before, &prod(*number), LONG_AGO)).collect();
    (fleet_spec("template: {spec: {trafficType: REJECT}}"), present)
}

#[test]
fn a_new_fleet_creates_all_its_monitors_at_once() {
    let plan = planned(&fleet_spec("{}"), &[reading("payments", vec![prod(1), prod(2)])], &[]);
    let expected = format!(
        "fleet network/prod: 2 monitors (2 to create)\n\n\
         Places\n  payments in eu-west-1, account 123456789012: 2 VPCs\n\n\
         Monitors\n  at once: 2 to create: {}, {}\n",
        monitor(1),
        monitor(2)
    );
    assert_eq!(text(&plan), expected);
    assert!(!plan.has_problems());
}

#[test]
fn a_change_of_the_template_names_the_wave_of_each_monitor() {
    let (spec, present) = rollout(&[1, 2, 3]);
    let plan = planned(&spec, &[reading("payments", [1, 2, 3, 4].map(prod).to_vec())], &present);
    let expected = format!(
        "Monitors\n  wave 1 of 3, under way: 1 to update: {}\n  wave 2 of 3: 1 to create: {}\n  wave 3 of 3: 2 to update: {}, {}\n",
        monitor(1),
        monitor(4),
        monitor(2),
        monitor(3)
    );
    let text = text(&plan);
    assert!(text.starts_with("fleet network/prod: 4 monitors (1 to create, 3 to update)\n"), "{text}");
    assert!(text.ends_with(&expected), "{text}");
}

#[test]
fn a_rollout_that_waits_says_why() {
    let (spec, mut present) = rollout(&[2, 3]);
    present.push(ready(&spec, &prod(1), "2026-11-30T11:55:00Z"));
    let plan = planned(&spec, &[reading("payments", [1, 2, 3].map(prod).to_vec())], &present);
    let text = text(&plan);
    assert!(text.contains(&format!("wave 1 of 3, under way: 1 unchanged: {}\n", monitor(1))), "{text}");
    assert!(text.ends_with("\nNote: wave 1 of 3 is Ready and observed until 2026-11-30T12:05:00Z\n"), "{text}");
}

#[test]
fn a_place_that_cannot_be_read_is_a_problem_and_hides_no_other() {
    let spec = fleet_spec("places: [{name: payments}, {name: other}]");
    let unread =
        Reading { at: place("payments"), account_region: None, vpcs: Err(Failure::new(Reason::AccessDenied, "no")) };
    let plan = planned(&spec, &[unread, reading("other", vec![prod(1)])], &[]);
    assert!(plan.has_problems());
    let text = text(&plan);
    let problem = "  ! AccessDenied: place payments in eu-west-1 cannot be read: no; its monitors stay as they are\n";
    assert!(text.contains(&format!("\nProblems\n{problem}")), "{text}");
    assert!(
        text.contains("\nPlaces\n  payments in eu-west-1: cannot be read\n  other in eu-west-1, account"),
        "{text}"
    );
    assert!(text.contains("\n  at once: 1 to create: "), "{text}");
}

#[test]
fn a_vpc_without_a_monitor_has_its_reason_and_is_a_problem_unless_it_is_watched() {
    let spec = fleet_spec("maxMonitors: 1");
    let others = [OtherMonitor { namespace: "network".into(), name: "by-hand".into(), vpc_id: prod(1).id }];
    let readings = [reading("payments", vec![prod(1), prod(2)])];
    let watched = planned_beside(&spec, &readings, &[], &others);
    assert!(!watched.has_problems());
    let text = text(&watched);
    assert!(text.starts_with("fleet network/prod: 1 monitor (1 to create); 1 VPC without a monitor\n"), "{text}");
    let line = "\nWithout a monitor\n  vpc-00000000000000001: AlreadyMonitored: VpcFlowMonitor network/by-hand watches";
    assert!(text.contains(line), "{text}");
    let beyond = planned(&spec, &readings, &[]);
    assert!(beyond.has_problems());
    assert!(super::render(&beyond, &Palette::plain()).contains("\n  ! vpc-00000000000000002: Limit: 2 VPCs are"));
}

#[test]
fn orphans_have_their_fate() {
    let orphan = |number: u32, since: Option<&str>| PresentMonitor {
        orphaned_since: since.map(|since| since.parse::<Timestamp>().unwrap()),
        ..ready(&fleet_spec("{}"), &prod(number), LONG_AGO)
    };
    let present = [orphan(1, Some(LONG_AGO)), orphan(2, Some(LONG_AGO)), orphan(3, None)];
    let readings = [reading("payments", vec![])];
    let fates = |plan: &FleetPlan| plan.orphans.iter().map(|it| it.fate).collect::<Vec<_>>();
    let keep = planned(&fleet_spec("{}"), &readings, &present);
    assert_eq!(fates(&keep), [OrphanFate::Keep; 3]);
    assert!(text(&keep).starts_with("fleet network/prod: no monitors planned; 3 orphaned\n"), "{}", text(&keep));
    assert!(text(&keep).contains(" (vpc-00000000000000001): stays, because prune.policy is Keep\n"));
    let mut delete = planned(&fleet_spec("prune: {policy: Delete, afterSeconds: 3600}"), &readings, &present);
    assert_eq!(fates(&delete), [OrphanFate::Delete, OrphanFate::DeleteLater, OrphanFate::DeleteLater]);
    let shown = text(&delete);
    assert!(shown.contains("(vpc-00000000000000001): is deleted\n"), "{shown}");
    assert!(shown.contains("(vpc-00000000000000003): is deleted from 2026-11-30T13:00:00Z on, at most"), "{shown}");
    delete.cannot_use_template(["no".to_owned()]);
    assert_eq!(fates(&delete), [OrphanFate::DeleteLater; 3], "the operator changes nothing");
}

#[test]
fn a_suspended_fleet_shows_what_it_would_do() {
    let plan = planned(&fleet_spec("suspend: true"), &[reading("payments", vec![prod(1)])], &[]);
    let text = text(&plan);
    assert!(text.contains("\nSuspended: the operator creates, changes and deletes no monitor"), "{text}");
    assert!(text.contains("\n  after the suspension: 1 to create: "), "{text}");
}

#[test]
fn the_cost_is_that_of_all_monitors_of_the_fleet() {
    let monitor = fixtures::monitor();
    let of = |fleet: Option<&str>| Plan {
        fleet: fleet.map(str::to_owned),
        cost: Some(estimate(&monitor, 10.0, &Prices::built_in().unwrap())),
        ..of_outcomes(&monitor, Direction::Build, Vec::new())
    };
    let each = of(None).cost.unwrap().per_month;
    let mut plan = FleetPlan::of_deletion(&identity(), []);
    plan.add_up_cost(&[of(Some("network/prod")), of(None), of(Some("network/prod")), of(Some("network/other"))]);
    let cost = plan.cost.as_ref().unwrap();
    assert!((cost.per_month - 2.0 * each).abs() < 0.001 && cost.monitors == 2, "{cost:?}");
    let line =
        format!("Cost a month at 10 GB of records a day of each monitor, USD: {:.2} for 2 monitors\n", 2.0 * each);
    assert!(text(&plan).ends_with(&line), "{}", text(&plan));
}

/// Programs read it, so no name may change.
#[test]
fn the_form_for_programs() {
    let (spec, mut present) = rollout(&[1]);
    let spec = VpcFlowFleetSpec { prune: fleet_spec("prune: {policy: Delete}").prune, ..spec };
    present.push(ready(&spec, &prod(9), LONG_AGO));
    let plan = planned(&spec, &[reading("payments", vec![prod(1)])], &present);
    assert_eq!(
        serde_json::to_value(&plan).unwrap(),
        json!({
            "fleet": "network/prod",
            "destroy": false,
            "suspended": false,
            "places": [{"name": "payments", "accountId": "123456789012", "region": "eu-west-1", "vpcs": 1}],
            "rollout": {"wave": 1, "waves": 3},
            "monitors": [{"monitor": format!("network/{}", monitor(1)), "vpcId": prod(1).id, "change": "Update", "wave": 1}],
            "orphans": [{
                "monitor": format!("network/{}", monitor(9)), "vpcId": prod(9).id, "fate": "DeleteLater",
                "deletedFrom": "2026-12-01T12:00:00Z",
            }],
            "skipped": [],
            "problems": [],
            "notes": [],
        })
    );
}
