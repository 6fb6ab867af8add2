//! The configuration that others add to the bucket beside ours.

use aws_sdk_ec2::types::{DestinationOptionsRequest, FlowLogsResourceType, LogDestinationType, TrafficType};
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    PublicAccessBlockConfiguration, Tag, Tagging,
};
use devenv::{Consistency, FaultProxy, ProxiedCall, Treatment};
use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::spec::TagValue;
use vpc_flow_operator::engine::{self, Direction, Outcome};
use vpc_flow_operator::monitor::Monitor;

use super::{BUCKET, bucket, rule, s3, statement};
use testkit::sandbox::{Sandbox, apply, details, pass, systems};

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
    sandbox.converge(&monitor, BUCKET).await;
    let before = bucket(&sandbox, &monitor).await;
    create_flow_log(&sandbox, &monitor).await;
    let overwritten = bucket(&sandbox, &monitor).await;
    assert_eq!(statement(&overwritten, "VpcFlowOperatorDenyInsecureTransport"), json!(null));

    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let after = bucket(&sandbox, &monitor).await;
    for sid in ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"] {
        assert_eq!(statement(&after, sid), statement(&overwritten, sid), "AWS's own statements stay");
    }
    for sid in ["VpcFlowOperatorDenyInsecureTransport", "VpcFlowOperatorDeliveryCheck", "VpcFlowOperatorDeliveryWrite"]
    {
        assert_eq!(statement(&after, sid), statement(&before, sid), "ours are back");
    }
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

#[tokio::test]
async fn the_policy_is_put_back_though_s3_shows_its_replacement_late() {
    let sandbox = Sandbox::new("bucket::late_policy").await;
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    proxy.set_consistency(Consistency { stale_reads: 2, ..Consistency::default() });
    let aws = sandbox.aws_at(proxy.endpoint()).await;
    let monitor = sandbox.monitor(sandbox.spec());
    let needed = [Component::Bucket, Component::LogGroup, Component::DeliveryRole];
    sandbox.converge(&monitor, &needed).await;
    let before = bucket(&sandbox, &monitor).await;
    let components = [&needed[..], &[Component::FlowLogs]].concat();
    pass(&aws, &monitor, &components, Direction::Build).await;
    let calls = proxy.calls();
    let stale = |call: &ProxiedCall| call.operation == "GetBucketPolicy" && call.treatment == Treatment::Stale;
    assert!(calls.iter().any(stale), "{calls:#?}");
    let after = bucket(&sandbox, &monitor).await;
    for sid in ["VpcFlowOperatorDenyInsecureTransport", "VpcFlowOperatorDeliveryCheck", "VpcFlowOperatorDeliveryWrite"]
    {
        assert_eq!(statement(&after, sid), statement(&before, sid));
    }
}

/// Replaces policy, lifecycle and tags by those of others. The owner tag stays, and one statement of ours, changed. Returns the statement
/// of others.
async fn others_write(sandbox: &Sandbox, monitor: &Monitor, mut ours: Value) -> Value {
    let (s3, name) = (s3(&sandbox.config), &monitor.names.bucket);
    let theirs = json!({
        "Sid": "Auditors",
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", sandbox.account)},
        "Action": "s3:ListBucket",
        "Resource": format!("arn:aws:s3:::{name}"),
    });
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
    theirs
}

/// Checks that the configuration of others is there, and that everything else is as before.
fn assert_theirs_is_beside_ours(mut after: Value, theirs: &Value, before: &Value) {
    assert_eq!(statement(&after, "Auditors"), *theirs);
    assert_eq!(rule(&after, "theirs")["Filter"], json!({"Prefix": "tmp/"}));
    assert_eq!(after["tags"]["cost-centre"], "7");
    let without = |list: &mut Value, key: &str, value: &str| {
        list.as_array_mut().unwrap().retain(|entry| entry[key] != value);
    };
    without(&mut after["policy"]["Statement"], "Sid", "Auditors");
    without(&mut after["lifecycle"], "ID", "theirs");
    after["tags"].as_object_mut().unwrap().remove("cost-centre");
    assert_eq!(after, *before);
}

#[tokio::test]
async fn what_others_added_stays_while_ours_is_repaired() {
    let sandbox = Sandbox::new("bucket::others").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let before = bucket(&sandbox, &monitor).await;
    let theirs = others_write(&sandbox, &monitor, statement(&before, "VpcFlowOperatorDeliveryWrite")).await;
    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 3, "{changes:#?}");
    assert_theirs_is_beside_ours(bucket(&sandbox, &monitor).await, &theirs, &before);
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

#[tokio::test]
async fn what_others_add_while_a_pass_is_under_way_stays() {
    let sandbox = Sandbox::new("bucket::others-meanwhile").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let before = bucket(&sandbox, &monitor).await;
    let mut spec = sandbox.spec();
    spec.s3.lifecycle.noncurrent_version_expire_after_days = 7;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let changed = sandbox.monitor(spec);
    s3(&sandbox.config).delete_bucket_policy().bucket(&monitor.names.bucket).send().await.unwrap();

    let assessed = engine::assess(&systems(BUCKET), &sandbox.aws, &changed, Direction::Build).await;
    let theirs = others_write(&sandbox, &monitor, statement(&before, "VpcFlowOperatorDeliveryWrite")).await;
    apply(&sandbox.aws, &changed, assessed, Direction::Build).await;
    let after = bucket(&sandbox, &monitor).await;
    assert_eq!(after["tags"]["team"], "network", "the pass has done what it had found: {after:#?}");
    assert_eq!(statement(&after, "Auditors"), theirs);
    assert_eq!(rule(&after, "theirs")["Filter"], json!({"Prefix": "tmp/"}));
    assert_eq!(after["tags"]["cost-centre"], "7");

    sandbox.converge(&changed, BUCKET).await;
    sandbox.converge(&monitor, BUCKET).await;
    // The record of the tag keys is removed with the keys; the tags of others are not.
    assert_theirs_is_beside_ours(bucket(&sandbox, &monitor).await, &theirs, &before);
}

#[tokio::test]
async fn what_lets_other_accounts_deliver_survives_create_flow_logs() {
    let sandbox = Sandbox::new("bucket::other-accounts").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let name = &monitor.names.bucket;
    // As in the user guide for the owner of a bucket for several accounts.
    let theirs = json!({
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{name}/AWSLogs/210987654321/*"),
        "Condition": {"StringEquals": {"aws:SourceAccount": "210987654321", "s3:x-amz-acl": "bucket-owner-full-control"}},
    });
    let policy = json!({"Version": "2012-10-17", "Statement": [theirs]});
    s3(&sandbox.config).put_bucket_policy().bucket(name).policy(policy.to_string()).send().await.unwrap();
    let all = [Component::Bucket, Component::DeliveryRole, Component::LogGroup, Component::FlowLogs];
    sandbox.converge(&monitor, &all).await;

    let after = bucket(&sandbox, &monitor).await;
    let own = statement(&after, "AWSLogDeliveryWrite");
    assert_eq!(
        own["Condition"]["StringEquals"]["aws:SourceAccount"],
        json!(sandbox.account),
        "CreateFlowLogs wrote it"
    );
    let mut kept = statement(&after, "AWSLogDeliveryWrite2");
    kept["Sid"] = theirs["Sid"].clone();
    assert_eq!(kept, theirs);
    sandbox.assert_at_rest(&monitor, &all).await;
}

const DELIVERY: &[Component] = &[Component::Bucket, Component::DeliveryRole, Component::LogGroup, Component::FlowLogs];

/// The name that AWS uses for the statements of all logs.
const WRITE: &str = "AWSLogDeliveryWrite";

/// Replaces AWS's statement for the flow log by that of a Resolver query log of the same account, which has the same name.
async fn deliver_another_log(sandbox: &Sandbox, monitor: &Monitor) -> Value {
    let (name, account) = (&monitor.names.bucket, &sandbox.account);
    let theirs = json!({
        "Sid": WRITE,
        "Effect": "Allow",
        "Principal": {"Service": "delivery.logs.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": format!("arn:aws:s3:::{name}/resolver/AWSLogs/{account}/*"),
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account, "s3:x-amz-acl": "bucket-owner-full-control"},
            "ArnLike": {"aws:SourceArn": format!("arn:aws:logs:eu-west-1:{account}:*")},
        },
    });
    let mut policy = bucket(sandbox, monitor).await["policy"].clone();
    let statements = policy["Statement"].as_array_mut().unwrap();
    statements.retain(|statement| statement["Sid"] != WRITE);
    statements.push(theirs.clone());
    s3(&sandbox.config).put_bucket_policy().bucket(name).policy(policy.to_string()).send().await.unwrap();
    theirs
}

/// True for the statement of the other log, whose name may have got a number.
fn is_of_other_log(statement: &Value, theirs: &Value) -> bool {
    let mut named = statement.clone();
    named["Sid"] = theirs["Sid"].clone();
    named == *theirs
}

/// The number of statements of the other log in the policy.
fn of_other_log(bucket: &Value, theirs: &Value) -> usize {
    let statements = bucket["policy"]["Statement"].as_array().unwrap();
    statements.iter().filter(|statement| is_of_other_log(statement, theirs)).count()
}

#[tokio::test]
async fn another_log_of_the_account_is_delivered_through_every_new_flow_log() {
    let sandbox = Sandbox::new("bucket::another-log").await;
    let mut spec = sandbox.spec();
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, DELIVERY).await;
    let fresh = bucket(&sandbox, &monitor).await["policy"]["Statement"].clone();
    let theirs = deliver_another_log(&sandbox, &monitor).await;
    let of_others = |outcomes: &[Outcome]| details(outcomes).others_bucket_policy.unwrap();
    assert_eq!(of_others(&sandbox.pass(&monitor, DELIVERY).await), json!([theirs]).to_string());

    for (prefix, hive) in [("records", true), ("records", false), ("", false), ("vpc-flow-logs", true)] {
        spec.s3.prefix = prefix.into();
        spec.s3.hive_compatible_partitions = hive;
        let monitor = sandbox.monitor(spec.clone());
        sandbox.converge(&monitor, DELIVERY).await;
        let after = bucket(&sandbox, &monitor).await;
        assert_eq!(of_other_log(&after, &theirs), 1, "{prefix}: {after:#}");
        assert_eq!(after["policy"]["Statement"].as_array().unwrap().len(), 6, "{prefix}: {after:#}");
        sandbox.assert_at_rest(&monitor, DELIVERY).await;
    }
    let mut after = bucket(&sandbox, &monitor).await["policy"]["Statement"].as_array().unwrap().clone();
    after.retain(|statement| !is_of_other_log(statement, &theirs));
    let by_sid = |statement: &Value| statement["Sid"].to_string();
    after.sort_by_key(by_sid);
    let mut fresh = fresh.as_array().unwrap().clone();
    fresh.sort_by_key(by_sid);
    assert_eq!(after, fresh, "as if the prefix had never changed");
}

#[tokio::test]
async fn another_log_of_the_account_is_delivered_after_a_crash_too() {
    let sandbox = Sandbox::new("bucket::another-log-crash").await;
    let mut spec = sandbox.spec();
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, DELIVERY).await;
    let theirs = deliver_another_log(&sandbox, &monitor).await;
    spec.s3.prefix = "records".into();
    let mut monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes.iter().all(Outcome::is_settled), "{outcomes:#?}");
    let assessed = engine::assess(&systems(DELIVERY), &sandbox.aws, &monitor, Direction::Build).await;
    monitor.recorded_policy = details(&engine::plan(&assessed)).others_bucket_policy;

    super::conflicts::fail(&sandbox, "PutBucketPolicy", "AccessDenied", 403, None).await;
    apply(&sandbox.aws, &monitor, assessed, Direction::Build).await;
    let overwritten = bucket(&sandbox, &monitor).await;
    assert_eq!(of_other_log(&overwritten, &theirs), 0, "{overwritten:#}");
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    sandbox.converge(&monitor, DELIVERY).await;
    let after = bucket(&sandbox, &monitor).await;
    assert_eq!(of_other_log(&after, &theirs), 1, "{after:#}");
    assert_eq!(after["policy"]["Statement"].as_array().unwrap().len(), 6, "{after:#}");
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
    sandbox.converge(&monitor, BUCKET).await;
    let before = bucket(&sandbox, &monitor).await;
    let public = open_to_the_public(&sandbox, &monitor).await;

    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let after = bucket(&sandbox, &monitor).await;
    assert_eq!(after["publicAccessBlock"], before["publicAccessBlock"]);
    assert_eq!(statement(&after, "Public"), public, "without effect, since public access is blocked");
    assert_ne!(statement(&after, "VpcFlowOperatorDeliveryWrite"), json!(null));
    sandbox.assert_at_rest(&monitor, BUCKET).await;

    // If public access is blocked, S3 refuses every policy with that statement, and the operator reports it.
    open_to_the_public(&sandbox, &monitor).await;
    let blocked = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    let block = s3(&sandbox.config).put_public_access_block().bucket(&monitor.names.bucket);
    block.public_access_block_configuration(blocked).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    let failure = outcomes[0].failures.iter().map(|(_, failure)| failure.to_string()).collect::<String>();
    assert!(failure.contains("BlockPublicPolicy") && failure.contains("remove it"), "{outcomes:#?}");
}

#[tokio::test]
async fn the_door_is_shut_even_if_the_policy_cannot_be_written() {
    let sandbox = Sandbox::new("bucket::public_denied").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let before = bucket(&sandbox, &monitor).await;
    open_to_the_public(&sandbox, &monitor).await;
    super::conflicts::fail(&sandbox, "PutBucketPolicy", "AccessDenied", 403, None).await;

    let outcomes = sandbox.pass(&monitor, BUCKET).await;
    assert!(outcomes[0].failures[0].1.message.contains("s3:PutBucketPolicy"), "{outcomes:#?}");
    assert_eq!(bucket(&sandbox, &monitor).await["publicAccessBlock"], before["publicAccessBlock"]);
}
