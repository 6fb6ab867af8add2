//! Facts that need a person's attention although AWS is as declared: recipients that have not confirmed, a second monitor of the VPC, and
//! alarms that fire between two passes.

use std::time::Duration;

use aws_sdk_cloudwatch::types::StateValue;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use devenv::Fault;
use serde_json::json;
use vpc_flow_operator::api::conditions::READY;
use vpc_flow_operator::api::spec::Subscription;
use vpc_flow_operator::api::status::NoticeReason;

use testkit::cluster::{Cluster, Operator, message};
use testkit::sandbox::{REGION, Sandbox};

#[tokio::test]
async fn a_recipient_that_has_not_confirmed_is_reported_everywhere() {
    let (sandbox, cluster) = (Sandbox::new("attention::recipient").await, Cluster::new("attention-recipient").await);
    let operator = Operator::start(&cluster, &sandbox);
    let queue = format!("arn:aws:sqs:eu-west-1:{}:alerts", sandbox.account);
    let mut spec = sandbox.spec();
    let subscriptions = json!([
        {"protocol": "email", "endpoint": "soc@example.com"},
        {"protocol": "sqs", "endpoint": queue},
    ]);
    spec.notifications.subscriptions = serde_json::from_value::<Vec<Subscription>>(subscriptions).unwrap();
    cluster.create("m", spec).await;
    cluster.wait_ready("m").await;
    // The end of the pass writes the notices, with their events.
    let ready = cluster
        .wait("m", "its notices", |monitor| monitor.status.as_ref().is_some_and(|status| !status.notices.is_empty()));
    let ready = ready.await;

    let status = ready.status.clone().unwrap();
    assert_eq!(status.summary.as_ref().unwrap().notifies, "1/2");
    assert_eq!(status.notices.len(), 1, "{:?}", status.notices);
    assert_eq!(status.notices[0].reason, NoticeReason::SubscriptionPending);
    let notice = "1 of 2 subscriptions not confirmed: soc@example.com; follow the link";
    for condition in [READY, "NotificationsReady"] {
        let reported = message(&ready, condition);
        assert!(reported.contains(notice), "{condition}: {reported}");
    }
    cluster.wait_events("SubscriptionPending", 1).await;

    let events = cluster.events().await.len();
    cluster.reconcile_now("m", "again").await;
    assert_eq!(cluster.events().await.len(), events, "it is reported once");

    cluster.change("m", json!({"notifications": {"subscriptions": [{"protocol": "sqs", "endpoint": queue}]}})).await;
    let ready = cluster.wait_ready("m").await;
    assert_eq!(message(&ready, READY), "AWS is as declared");
    assert_eq!(ready.status.unwrap().summary.unwrap().notifies, "1/1");
    operator.stop().await;
}

#[tokio::test]
async fn a_second_monitor_of_a_vpc_is_reported_with_the_name_of_the_first() {
    let (sandbox, cluster) = (Sandbox::new("attention::second").await, Cluster::new("attention-second").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("first", sandbox.spec()).await;
    let first = cluster.wait_ready("first").await;
    assert_eq!(message(&first, READY), "AWS is as declared");

    cluster.create("second", sandbox.spec()).await;
    let second = cluster.wait_ready("second").await;
    let reported = message(&second, READY);
    let other = "is also watched by VpcFlowMonitor test/attention-second/first: AWS delivers and bills every record";
    assert!(reported.contains(other), "{reported}");
    assert!(message(&second, "FlowLogsReady").contains(other));
    cluster.wait_events("VpcWatchedTwice", 1).await;
    operator.stop().await;
}

#[tokio::test]
async fn a_vpc_without_room_is_reported_with_the_flow_logs_that_fill_it() {
    let (sandbox, cluster) = (Sandbox::new("attention::full").await, Cluster::new("attention-full").await);
    let operator = Operator::start(&cluster, &sandbox);
    let ec2 = aws_sdk_ec2::Client::new(&sandbox.config);
    let region = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION));
    sandbox.s3().create_bucket().bucket("full-vpc").create_bucket_configuration(region.build()).send().await.unwrap();
    let create = ec2.create_flow_logs().resource_type("VPC".into()).resource_ids(&sandbox.vpc_id);
    let create = create.traffic_type("ALL".into()).log_destination_type("s3".into());
    let made = create.log_destination("arn:aws:s3:::full-vpc/theirs/").send().await.unwrap();
    assert!(made.unsuccessful().is_empty(), "{made:?}");
    let full = sandbox.fault("ec2", "CreateFlowLogs", "FlowLogsLimitExceeded", "The maximum number has been reached.");
    sandbox.emulator.add_fault(Fault { times: None, ..full }).await.unwrap();
    cluster.create("m", sandbox.spec()).await;
    let reported = "or delete a flow log of the VPC; it has fl-";
    let full = cluster.wait("m", "reported as full", |monitor| message(monitor, "FlowLogsReady").contains(reported));
    let reported = message(&full.await, "FlowLogsReady");
    assert!(reported.contains("of no monitor to arn:aws:s3:::full-vpc/"), "{reported}");
    operator.stop().await;
}

#[tokio::test]
async fn an_alarm_that_fires_between_two_passes_is_in_the_status_soon() {
    let (sandbox, cluster) = (Sandbox::new("attention::alarm").await, Cluster::new("attention-alarm").await);
    let operator =
        Operator::start_with(&cluster, &sandbox, |options| options.alarm_interval = Duration::from_millis(200));
    cluster.create("m", sandbox.spec()).await;
    let ready = cluster.wait_ready("m").await;
    let alarm = ready.status.clone().unwrap().alarms.remove(0);

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    let set = cloudwatch.set_alarm_state().alarm_name(&alarm.name).state_value(StateValue::Alarm);
    set.state_reason("an attack").send().await.unwrap();
    let fires = cluster.wait("m", "its alarm firing", |monitor| {
        monitor.status.as_ref().and_then(|status| status.summary.as_ref()).is_some_and(|it| it.alarms == "1 firing")
    });
    let status = fires.await.status.unwrap();
    let fires = status.alarms.iter().find(|known| known.name == alarm.name).unwrap();
    assert_eq!(fires.state, "ALARM");
    assert!(fires.since.is_some() && fires.since >= alarm.since, "{fires:?} {alarm:?}");
    assert_eq!(status.conditions, ready.status.unwrap().conditions);
    operator.stop().await;
}
