//! The way of an alarm to the topic of the overview.

use devenv::Scenario;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use testkit::apply::apply;
use testkit::cluster::Cluster;
use testkit::sandbox::REGION;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowOverview};

use super::{Stage, THERE, has, in_region, set_alarm};

fn names(messages: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    messages
        .iter()
        .map(|event| (text(&event["detail"]["alarmName"]), text(&event["detail"]["state"]["value"])))
        .collect()
}

fn alarm_of(monitor: &VpcFlowMonitor) -> String {
    let alarms = &monitor.status.as_ref().unwrap().alarms;
    let names = alarms.iter().map(|alarm| alarm.name.clone());
    names.into_iter().find(|name| name.ends_with("rejected-connections")).unwrap()
}

#[tokio::test]
async fn an_attack_in_another_account_and_region_reaches_the_queue_at_home_and_alarms_of_others_do_not() {
    let name = "overview-attack";
    let stage = Stage::new(name).await;
    let queue = stage.queue().await;
    let operator = stage.start();
    // A monitor of another namespace, in the same account and region.
    let other = Cluster::with_fleets("overview-attack-other").await;
    let allowed = format!("overview-attack-other={}", stage.role.role_arn);
    let others = testkit::cluster::Operator::start_with(&other, &stage.here, |options| {
        options.allowed_roles.0.push(allowed.parse().unwrap());
    });
    other.create("theirs", stage.spec_there().await).await;
    let theirs = other.wait_ready("theirs").await;
    stage.monitor_here("near").await;
    stage.monitor_there("far").await;
    let subscriptions = json!([{"protocol": "sqs", "endpoint": queue.arn}]);
    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions}})).await;
    let overview = stage.wait_ready("all", 2).await;
    let status = overview.status.unwrap();
    let places: Vec<_> =
        status.places.iter().map(|it| (it.account_id.as_str(), it.region.as_str(), it.rules)).collect();
    let mut expected = vec![(stage.here.account.as_str(), REGION, 1), (stage.there.account.as_str(), THERE, 1)];
    expected.sort_unstable();
    assert_eq!(places, expected);
    assert_eq!(queue.receive().await.unwrap(), Vec::<Value>::new());

    let far = stage.cluster.monitors.get("far").await.unwrap();
    let emulator = &stage.here.emulator;
    let (account, vpc) = (&stage.there.account, &far.spec.vpc_id);
    emulator.traffic(account, THERE, vpc, Scenario::PortScan, 10).await.unwrap();
    let messages = queue.receive().await.unwrap();
    let alarm = alarm_of(&far);
    assert!(names(&messages).contains(&(alarm.clone(), "ALARM".to_owned())), "{messages:#?}");
    let event = messages.iter().find(|event| event["detail"]["alarmName"] == alarm.as_str()).unwrap();
    assert_eq!((&event["account"], &event["region"]), (&json!(account), &json!(THERE)), "{event}");

    set_alarm(&in_region(&stage.there.config, THERE), &alarm_of(&theirs), "ALARM").await;
    set_alarm(&stage.here.config, &alarm_of(&stage.cluster.monitors.get("near").await.unwrap()), "ALARM").await;
    let after = names(&queue.receive().await.unwrap());
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(after[0].0.contains("-near-"), "{after:?}");

    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    others.stop().await;
    operator.stop().await;
}

#[tokio::test]
async fn a_recovery_is_sent_only_if_it_is_asked_for_and_a_new_alarm_is_no_recovery() {
    let stage = Stage::new("overview-recovery").await;
    let queue = stage.queue().await;
    let operator = stage.start();
    stage.monitor_here("near").await;
    let alarm = alarm_of(&stage.cluster.monitors.get("near").await.unwrap());
    let subscriptions = json!([{"protocol": "sqs", "endpoint": queue.arn}]);
    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions}})).await;
    stage.wait_ready("all", 1).await;
    let states = async |steps: &[&str]| -> Vec<String> {
        for state in steps {
            set_alarm(&stage.here.config, &alarm, state).await;
        }
        names(&queue.receive().await.unwrap()).into_iter().map(|(_, state)| state).collect()
    };
    let mut sent = states(&["INSUFFICIENT_DATA", "OK", "ALARM", "OK"]).await;
    sent.sort();
    assert_eq!(sent, ["ALARM", "OK"]);
    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions, "notifyOnRecovery": false}})).await;
    stage.wait_ready("all", 1).await;
    assert_eq!(states(&["ALARM", "OK"]).await, ["ALARM"]);
    stage.apply("all", json!({"alerts": {"enabled": false}})).await;
    let overview = stage.wait_ready("all", 1).await;
    assert!(overview.status.unwrap().conditions.iter().all(|it| it.type_ != "ForwardingReady"));
    let left = stage.left().await;
    assert!(!left.is_empty() && left.iter().all(|it| it.contains("dashboards")), "{left:?}");
    stage.delete("all").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_new_monitor_is_forwarded_and_one_that_loses_its_label_is_not() {
    let stage = Stage::new("overview-labels").await;
    let queue = stage.queue().await;
    let operator = stage.start();
    let subscriptions = json!([{"protocol": "sqs", "endpoint": queue.arn}]);
    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions}})).await;
    stage.wait_ready("all", 0).await;
    stage.monitor_there("far").await;
    stage.wait_ready("all", 1).await;
    let ready = |it: &VpcFlowOverview| it.status.as_ref().unwrap().monitors.unwrap().ready == 1;
    stage.wait("all", "a Ready monitor", ready).await;
    let alarm = alarm_of(&stage.cluster.monitors.get("far").await.unwrap());
    let there = in_region(&stage.there.config, THERE);
    set_alarm(&there, &alarm, "ALARM").await;
    assert_eq!(names(&queue.receive().await.unwrap()), [(alarm.clone(), "ALARM".to_owned())]);

    stage
        .cluster
        .monitors
        .patch_metadata("far", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"labels": {"team": null}}})))
        .await
        .unwrap();
    let empty = |overview: &VpcFlowOverview| {
        has(overview, "Ready", "True", "Reconciled") && overview.status.as_ref().unwrap().places.is_empty()
    };
    stage.wait("all", "no place", empty).await;
    set_alarm(&there, &alarm, "OK").await;
    set_alarm(&there, &alarm, "ALARM").await;
    assert_eq!(queue.receive().await.unwrap(), Vec::<Value>::new());
    let left = stage.left().await;
    assert!(left.iter().all(|it| it.starts_with(&stage.here.account)), "{left:?}");
    stage.delete("all").await;
    operator.stop().await;
}

/// The findings among the messages, by the monitor and the rule.
fn findings(messages: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = messages.iter().filter(|event| event["detail-type"] == "VPC Flow Finding");
    findings.map(|it| (text(&it["detail"]["monitor"]), text(&it["detail"]["finding"]["rule"]))).collect()
}

#[tokio::test]
async fn a_finding_in_another_account_and_region_reaches_the_queue_at_home_if_it_is_asked_for() {
    let stage = Stage::new("overview-findings").await;
    let queue = stage.queue().await;
    let operator = stage.start();
    let mut spec = stage.spec_there().await;
    spec.integrations.events.enabled = true;
    let metadata = json!({"name": "far", "labels": {"team": "network"}});
    apply(&stage.cluster.monitors, &metadata, &json!(spec)).await;
    let far = stage.cluster.wait_ready("far").await;
    let subscriptions = json!([{"protocol": "sqs", "endpoint": queue.arn}]);
    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions}})).await;
    let overview = stage.wait_ready("all", 1).await;
    assert_eq!(overview.status.unwrap().places[0].rules, 2, "one for alarms, one for findings");

    let (account, vpc) = (&stage.there.account, &far.spec.vpc_id);
    stage.here.emulator.traffic(account, THERE, vpc, Scenario::PortScan, 10).await.unwrap();
    let messages = queue.receive().await.unwrap();
    let expected = ("overview-findings/far".to_owned(), "portScan".to_owned());
    assert!(findings(&messages).contains(&expected), "{messages:#?}");

    stage.apply("all", json!({"alerts": {"subscriptions": subscriptions, "findings": false}})).await;
    let without = |overview: &VpcFlowOverview| {
        has(overview, "Ready", "True", "Reconciled") && overview.status.as_ref().unwrap().places[0].rules == 1
    };
    stage.wait("all", "one rule", without).await;
    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
}
