//! Somebody else's resources under our names, and ours with tags that are not true.

use aws_sdk_cloudwatch::types::{ComparisonOperator, Statistic};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::{Value, json};
use vpc_flow_operator::api::spec::DeletionPolicy;
use vpc_flow_operator::monitor::{Monitor, OWNER};

use super::Stage;
use testkit::cluster::{message, reason};
use testkit::sandbox::Sandbox;

const THEIRS: &str = "test/other-team/production";

/// Makes every resource that a monitor finds by its name, tagged as another monitor's.
async fn squat(sandbox: &Sandbox, monitor: &Monitor) {
    let names = &monitor.names;
    make_bucket(sandbox, &names.bucket, THEIRS).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    for group in [&names.log_group, &names.detector_log_group()] {
        logs.create_log_group().log_group_name(group).tags(OWNER, THEIRS).send().await.unwrap();
    }
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let tag = aws_sdk_sns::types::Tag::builder().key(OWNER).value(THEIRS).build().unwrap();
    sns.create_topic().name(names.topic()).tags(tag).send().await.unwrap();
    let iam = aws_sdk_iam::Client::new(&sandbox.config);
    for role in [names.delivery_role(), names.detector_role()] {
        let tag = aws_sdk_iam::types::Tag::builder().key(OWNER).value(THEIRS).build().unwrap();
        let trust = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ]});
        let trust = trust.to_string();
        let create = iam.create_role().role_name(role).path("/vpc-flow-operator/").assume_role_policy_document(trust);
        create.tags(tag).send().await.unwrap();
    }
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    let tag = || aws_sdk_cloudwatch::types::Tag::builder().key(OWNER).value(THEIRS).build();
    cloudwatch
        .put_metric_alarm()
        .alarm_name(format!("{}-rejected-connections", names.base()))
        .namespace("Theirs")
        .metric_name("theirs")
        .statistic(Statistic::Sum)
        .period(60)
        .evaluation_periods(1)
        .threshold(1.0)
        .comparison_operator(ComparisonOperator::GreaterThanThreshold)
        .tags(tag())
        .send()
        .await
        .unwrap();
    let put = cloudwatch.put_dashboard().dashboard_name(names.dashboard()).dashboard_body(r#"{"widgets": []}"#);
    put.tags(tag()).send().await.unwrap();
    let athena = aws_sdk_athena::Client::new(&sandbox.config);
    let tag = aws_sdk_athena::types::Tag::builder().key(OWNER).value(THEIRS).build();
    athena.create_work_group().name(names.workgroup()).tags(tag).send().await.unwrap();
    let glue = aws_sdk_glue::Client::new(&sandbox.config);
    let input = aws_sdk_glue::types::DatabaseInput::builder().name(&names.database).build().unwrap();
    glue.create_database().database_input(input).tags(OWNER, THEIRS).send().await.unwrap();
}

async fn make_bucket(sandbox: &Sandbox, name: &str, owner: &str) {
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1);
    let tag = aws_sdk_s3::types::Tag::builder().key(OWNER).value(owner).build().unwrap();
    let create = sandbox.s3().create_bucket().bucket(name).create_bucket_configuration(here.tags(tag).build());
    create.send().await.unwrap();
}

#[tokio::test]
async fn another_monitors_resources_under_our_names_are_reported_and_left_alone() {
    let stage = Stage::new("hostile-squat").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    squat(&stage.sandbox, &stage.sandbox.named_monitor("hostile-squat", "m", spec.clone())).await;
    let before = stage.inventory().await;
    stage.cluster.create("m", spec).await;
    let reported = stage.wait_stalled("m").await;
    // Systems that need none of these are built. The alarms and the detector wait for the topic, flow logs and table for the places of the
    // records.
    for condition in ["BucketReady", "LogGroupReady", "NotificationsReady", "DashboardReady"] {
        assert_eq!(reason(&reported, condition).as_deref(), Some("Conflict"), "{condition}");
        assert!(message(&reported, condition).contains(THEIRS), "{}", message(&reported, condition));
    }
    let untouched = |now: &Value| {
        for (kind, resources) in before.as_object().unwrap() {
            for (name, resource) in resources.as_object().unwrap() {
                assert_eq!(&now[kind][name], resource, "{kind} {name}");
            }
        }
    };
    untouched(&stage.inventory().await);
    stage.cluster.reconcile_now("m", "again").await;
    stage.delete("m").await;
    assert_eq!(stage.inventory().await, before);
    stage.operator.stop().await;
}

/// The operator trusts the tags of a bucket in its own account: a principal that may tag the bucket may also empty it. It does not trust
/// tags in another account.
#[tokio::test]
async fn our_tag_on_a_bucket_in_another_account_does_not_make_it_ours() {
    let stage = Stage::new("hostile-forged").await;
    let elsewhere = Sandbox::new("hostile-forged-elsewhere").await;
    let name = format!("bait-{}", elsewhere.account);
    make_bucket(&elsewhere, &name, "test/hostile-forged/m").await;
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"precious");
    elsewhere.s3().put_object().bucket(&name).key("records").body(body).send().await.unwrap();
    let open = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
    }]});
    elsewhere.s3().delete_public_access_block().bucket(&name).send().await.unwrap();
    elsewhere.s3().put_bucket_policy().bucket(&name).policy(open.to_string()).send().await.unwrap();
    let before = elsewhere.inventory().await;

    let mut spec = stage.sandbox.spec();
    spec.s3.bucket_name = Some(name);
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    stage.cluster.create("m", spec).await;
    let reported = message(&stage.wait_stalled("m").await, "BucketReady");
    assert!(reported.contains("another AWS account") && reported.contains("spec.s3.bucketName"), "{reported}");
    stage.delete("m").await;
    assert_eq!(elsewhere.inventory().await, before);
    stage.operator.stop().await;
}

#[tokio::test]
async fn our_tag_taken_off_by_hand_is_reported_with_the_way_back_and_costs_no_record() {
    let stage = Stage::new("hostile-untagged").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    stage.cluster.create("m", spec).await;
    stage.cluster.wait_ready("m").await;
    let before = stage.inventory().await;
    let bucket = before["buckets"].as_object().unwrap().keys().next().unwrap().clone();
    let s3 = stage.sandbox.s3();
    s3.delete_bucket_tagging().bucket(&bucket).send().await.unwrap();
    let body = aws_sdk_s3::primitives::ByteStream::from_static(b"record");
    s3.put_object().bucket(&bucket).key("vpc-flow-logs/record").body(body).send().await.unwrap();

    let reported = message(&stage.cluster.reconcile_now("m", "untagged").await, "BucketReady");
    assert!(reported.contains("put vpcflow.dev/owner=test/hostile-untagged/m back"), "{reported}");
    assert_eq!(stage.inventory().await["buckets"][&bucket]["tags"], json!({}));
    let tag = aws_sdk_s3::types::Tag::builder().key(OWNER).value("test/hostile-untagged/m").build().unwrap();
    let tagging = aws_sdk_s3::types::Tagging::builder().tag_set(tag).build().unwrap();
    s3.put_bucket_tagging().bucket(&bucket).tagging(tagging).send().await.unwrap();
    stage.cluster.reconcile_now("m", "tagged").await;
    stage.cluster.wait_ready("m").await;
    let mut after = stage.inventory().await;
    assert_eq!(after["buckets"][&bucket]["objectVersions"], 1);
    after["buckets"][&bucket]["objectVersions"] = json!(0);
    assert_eq!(after, before);
    stage.operator.stop().await;
}
