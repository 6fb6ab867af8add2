//! What others put into the bucket's configuration beside ours.

use aws_sdk_ec2::types::{DestinationOptionsRequest, FlowLogsResourceType, LogDestinationType, TrafficType};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, Tag,
    Tagging,
};
use serde_json::{Value, json};
use vpc_flow_operator::monitor::Monitor;

use super::{STORAGE, bucket, rule, s3, statement};
use crate::support::Sandbox;

async fn create_flow_log(sandbox: &Sandbox, monitor: &Monitor) {
    let options = DestinationOptionsRequest::builder().hive_compatible_partitions(true).build();
    let answer = aws_sdk_ec2::Client::new(&sandbox.config)
        .create_flow_logs()
        .resource_ids(&sandbox.vpc_id)
        .resource_type(FlowLogsResourceType::Vpc)
        .traffic_type(TrafficType::All)
        .log_destination_type(LogDestinationType::S3)
        .log_destination(format!("arn:aws:s3:::{}/vpc-flow-logs", monitor.names.bucket))
        .destination_options(options)
        .send()
        .await
        .unwrap();
    assert!(answer.unsuccessful().is_empty(), "{answer:#?}");
}

#[tokio::test]
async fn the_policy_survives_what_create_flow_logs_does_to_it() {
    let sandbox = Sandbox::new("bucket::create_flow_logs").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, STORAGE).await;
    let before = bucket(&sandbox, &monitor).await;
    create_flow_log(&sandbox, &monitor).await;
    let overwritten = bucket(&sandbox, &monitor).await;
    assert_eq!(statement(&overwritten, "VpcFlowOperatorDenyInsecureTransport"), json!(null));

    let changes = sandbox.converge(&monitor, STORAGE).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let after = bucket(&sandbox, &monitor).await;
    for sid in ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"] {
        assert_eq!(statement(&after, sid), statement(&overwritten, sid), "AWS's own statements stay");
    }
    for sid in ["VpcFlowOperatorDenyInsecureTransport", "VpcFlowOperatorDeliveryCheck", "VpcFlowOperatorDeliveryWrite"]
    {
        assert_eq!(statement(&after, sid), statement(&before, sid), "ours are back");
    }
    sandbox.assert_at_rest(&monitor, STORAGE).await;
}

#[tokio::test]
async fn what_others_added_stays_while_ours_is_repaired() {
    let sandbox = Sandbox::new("bucket::others").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, STORAGE).await;
    let (name, before) = (&monitor.names.bucket, bucket(&sandbox, &monitor).await);
    let s3 = s3(&sandbox.config);

    let theirs = json!({
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", sandbox.account)},
        "Action": "s3:ListBucket",
        "Resource": format!("arn:aws:s3:::{name}"),
    });
    let mut ours = statement(&before, "VpcFlowOperatorDeliveryWrite");
    ours["Action"] = json!(["s3:PutObject", "s3:PutObjectAcl"]);
    let policy = json!({"Version": "2012-10-17", "Statement": [theirs, ours]});
    s3.put_bucket_policy().bucket(name).policy(policy.to_string()).send().await.unwrap();
    let expiring = LifecycleRule::builder()
        .id("theirs")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("tmp/").build())
        .expiration(LifecycleExpiration::builder().days(1).build())
        .build()
        .unwrap();
    let lifecycle = BucketLifecycleConfiguration::builder().rules(expiring).build().unwrap();
    s3.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(lifecycle).send().await.unwrap();
    let tags = [("cost-centre", "7"), ("vpcflow.dev/owner", "test/network/production")];
    let tags = tags.map(|(key, value)| Tag::builder().key(key).value(value).build().unwrap());
    let tags = Tagging::builder().set_tag_set(Some(tags.to_vec())).build().unwrap();
    s3.put_bucket_tagging().bucket(name).tagging(tags).send().await.unwrap();

    let changes = sandbox.converge(&monitor, STORAGE).await;
    assert_eq!(changes.len(), 3, "{changes:#?}");
    let mut after = bucket(&sandbox, &monitor).await;
    assert_eq!(statement(&after, "Auditors"), theirs);
    assert_eq!(rule(&after, "theirs")["Filter"], json!({"Prefix": "tmp/"}));
    assert_eq!(after["tags"]["cost-centre"], "7");
    // Without what others added it is as before.
    let without = |list: &mut Value, key: &str, value: &str| {
        list.as_array_mut().unwrap().retain(|entry| entry[key] != value);
    };
    without(&mut after["policy"]["Statement"], "Sid", "Auditors");
    without(&mut after["lifecycle"], "ID", "theirs");
    after["tags"].as_object_mut().unwrap().remove("cost-centre");
    assert_eq!(after, before);
    sandbox.assert_at_rest(&monitor, STORAGE).await;
}

/// Makes the bucket public, as people do: blocked access taken away, the policy replaced.
async fn open_to_the_public(sandbox: &Sandbox, monitor: &Monitor) -> Value {
    let name = &monitor.names.bucket;
    let public = json!({
        "Sid": "Public",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{name}/*"),
    });
    let s3 = s3(&sandbox.config);
    s3.delete_public_access_block().bucket(name).send().await.unwrap();
    let policy = json!({"Version": "2012-10-17", "Statement": [public]});
    s3.put_bucket_policy().bucket(name).policy(policy.to_string()).send().await.unwrap();
    public
}

#[tokio::test]
async fn a_bucket_opened_to_the_public_is_closed_and_its_policy_back() {
    let sandbox = Sandbox::new("bucket::public").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, STORAGE).await;
    let before = bucket(&sandbox, &monitor).await;
    let public = open_to_the_public(&sandbox, &monitor).await;

    let changes = sandbox.converge(&monitor, STORAGE).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let after = bucket(&sandbox, &monitor).await;
    assert_eq!(after["publicAccessBlock"], before["publicAccessBlock"]);
    assert_eq!(statement(&after, "Public"), public, "without effect, since public access is blocked");
    assert_ne!(statement(&after, "VpcFlowOperatorDeliveryWrite"), json!(null));
    sandbox.assert_at_rest(&monitor, STORAGE).await;

    // From now on S3 refuses every policy with that statement, and the user is told so.
    let mut spec = sandbox.spec();
    spec.s3.prefix = "other".into();
    let outcomes = sandbox.pass(&sandbox.monitor(spec), STORAGE).await;
    let failure = outcomes[0].failures.iter().map(|(_, failure)| failure.to_string()).collect::<String>();
    assert!(failure.contains("BlockPublicPolicy") && failure.contains("remove it"), "{outcomes:#?}");
}

#[tokio::test]
async fn the_door_is_shut_even_if_the_policy_cannot_be_written() {
    let sandbox = Sandbox::new("bucket::public_denied").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, STORAGE).await;
    let before = bucket(&sandbox, &monitor).await;
    open_to_the_public(&sandbox, &monitor).await;
    super::conflicts::fail(&sandbox, "PutBucketPolicy", "AccessDenied", 403, None).await;

    let outcomes = sandbox.pass(&monitor, STORAGE).await;
    assert!(outcomes[0].failures[0].1.message.contains("s3:PutBucketPolicy"), "{outcomes:#?}");
    assert_eq!(bucket(&sandbox, &monitor).await["publicAccessBlock"], before["publicAccessBlock"]);
}
