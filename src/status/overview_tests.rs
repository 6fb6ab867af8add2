//! Tests of the summary of an overview and of its text.

use jiff::Timestamp;
use kube::api::DynamicObject;
use serde_json::{Value, json};

use super::{Listing, OverviewSummary, is_of_overview, render_overview};

fn now() -> Timestamp {
    "2026-11-30T12:00:00Z".parse().unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": "2026-11-30T11:56:00Z"})
}

fn overview(status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "vpcflow.dev/v1alpha1",
        "kind": "VpcFlowOverview",
        "metadata": {"namespace": "network", "name": "prod", "uid": "u", "generation": 2},
        "spec": {"monitorSelector": {"matchLabels": {"env": "prod"}}},
        "status": status,
    }))
    .unwrap()
}

fn monitor(number: usize, status: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "vpcflow.dev/v1alpha1",
        "kind": "VpcFlowMonitor",
        "metadata": {"namespace": "network", "name": format!("m{number}"), "generation": 1, "labels": {"env": "prod"}},
        "spec": {"vpcId": format!("vpc-0123456789abcde{number:02x}")},
        "status": status,
    }))
    .unwrap()
}

fn ready(account: &str, region: &str, alarm: &str) -> Value {
    json!({
        "observedGeneration": 1, "accountId": account, "region": region,
        "conditions": [condition("Ready", "True", "Reconciled", "AWS is as declared")],
        "alarms": [{"name": "rejected-connections", "state": alarm}],
    })
}

const DENIED: &str = "EventBridge PutRule: AccessDeniedException: not authorized (missing permissions: events:PutRule)";

/// An overview of which a place is denied, with a monitor that fires and one whose account is not known yet.
fn in_trouble(firing: usize) -> OverviewSummary {
    let denied = format!("444455556666 us-east-1: {DENIED}");
    let overview = overview(&json!({
        "observedGeneration": 2,
        "conditions": [
            condition("Ready", "False", "AccessDenied", &format!("ForwardingReady: {denied}")),
            condition("Stalled", "True", "AccessDenied", "m"),
            condition("NotificationsReady", "True", "Reconciled", "as declared"),
            condition("ForwardingReady", "False", "AccessDenied", &denied),
        ],
        "accountId": "123456789012",
        "region": "eu-west-1",
        "monitors": {"selected": 3, "ready": 2, "firing": 1},
        "places": [
            {"accountId": "123456789012", "region": "eu-west-1", "monitors": 1, "rules": 1},
            {"accountId": "444455556666", "region": "us-east-1", "monitors": 1, "rules": 1, "message": DENIED},
            {"accountId": "444455556666", "region": "us-west-2", "rules": 1, "message": "a message of its own"},
        ],
        "topicArn": "arn:aws:sns:eu-west-1:123456789012:vfm-o-network-prod-alerts",
        "dashboard": "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/vfm-o-network-prod",
    }));
    let mut monitors = vec![monitor(0, &json!({})), monitor(1, &ready("444455556666", "us-east-1", "OK"))];
    monitors.extend((2..2 + firing).map(|number| monitor(number, &ready("123456789012", "eu-west-1", "ALARM"))));
    OverviewSummary::new(&overview, &monitors).unwrap()
}

#[test]
fn trouble_comes_before_the_monitors() {
    assert_eq!(
        render_overview(&in_trouble(1), Listing::All, now()),
        "Overview network/prod in account 123456789012, eu-west-1: 3 monitors selected, 2
ready, 1 alarm fires
Not ready for 4m, AccessDenied
Note: no retry helps before the overview, a permission or AWS is changed
      (Stalled); after a change outside the cluster, set the annotation
      vpcflow.dev/reconcile-requested-at to try again at once

Not as declared
  ForwardingReady: AccessDenied for 4m
    444455556666 us-east-1: EventBridge PutRule: AccessDeniedException: not
    authorized (missing permissions: events:PutRule)

Monitors
  account 123456789012, eu-west-1
    ok  m2: vpc-0123456789abcde02
        fires: rejected-connections
  account 444455556666, us-east-1: not as declared
    ok  m1: vpc-0123456789abcde01
  account 444455556666, us-west-2: not as declared
    a message of its own
  account not known yet
    !!  m0: vpc-0123456789abcde00
        the operator has not taken up its spec yet

Links
  dashboard  https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/vfm-o-network-prod
  topic      arn:aws:sns:eu-west-1:123456789012:vfm-o-network-prod-alerts
"
    );
}

#[test]
fn many_monitors_are_summed_up() {
    let text = render_overview(&in_trouble(30), Listing::Brief, now());
    assert!(text.contains("    ..  10 more of this kind: status vfo/prod lists all\n"), "{text}");
    assert!(text.contains("us-east-1: not as declared\n    ok  1 monitor is Ready\n"), "{text}");
    assert!(render_overview(&in_trouble(30), Listing::All, now()).contains("m31: vpc-"));
}

#[test]
fn monitors_that_it_does_not_select_are_left_out() {
    let (overview, selected) = (overview(&json!({})), monitor(1, &json!({})));
    assert!(is_of_overview(&selected, &overview));
    let mut other = selected.clone();
    other.metadata.labels = None;
    assert!(!is_of_overview(&other, &overview));
    let mut elsewhere = selected;
    elsewhere.metadata.namespace = Some("other".to_owned());
    assert!(!is_of_overview(&elsewhere, &overview));
}

/// Programs read it, so no name may change.
#[test]
fn the_form_for_programs() {
    let document = serde_json::to_value(in_trouble(1)).unwrap();
    let names = |value: &Value| {
        let mut names: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(names(&document), "accountId counts links notAsDeclared notes overview places ready region");
    assert_eq!(document["counts"], json!({"selected": 3, "ready": 2, "firing": 1}));
    assert_eq!(names(&document["places"][0]), "accountId message monitors region");
    assert_eq!(
        document["places"][3]["monitors"][0],
        json!({
            "monitor": "network/m0",
            "vpcId": "vpc-0123456789abcde00",
            "isReady": false,
            "whyNotReady": "the operator has not taken up its spec yet",
            "isDeleting": false,
            "ready": null,
            "firing": [],
        })
    );
}
