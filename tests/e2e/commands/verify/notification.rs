//! The test alarm, and everything at once after some traffic.

use aws_sdk_cloudwatch::types::StateValue;
use devenv::Scenario;
use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::spec::{Subscription, SubscriptionProtocol};

use super::{Scene, operations, results};
use crate::scenarios::lifecycle::denied;
use testkit::sandbox::REGION;

fn subscription(protocol: SubscriptionProtocol, endpoint: &str) -> Subscription {
    Subscription { protocol, endpoint: endpoint.to_owned(), subscription_role_arn: None }
}

fn mail() -> Subscription {
    subscription(SubscriptionProtocol::Email, "soc@example.com")
}

/// AWS confirms a queue's subscription by itself.
fn queue() -> Subscription {
    subscription(SubscriptionProtocol::Sqs, "arn:aws:sqs:eu-west-1:123456789012:alerts")
}

async fn scene(name: &str, subscriptions: Vec<Subscription>) -> Scene {
    Scene::new(name, |spec| spec.notifications.subscriptions = subscriptions).await
}

#[tokio::test]
async fn after_traffic_everything_holds() {
    let scene = scene("verify-all", vec![queue()]).await;
    let (account, vpc) = (&scene.sandbox.account, &scene.sandbox.vpc_id);
    scene.sandbox.emulator.traffic(account, REGION, vpc, Scenario::Normal, 10).await.unwrap();
    let before = scene.sandbox.latest_call().await;
    let reported = scene.verify(&["m", "--test-alarm", "-o", "json"]).await;
    assert_eq!(reported.results(), results(["passed"; 5]), "{reported:#?}");
    assert_eq!((reported.code, &reported.document()["passed"]), (0, &json!(true)));
    let check = reported.check("alarm-notification");
    let detail = check["detail"].as_str().unwrap();
    let alarm = scene.sandbox.named_monitor("verify-all", "m", scene.sandbox.spec()).names.base().to_owned();
    assert!(detail.starts_with(&format!("alarm {alarm}-")), "{reported:#?}");
    assert!(
        detail.ends_with("was set to ALARM, and its notification went out to 1 confirmed subscription"),
        "{detail}"
    );
    assert_eq!(check["nextStep"], json!(null));
    assert_eq!(operations(&scene.sandbox.writes_since(before).await), ["SetAlarmState", "StartQueryExecution"]);

    let table = scene.verify(&["m"]).await;
    assert_eq!(table.code, 0);
    assert!(table.stdout.contains("4 of 4 checks passed; not checked: alarm-notification (skipped)"), "{table:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn a_recipient_of_the_spec_that_has_not_confirmed_is_waited_for() {
    let scene = scene("verify-pending", vec![queue(), mail()]).await;
    for arguments in [&["m", "--test-alarm", "-o", "json"][..], &["m", "-o", "json"]] {
        let reported = scene.verify(arguments).await;
        let check = reported.check("alarm-notification");
        assert_eq!((reported.code, &check["status"]), (1, &json!("waiting")), "{reported:#?}");
        assert!(check["nextStep"].as_str().unwrap().starts_with("not confirmed: soc@example.com; "), "{reported:#?}");
    }
    scene.operator.stop().await;
}

#[tokio::test]
async fn recipients_of_the_spec_that_may_not_be_listed_do_not_pass() {
    let scene = scene("verify-unlisted", vec![queue()]).await;
    let fault = denied(&scene.sandbox, "sns", "ListSubscriptionsByTopic");
    scene.sandbox.emulator.add_fault(fault).await.unwrap();
    let check = scene.verify(&["m", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "failed", "{check:#?}");
    assert_eq!(check["nextStep"], "allow your AWS identity sns:ListSubscriptionsByTopic");
    scene.operator.stop().await;
}

#[tokio::test]
async fn a_notification_that_the_topic_refuses_fails_with_the_reason() {
    let scene = scene("verify-topic", vec![queue()]).await;
    let monitor = scene.sandbox.named_monitor("verify-topic", "m", scene.sandbox.spec());
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", scene.sandbox.account)},
        "Action": "sns:Publish",
        "Resource": monitor.topic_arn(),
    }]});
    let sns = aws_sdk_sns::Client::new(&scene.sandbox.config);
    let set = sns.set_topic_attributes().topic_arn(monitor.topic_arn()).attribute_name("Policy");
    set.attribute_value(policy.to_string()).send().await.unwrap();
    let reported = scene.verify(&["m", "--test-alarm", "-o", "json"]).await;
    let check = reported.check("alarm-notification");
    assert_eq!((reported.code, &check["status"]), (1, &json!("failed")), "{reported:#?}");
    assert!(check["detail"].as_str().unwrap().contains("its notification failed: "), "{reported:#?}");
    assert!(check["detail"].as_str().unwrap().contains("SNS:Publish"), "{reported:#?}");
    assert!(
        check["nextStep"].as_str().unwrap().contains("lets cloudwatch.amazonaws.com publish to it"),
        "{reported:#?}"
    );
    scene.operator.stop().await;
}

#[tokio::test]
async fn a_notification_that_nobody_gets_does_not_hold() {
    let scene = scene("verify-nobody", vec![]).await;
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "failed", "{check:#?}");
    assert!(check["detail"].as_str().unwrap().ends_with("reached the topic, but the topic has no subscriptions"));

    let sns = aws_sdk_sns::Client::new(&scene.sandbox.config);
    let topic = scene.sandbox.named_monitor("verify-nobody", "m", scene.sandbox.spec()).topic_arn();
    sns.subscribe().topic_arn(topic).protocol("email").endpoint("soc@example.com").send().await.unwrap();
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "waiting", "{check:#?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn alarms_that_fire_by_themselves_are_left_alone_and_what_may_not_be_set_is_reported() {
    let scene = scene("verify-firing", vec![queue()]).await;
    let fault = denied(&scene.sandbox, "monitoring", "SetAlarmState");
    scene.sandbox.emulator.add_fault(fault).await.unwrap();
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "failed", "{check:#?}");
    assert_eq!(check["nextStep"], "allow your AWS identity cloudwatch:SetAlarmState");
    scene.sandbox.emulator.clear_faults(&scene.sandbox.account).await.unwrap();

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&scene.sandbox.config);
    for alarm in &scene.status.alarms {
        let set = cloudwatch.set_alarm_state().alarm_name(&alarm.name).state_value(StateValue::Alarm);
        set.state_reason("an attack").send().await.unwrap();
    }
    let before = scene.sandbox.latest_call().await;
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "passed", "{check:#?}");
    assert!(check["detail"].as_str().unwrap().contains("is in ALARM by itself"), "{check:#?}");
    assert_eq!(operations(&scene.sandbox.writes_since(before).await), ["StartQueryExecution"]);
    scene.operator.stop().await;
}

#[tokio::test]
async fn an_alarm_that_is_quiet_now_is_not_tested() {
    let quiet = |spec: &mut VpcFlowMonitorSpec| {
        spec.notifications.subscriptions = vec![queue()];
        let always = json!({"name": "always", "schedule": "cron(* * * * *)", "duration": "PT1H"});
        spec.notifications.quiet_times = vec![serde_json::from_value(always).unwrap()];
    };
    let scene = Scene::new("verify-quiet", quiet).await;
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "passed", "{check:#?}");
    assert!(check["detail"].as_str().unwrap().contains("-detector-errors was set to ALARM"), "{check:#?}");
    scene.operator.stop().await;

    let without_detector = |spec: &mut VpcFlowMonitorSpec| {
        quiet(spec);
        spec.detector.enabled = false;
    };
    let scene = Scene::new("verify-all-quiet", without_detector).await;
    let before = scene.sandbox.latest_call().await;
    let check = scene.verify(&["m", "--test-alarm", "-o", "json"]).await.check("alarm-notification");
    assert_eq!(check["status"], "skipped", "{check:#?}");
    assert!(check["detail"].as_str().unwrap().contains("-always (spec.notifications.quietTimes)"), "{check:#?}");
    assert_eq!(check["nextStep"], "run verify again after the quiet time");
    assert!(!operations(&scene.sandbox.writes_since(before).await).contains(&"SetAlarmState"), "nothing is set");
    scene.operator.stop().await;
}
