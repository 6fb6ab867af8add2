//! Tests of the summary of a fleet and of its text.

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{FleetSummary, Listing, render_fleet};
use crate::api::VpcFlowFleetSpec;
use crate::fleet::{DesiredMonitor, FleetIdentity, FoundVpc, PlaceRegion};

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-30T11:56:00Z"})
}

fn spec(traffic: &str) -> Value {
    json!({
        "places": [{"name": "payments", "regions": ["eu-west-1", "eu-central-1"]}, {"name": "shop"}],
        "selector": {"matchTags": {"env": "prod"}},
        "template": {"spec": {"trafficType": traffic}},
    })
}

fn fleet(status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "vpcflow.dev/v1alpha1",
        "kind": "VpcFlowFleet",
        "metadata": {"namespace": "network", "name": "prod", "uid": "u", "generation": 2},
        "spec": spec("REJECT"),
        "status": status,
    }))
    .unwrap()
}

fn vpc_id(number: u32) -> String {
    format!("vpc-0123456789abcde{number:02x}")
}

/// The monitor of a VPC in `place` with the template of this traffic, and this status.
fn monitor(place: &str, number: u32, traffic: &str, status: &Value) -> DynamicObject {
    let fleet = FleetIdentity { namespace: "network".to_owned(), name: "prod".to_owned(), uid: "u".to_owned() };
    let spec: VpcFlowFleetSpec = serde_json::from_value(spec(traffic)).unwrap();
    let tags = [("env".to_owned(), "prod".to_owned())].into();
    let vpc = FoundVpc { id: vpc_id(number), tags, is_default: false, owner: None };
    let at = PlaceRegion { place: place.to_owned(), region: None, assume_role: None };
    let desired = DesiredMonitor::new(&fleet, &spec, &vpc, &at, "eu-west-1");
    let mut object = desired.manifest(&fleet, "2026-11-30T00:00:00Z");
    object["metadata"]["generation"] = json!(1);
    object["status"] = status.clone();
    serde_json::from_value(object).unwrap()
}

fn status(ready: &Value) -> Value {
    json!({"observedGeneration": 1, "conditions": [ready]})
}

fn is_ready() -> Value {
    status(&condition("Ready", "True", "Reconciled", "AWS is as declared"))
}

const DENIED: &str = "LogGroupReady: CloudWatch Logs CreateLogGroup: AccessDeniedException: User is not authorized to perform \
    logs:CreateLogGroup (missing permissions: logs:CreateLogGroup) on the resource";

/// A fleet whose rollout has stopped: one monitor is denied, one orphaned with an alarm that fires, one place cannot be read, VPCs are skipped.
fn in_trouble() -> FleetSummary {
    let stopped = format!(
        "the rollout stopped in wave 2 of 3: prod-0123456789abcde02 (AccessDenied: {DENIED}); correct the template or the cause, or raise \
         rollout.maxUnready"
    );
    let limit = "6 VPCs are selected and maxMonitors is 3: narrow the selector, or raise maxMonitors";
    let taken = "VpcFlowMonitor network/prod-0123456789abcde0a exists and is not of this fleet: delete or rename it";
    let unread =
        "EC2 DescribeVpcs: UnauthorizedOperation: You are not authorized (missing permissions: ec2:DescribeVpcs)";
    let cannot_be_read =
        format!("place payments in eu-central-1 cannot be read: {unread}; its monitors stay as they are");
    let skipped = |number: u32, reason: &str, message: &str| json!({"vpcId": vpc_id(number), "reason": reason, "message": message});
    let fleet = fleet(&json!({
        "observedGeneration": 2,
        "conditions": [
            condition("Ready", "False", "AccessDenied", &cannot_be_read),
            condition("Stalled", "True", "AccessDenied", "m"),
        ],
        "monitors": {"wanted": 3, "present": 3, "ready": 2, "updated": 2, "orphaned": 1},
        "rollout": {"wave": "2/3", "message": stopped},
        "places": [
            {"name": "payments", "accountId": "444455556666", "region": "eu-west-1", "vpcs": 3},
            {"name": "payments", "accountId": "444455556666", "region": "eu-central-1", "vpcs": 1, "message": unread},
            {"name": "shop", "accountId": "777788889999", "region": "eu-west-1", "vpcs": 3},
        ],
        "skipped": [
            skipped(0xa, "NameTaken", taken), skipped(0xb, "Limit", limit), skipped(0xc, "Limit", limit),
        ],
    }));
    let mut denied = status(&condition("Ready", "False", "AccessDenied", DENIED));
    denied["conditions"].as_array_mut().unwrap().push(condition("Stalled", "True", "AccessDenied", "m"));
    let mut orphaned = is_ready();
    orphaned["alarms"] = json!([
        {"name": "vfm-network-prod-0123456789abcde05-aa0df1549f-rejected-connections", "state": "ALARM"},
        {"name": "vfm-network-prod-0123456789abcde05-aa0df1549f-detector-errors", "state": "OK"},
    ]);
    let mut orphan = monitor("shop", 5, "ALL", &orphaned);
    let annotations = orphan.metadata.annotations.as_mut().unwrap();
    annotations.insert("vpcflow.dev/orphaned-since".to_owned(), "2026-11-27T12:00:00Z".to_owned());
    let monitors = [
        monitor("payments", 1, "REJECT", &is_ready()),
        monitor("payments", 2, "REJECT", &denied),
        monitor("shop", 3, "ALL", &is_ready()),
        orphan,
    ];
    FleetSummary::new(&fleet, &monitors).unwrap()
}

#[test]
fn trouble_comes_before_the_tree() {
    let text = render_fleet(&in_trouble(), Listing::All, now());
    assert_eq!(
        text,
        "Fleet network/prod: 3 wanted, 2 ready, 2 updated, 1 orphaned
Not ready for 4m, AccessDenied: place payments in eu-central-1 cannot be read;
its monitors stay as they are
Note: no retry helps before the fleet, a monitor, a permission or AWS is changed
      (Stalled); after a change outside the cluster, set the annotation
      vpcflow.dev/reconcile-requested-at to try again at once
[######----] 2 of 3 monitors have the present template, wave 2 of 3
  the rollout stopped in wave 2 of 3: prod-0123456789abcde02; correct the
  template or the cause, or raise rollout.maxUnready

Places that cannot be read
  payments in account 444455556666, eu-central-1
    EC2 DescribeVpcs: UnauthorizedOperation: You are not authorized (missing
    permissions: ec2:DescribeVpcs)

Skipped VPCs
  NameTaken: vpc-0123456789abcde0a
    VpcFlowMonitor network/prod-0123456789abcde0a exists and is not of this
    fleet: delete or rename it
  Limit: vpc-0123456789abcde0b, vpc-0123456789abcde0c
    6 VPCs are selected and maxMonitors is 3: narrow the selector, or raise
    maxMonitors

Monitors
  payments in account 444455556666, eu-west-1
    ok  prod-0123456789abcde01: vpc-0123456789abcde01
    !!  prod-0123456789abcde02: vpc-0123456789abcde02
        AccessDenied: LogGroupReady: CloudWatch Logs CreateLogGroup:
        AccessDeniedException: User is not authorized to perform
        logs:CreateLogGroup (m…
  payments in account 444455556666, eu-central-1: cannot be read
  shop in account 777788889999, eu-west-1
    ok  prod-0123456789abcde03: vpc-0123456789abcde03, former template
    ok  prod-0123456789abcde05: vpc-0123456789abcde05, orphaned for 3d
        fires:
        vfm-network-prod-0123456789abcde05-aa0df1549f-rejected-connections
"
    );
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/status.md")).unwrap();
    assert!(document.contains(&format!("```text\n{text}```\n")), "docs/status.md has another example");
}

#[test]
fn every_monitor_has_a_place() {
    let fleet = fleet(&json!({
        "observedGeneration": 2,
        "monitors": {"wanted": 2, "present": 1, "ready": 1, "updated": 1},
        "places": [
            {"name": "payments", "accountId": "444455556666", "region": "eu-west-1", "vpcs": 1},
            {"name": "shop", "region": ""},
            {"name": "new", "region": "eu-west-1", "vpcs": 2},
        ],
    }));
    let mut of_gone = is_ready();
    of_gone["accountId"] = json!("777788889999");
    let mut deleting = monitor("gone", 2, "REJECT", &of_gone);
    deleting.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(now()));
    let summary = FleetSummary::new(&fleet, &[monitor("payments", 1, "REJECT", &is_ready()), deleting]).unwrap();
    let text = render_fleet(&summary, Listing::All, now());
    let (_, tree) = text.split_once("\nMonitors\n").unwrap();
    assert_eq!(
        tree,
        "  payments in account 444455556666, eu-west-1
    ok  prod-0123456789abcde01: vpc-0123456789abcde01
  shop: not read yet
  new in eu-west-1: no monitor yet
  gone in account 777788889999, eu-west-1
    ok  prod-0123456789abcde02: vpc-0123456789abcde02, is being deleted
"
    );
}

#[test]
fn all_is_well_in_a_few_lines() {
    let fleet = fleet(&json!({
        "observedGeneration": 2,
        "conditions": [condition("Ready", "True", "Reconciled", "1 monitor is Ready")],
        "monitors": {"wanted": 1, "present": 1, "ready": 1, "updated": 1},
        "rollout": {"wave": "3/3"},
        "places": [
            {"name": "payments", "accountId": "444455556666", "region": "eu-west-1", "vpcs": 1},
            {"name": "shop", "accountId": "123456789012", "region": "eu-west-1", "vpcs": 0},
        ],
    }));
    let summary = FleetSummary::new(&fleet, &[monitor("payments", 1, "REJECT", &is_ready())]).unwrap();
    assert_eq!(
        render_fleet(&summary, Listing::Brief, now()),
        "Fleet network/prod: 1 wanted, 1 ready, 1 updated, 0 orphaned
Ready for 4m, Reconciled: 1 monitor is Ready

Monitors
  payments in account 444455556666, eu-west-1
    ok  prod-0123456789abcde01: vpc-0123456789abcde01
  shop in account 123456789012, eu-west-1: no VPC is selected
"
    );
}

/// A fleet of `total` monitors, of which the first `unready` are not Ready.
fn large(total: u32, unready: u32) -> FleetSummary {
    let fleet = fleet(&json!({
        "observedGeneration": 2,
        "conditions": [condition("Ready", "False", "Progressing", "wave 2 of 3 is Ready and observed until 2026-11-30T12:05:00Z")],
        "monitors": {"wanted": total, "present": total, "ready": total - unready, "updated": 12, "orphaned": 0},
        "rollout": {"wave": "2/3", "message": "wave 2 of 3 is Ready and observed until 2026-11-30T12:05:00Z"},
        "places": [{"name": "payments", "accountId": "444455556666", "region": "eu-west-1", "vpcs": total}],
    }));
    let failing = status(&condition("Ready", "False", "Throttled", "m"));
    let monitors: Vec<_> = (0..total)
        .map(|number| {
            let status = if number < unready { failing.clone() } else { is_ready() };
            monitor("payments", number, if number < 12 { "REJECT" } else { "ALL" }, &status)
        })
        .collect();
    FleetSummary::new(&fleet, &monitors).unwrap()
}

#[test]
fn ready_monitors_of_a_large_fleet_are_summed_up() {
    assert_eq!(
        render_fleet(&large(40, 2), Listing::Brief, now()),
        "Fleet network/prod: 40 wanted, 38 ready, 12 updated, 0 orphaned
Not ready for 4m, Progressing: wave 2 of 3 is Ready and observed until
2026-11-30T12:05:00Z
[###-------] 12 of 40 monitors have the present template, wave 2 of 3

Monitors
  payments in account 444455556666, eu-west-1
    !!  prod-0123456789abcde00: vpc-0123456789abcde00
        Throttled: m
    !!  prod-0123456789abcde01: vpc-0123456789abcde01
        Throttled: m
    ok  38 monitors are Ready, 28 with a former template
"
    );
    let all = render_fleet(&large(40, 2), Listing::All, now());
    assert_eq!(all.matches("    ok  prod-").count(), 38, "{all}");
    let many = render_fleet(&large(40, 30), Listing::Brief, now());
    assert_eq!(many.matches("    !!  prod-").count(), 20, "{many}");
    assert!(many.ends_with(
        "    ..  10 more of this kind: status vff/prod lists all\n    ok  10 monitors are Ready, 10 with a former template\n"
    ), "{many}");
    let small = render_fleet(&large(20, 2), Listing::Brief, now());
    assert_eq!(small.matches("    ok  prod-").count(), 18, "{small}");
}

#[test]
fn a_rollout_is_under_way_only_while_monitors_have_a_former_template() {
    let of = |wave: &str, message: &str, present: u32, updated: u32, unread: bool| {
        let place = json!({"name": "payments", "region": "eu-west-1", "message": unread.then_some("m")});
        let status = json!({
            "monitors": {"wanted": 4, "present": present, "updated": updated},
            "rollout": {"wave": wave, "message": message},
            "places": [place],
        });
        FleetSummary::new(&fleet(&status), &[]).unwrap().rollout.is_some()
    };
    assert!(of("2/3", "", 4, 1, false));
    assert!(of("3/3", "the rollout stopped", 4, 3, false));
    assert!(of("3/3", "", 4, 3, false), "the last wave");
    assert!(!of("3/3", "", 4, 4, false));
    assert!(!of("3/3", "", 2, 2, false), "monitors are created");
    assert!(!of("3/3", "", 4, 3, true), "one is of a place that cannot be read");
    assert!(!of("later/form", "m", 4, 1, false));
}

#[test]
fn what_a_rollout_waits_for_is_printed_beside_another_reason() {
    let mut summary = large(3, 0);
    let ready = summary.ready.as_mut().unwrap();
    (ready.reason, ready.message) = ("AccessDenied".to_owned(), "place a cannot be read".to_owned());
    let text = render_fleet(&summary, Listing::All, now());
    let expected = "AccessDenied: place a cannot be read
[##########] 12 of 3 monitors have the present template, wave 2 of 3
  wave 2 of 3 is Ready and observed until 2026-11-30T12:05:00Z
";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn without_a_status_the_operator_is_asked_for() {
    let summary =
        FleetSummary::new(&fleet(&json!({"observedGeneration": -1})), &[monitor("payments", 1, "REJECT", &json!({}))])
            .unwrap();
    assert_eq!(
        render_fleet(&summary, Listing::All, now()),
        "Fleet network/prod
Not ready
Note: the operator has reported nothing: is it running with --fleets, and does
      it watch this namespace?

Monitors
  payments in eu-west-1
    !!  prod-0123456789abcde01: vpc-0123456789abcde01
        the operator has not taken up its spec yet
"
    );
}

#[test]
fn a_status_of_another_version_breaks_nothing() {
    let unreadable = json!({"observedGeneration": 1, "alarms": "many"});
    let skipped = json!([{"vpcId": "vpc-1", "reason": "OfALaterVersion", "message": "m", "later": 1}]);
    let counts = json!({"wanted": 1, "updated": 1, "later": []});
    let other = json!({"observedGeneration": 1, "monitors": counts, "skipped": skipped, "later": 1});
    // No monitor has a hash as this version computes it.
    let monitors = [monitor("payments", 1, "ALL", &unreadable)];
    let summary = FleetSummary::new(&fleet(&other), &monitors).unwrap();
    let member = &summary.places[0].monitors[0];
    assert_eq!(member.has_present_template, None);
    let why = member.member.why_not_ready.as_ref().unwrap();
    assert!(why.starts_with("the status of network/prod-0123456789abcde01 cannot be read: "), "{why}");
    let error = FleetSummary::new(&fleet(&json!({"places": "many"})), &[]).unwrap_err().to_string();
    assert!(error.starts_with("the status of network/prod cannot be read: use the version"), "{error}");
}

#[test]
fn names_and_messages_do_not_act_on_the_terminal() {
    let escape = "a\u{1b}[2J\n!!\u{9b}b";
    let mut summary = large(1, 0);
    summary.fleet = format!("network/{escape}");
    summary.places[0].place = escape.to_owned();
    summary.places[0].monitors[0].member.firing = vec![escape.to_owned()];
    let ready = summary.ready.as_mut().unwrap();
    (ready.reason, ready.message) = (escape.to_owned(), escape.to_owned());
    let text = render_fleet(&summary, Listing::All, now());
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
    assert!(text.lines().all(|line| !line.starts_with("!!")), "{text}");
}

#[test]
fn monitors_of_others_are_left_out() {
    let mut other = monitor("payments", 1, "REJECT", &is_ready());
    other.metadata.owner_references.as_mut().unwrap()[0].uid = "v".to_owned();
    assert!(!super::is_of_fleet(&other, &fleet(&json!({}))));
    assert!(FleetSummary::new(&fleet(&json!({})), &[other]).unwrap().places.is_empty());
    assert!(super::is_of_fleet(&monitor("payments", 1, "REJECT", &is_ready()), &fleet(&json!({}))));
}

/// Programs read it, so no name may change.
#[test]
fn the_form_for_programs() {
    let document = serde_json::to_value(in_trouble()).unwrap();
    let names = |value: &Value| {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(names(&document), "counts fleet notes places ready rollout skipped");
    assert_eq!(document["fleet"], "network/prod");
    assert_eq!(document["counts"], json!({"wanted": 3, "present": 3, "ready": 2, "updated": 2, "orphaned": 1}));
    assert_eq!((&document["rollout"]["wave"], &document["rollout"]["waves"]), (&json!(2), &json!(3)));
    assert_eq!(names(&document["places"][0]), "accountId message monitors place region vpcs");
    assert_eq!(names(&document["skipped"][0]), "message reason vpcId");
    let denied = &document["places"][0]["monitors"][1];
    assert_eq!(denied["ready"]["reason"], "AccessDenied");
    assert_eq!(
        *denied,
        json!({
            "monitor": "network/prod-0123456789abcde02",
            "vpcId": "vpc-0123456789abcde02",
            "isReady": false,
            "whyNotReady": format!("AccessDenied: {DENIED}"),
            "isDeleting": false,
            "ready": denied["ready"],
            "firing": [],
            "orphanedSince": null,
            "hasPresentTemplate": true,
        })
    );
    let orphan = &document["places"][2]["monitors"][1];
    assert_eq!(orphan["orphanedSince"], "2026-11-27T12:00:00Z");
    assert_eq!(orphan["firing"][0], "vfm-network-prod-0123456789abcde05-aa0df1549f-rejected-connections");
}
