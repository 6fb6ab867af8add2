//! ARNs in a spec that lead further than the operator's owner allows, or nowhere.

use serde_json::{Value, json};
use vpc_flow_operator::api::spec::{AssumeRole, Subscription, SubscriptionProtocol};

use super::Stage;
use testkit::cluster::{is, message, reason};
use testkit::roles::trusting_role;
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn keys_of_another_region_or_partition_are_refused_before_aws_is_asked() {
    let stage = Stage::new("hostile-keys").await;
    let account = &stage.sandbox.account;
    let far = format!("arn:aws:kms:us-east-1:{account}:key/00000000-0000-0000-0000-000000000000");
    let foreign = format!("arn:aws-cn:kms:eu-west-1:{account}:key/00000000-0000-0000-0000-000000000000");
    let mut spec = stage.sandbox.spec();
    spec.s3.kms_key_arn = Some(far.clone());
    spec.cloud_watch_logs.kms_key_arn = Some(foreign.clone());
    spec.notifications.kms_key_arn = Some(far.clone());
    stage.cluster.create("m", spec).await;
    let reported = stage.wait_stalled("m").await;
    for (condition, field, key) in [
        ("BucketReady", "spec.s3.kmsKeyArn", &far),
        ("LogGroupReady", "spec.cloudWatchLogs.kmsKeyArn", &foreign),
        ("NotificationsReady", "spec.notifications.kmsKeyArn", &far),
    ] {
        assert_eq!(reason(&reported, condition).as_deref(), Some("InvalidSpec"), "{condition}");
        let message = message(&reported, condition);
        assert!(message.contains(field) && message.contains(key) && message.contains("eu-west-1 (aws)"), "{message}");
    }
    stage.delete("m").await;
    assert!(super::is_empty(&stage.inventory().await));
    stage.operator.stop().await;
}

#[tokio::test]
async fn the_topic_of_another_monitor_is_a_conflict() {
    let stage = Stage::new("hostile-topic").await;
    stage.cluster.create("theirs", stage.sandbox.spec()).await;
    stage.cluster.wait_ready("theirs").await;
    let before = stage.inventory().await;
    let (name, _) = before["topics"].as_object().unwrap().iter().next().unwrap();
    let mut spec = stage.sandbox.spec();
    spec.notifications.topic_arn = Some(stage.sandbox.aws.account_region.arn("sns", name));
    stage.cluster.create("m", spec).await;
    let stalled = stage.wait_stalled("m").await;
    let reported = message(&stalled, "NotificationsReady");
    assert!(
        reported.contains("test/hostile-topic/theirs") && reported.contains("spec.notifications.topicArn"),
        "{reported}"
    );
    assert_eq!(reason(&stalled, "AlarmsReady").as_deref(), Some("WaitingForDependency"));
    stage.delete("m").await;
    assert_eq!(stage.inventory().await["topics"], before["topics"]);
    stage.operator.stop().await;
}

#[tokio::test]
async fn no_role_is_handed_to_sns_that_is_not_listed_for_the_namespace() {
    let stage = Stage::with("hostile-firehose", |options| {
        options.settings.allowed_subscription_roles.0.clear();
        let listed = ["hostile-firehose=arn:aws:iam::*:role/alerts-*", "another=arn:aws:iam::*:role/**"];
        options.settings.allowed_subscription_roles.0.extend(listed.map(|text| text.parse().unwrap()));
    })
    .await;
    let account = &stage.sandbox.account;
    let firehose = |role: &str| Subscription {
        protocol: SubscriptionProtocol::Firehose,
        endpoint: format!("arn:aws:firehose:eu-west-1:{account}:deliverystream/{}", role.replace('/', "-")),
        subscription_role_arn: Some(format!("arn:aws:iam::{account}:role/{role}")),
    };
    let mut spec = stage.sandbox.spec();
    spec.notifications.subscriptions = ["alerts-1", "admin", "alerts-/admin"].map(firehose).into();
    stage.cluster.create("m", spec).await;
    let stalled = stage.wait_stalled("m").await;
    let reported = message(&stalled, "NotificationsReady");
    for role in ["admin", "alerts-/admin"] {
        let remedy = format!("--allowed-subscription-role hostile-firehose=arn:aws:iam::{account}:role/{role}");
        assert!(reported.contains(&remedy), "{reported}");
    }
    let roles = || async {
        let topics = stage.inventory().await["topics"].clone();
        let (_, topic) = topics.as_object().unwrap().iter().next().unwrap();
        topic["subscriptions"].as_array().unwrap().iter().map(|each| each["endpoint"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(roles().await, [json!(firehose("alerts-1").endpoint)]);
    assert!(is(&stalled, "AlarmsReady", "True"), "the recipients do not change the reported state");
    stage.delete("m").await;
    stage.operator.stop().await;
}

#[tokio::test]
async fn no_role_is_assumed_that_is_not_listed_for_the_namespace() {
    let there = Sandbox::new("hostile-assume-there").await;
    let stage = Stage::with("hostile-assume", |options| {
        let listed = ["hostile-assume=arn:aws:iam::*:role/flow-*-logs", "another=arn:aws:iam::*:role/**"];
        options.allowed_roles.0.extend(listed.map(|text| text.parse().unwrap()));
    })
    .await;
    let trusting = trusting_role(&there, &stage.sandbox).await;
    let before = there.inventory().await;
    let tricks = [trusting.role_arn.clone(), format!("arn:aws:iam::{}:role/flow-/x/y-logs", there.account)];
    for (number, role_arn) in tricks.into_iter().enumerate() {
        let name = format!("m{number}");
        let mut spec = there.spec();
        spec.assume_role = Some(AssumeRole { role_arn: role_arn.clone(), external_id: trusting.external_id.clone() });
        stage.cluster.create(&name, spec).await;
        let reported = message(&stage.wait_stalled(&name).await, "Ready");
        let remedy = format!("--allowed-role hostile-assume={role_arn}");
        assert!(reported.contains("spec.assumeRole") && reported.contains(&remedy), "{reported}");
        stage.delete(&name).await;
    }
    assert_eq!(there.inventory().await, before);
    let asked = stage.sandbox.emulator.calls(&stage.sandbox.account, 0).await.unwrap();
    assert!(asked.iter().all(|call| call.operation != "AssumeRole"), "STS was not even asked");
    stage.operator.stop().await;
}
