use std::sync::Arc;

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketVersioningStatus, ExpirationStatus, LifecycleExpiration, LifecycleRule,
    LifecycleRuleFilter, ObjectOwnership, OwnershipControls, OwnershipControlsRule, ServerSideEncryption,
    ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    VersioningConfiguration,
};
use serde_json::json;
use vpc_flow_operator::api::spec::TagValue;
use vpc_flow_operator::aws::{AwsGate, ClientPool};
use vpc_flow_operator::engine::Action;

use super::{BUCKET, bucket, rule, s3};
use testkit::sandbox::{Sandbox, own_tags};

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("bucket::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");

    let (account, name) = (&sandbox.account, &monitor.names.bucket);
    let source_arn = format!("arn:aws:logs:eu-west-1:{account}:*");
    let bucket = bucket(&sandbox, &monitor).await;
    assert_eq!(
        bucket,
        json!({
            "region": "eu-west-1",
            "versioning": "Enabled",
            "encryption": [
                {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": false},
            ],
            "publicAccessBlock": {
                "BlockPublicAcls": true,
                "IgnorePublicAcls": true,
                "BlockPublicPolicy": true,
                "RestrictPublicBuckets": true,
            },
            "ownershipControls": [{"ObjectOwnership": "BucketOwnerEnforced"}],
            "policy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "VpcFlowOperatorDenyInsecureTransport",
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": [format!("arn:aws:s3:::{name}"), format!("arn:aws:s3:::{name}/*")],
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    },
                    {
                        "Sid": "VpcFlowOperatorDeliveryCheck",
                        "Effect": "Allow",
                        "Principal": {"Service": "delivery.logs.amazonaws.com"},
                        "Action": ["s3:GetBucketAcl", "s3:ListBucket"],
                        "Resource": format!("arn:aws:s3:::{name}"),
                        "Condition": {
                            "StringEquals": {"aws:SourceAccount": account},
                            "ArnLike": {"aws:SourceArn": source_arn},
                        },
                    },
                    {
                        "Sid": "VpcFlowOperatorDeliveryWrite",
                        "Effect": "Allow",
                        "Principal": {"Service": "delivery.logs.amazonaws.com"},
                        "Action": "s3:PutObject",
                        "Resource": [
                            format!("arn:aws:s3:::{name}/*AWSLogs/{account}/*"),
                            format!("arn:aws:s3:::{name}/*AWSLogs/aws-account-id={account}/*"),
                        ],
                        "Condition": {
                            "StringEquals": {
                                "aws:SourceAccount": account,
                                "s3:x-amz-acl": "bucket-owner-full-control",
                            },
                            "ArnLike": {"aws:SourceArn": source_arn},
                        },
                    },
                ],
            },
            "lifecycle": [
                {
                    "ID": "vpc-flow-operator-notification-log",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "detector-state/"},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {
                    "ID": "vpc-flow-operator-records",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "vpc-flow-logs/"},
                    "Transitions": [
                        {"Days": 30, "StorageClass": "STANDARD_IA"},
                        {"Days": 90, "StorageClass": "GLACIER"},
                        {"Days": 365, "StorageClass": "DEEP_ARCHIVE"},
                    ],
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {
                    "ID": "vpc-flow-operator-results",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "athena-results/"},
                    "Expiration": {"Days": 30},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
            ],
            "sendsEvents": false,
            "tags": own_tags(),
            "objectVersions": 0,
            "deleteMarkers": 0,
        })
    );
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

#[tokio::test]
async fn few_calls_make_it_and_seven_reads_watch_it() {
    let sandbox = Sandbox::new("bucket::calls").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let before = sandbox.latest_call().await;
    sandbox.converge(&monitor, BUCKET).await;
    let mut writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    writes.sort();
    assert_eq!(writes, ["CreateBucket", "PutBucketLifecycleConfiguration", "PutBucketPolicy", "PutBucketVersioning"]);

    let before = sandbox.latest_call().await;
    sandbox.assert_at_rest(&monitor, BUCKET).await;
    assert_eq!(sandbox.emulator.calls(&sandbox.account, before).await.unwrap().len(), 7);
}

#[tokio::test]
async fn every_field_of_the_spec_changes_what_it_should() {
    let sandbox = Sandbox::new("bucket::fields").await;
    let key = format!("arn:aws:kms:eu-west-1:{}:key/11111111-2222-3333-4444-555555555555", sandbox.account);
    sandbox.converge(&sandbox.monitor(sandbox.spec()), BUCKET).await;

    let mut spec = sandbox.spec();
    spec.s3.versioning = false;
    spec.s3.kms_key_arn = Some(key.clone());
    spec.s3.prefix = String::new();
    spec.s3.hive_compatible_partitions = false;
    spec.s3.lifecycle.standard_ia_after_days = 0;
    spec.s3.lifecycle.glacier_after_days = 40;
    spec.s3.lifecycle.deep_archive_after_days = 0;
    spec.s3.lifecycle.expire_after_days = Some(90);
    spec.s3.lifecycle.noncurrent_version_expire_after_days = 3;
    spec.analytics.result_retention_days = 4;
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec.clone());
    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 4, "{changes:#?}");
    assert!(changes.iter().all(|change| change.action == Action::Update), "{changes:#?}");

    let bucket_now = bucket(&sandbox, &monitor).await;
    assert_eq!(bucket_now["versioning"], "Suspended");
    assert_eq!(
        bucket_now["encryption"],
        json!([{
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            "BucketKeyEnabled": true,
        }])
    );
    let records = rule(&bucket_now, "vpc-flow-operator-records");
    assert_eq!(records["Filter"], json!({"Prefix": "AWSLogs/"}));
    assert_eq!(records["Transitions"], json!([{"Days": 40, "StorageClass": "GLACIER"}]));
    assert_eq!(records["Expiration"], json!({"Days": 90}));
    assert_eq!(records["NoncurrentVersionExpiration"], json!({"NoncurrentDays": 3}));
    assert_eq!(rule(&bucket_now, "vpc-flow-operator-results")["Expiration"], json!({"Days": 4}));
    assert_eq!(bucket_now["tags"]["team"], "network");
    sandbox.assert_at_rest(&monitor, BUCKET).await;

    spec.s3.lifecycle.intelligent_tiering = true;
    spec.analytics.enabled = false;
    spec.tags.clear();
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, BUCKET).await;
    let bucket_now = bucket(&sandbox, &monitor).await;
    let records = rule(&bucket_now, "vpc-flow-operator-records");
    assert_eq!(records["Transitions"], json!([{"Days": 0, "StorageClass": "INTELLIGENT_TIERING"}]));
    let results = rule(&bucket_now, "vpc-flow-operator-results");
    assert_eq!(results["Expiration"], json!({"Days": 4}), "what is left of them goes");
    assert_eq!(bucket_now["tags"].get("team"), None);
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}

#[tokio::test]
async fn every_drift_is_repaired() {
    let sandbox = Sandbox::new("bucket::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let (name, before) = (&monitor.names.bucket, sandbox.inventory().await);

    let s3 = s3(&sandbox.config);
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    s3.put_bucket_versioning().bucket(name).versioning_configuration(suspended).send().await.unwrap();
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms).build().unwrap();
    let encryption = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let encryption = ServerSideEncryptionConfiguration::builder().rules(encryption).build().unwrap();
    s3.put_bucket_encryption().bucket(name).server_side_encryption_configuration(encryption).send().await.unwrap();
    let writer = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::ObjectWriter).build().unwrap();
    let writer = OwnershipControls::builder().rules(writer).build().unwrap();
    s3.put_bucket_ownership_controls().bucket(name).ownership_controls(writer).send().await.unwrap();
    s3.delete_public_access_block().bucket(name).send().await.unwrap();
    s3.delete_bucket_policy().bucket(name).send().await.unwrap();
    let at_once = LifecycleRule::builder()
        .id("vpc-flow-operator-records")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(1).build())
        .build()
        .unwrap();
    let lifecycle = BucketLifecycleConfiguration::builder().rules(at_once).build().unwrap();
    s3.put_bucket_lifecycle_configuration().bucket(name).lifecycle_configuration(lifecycle).send().await.unwrap();
    assert_ne!(sandbox.inventory().await, before);

    let changes = sandbox.converge(&monitor, BUCKET).await;
    assert_eq!(changes.len(), 5, "{changes:#?}");
    assert!(changes.iter().all(|change| change.action == Action::Update));
    // S3 hands an encryption that was written back as it was written.
    assert_eq!(sandbox.inventory().await, before);

    s3.delete_bucket_lifecycle().bucket(name).send().await.unwrap();
    s3.delete_bucket_ownership_controls().bucket(name).send().await.unwrap();
    s3.delete_bucket_encryption().bucket(name).send().await.unwrap();
    assert_eq!(sandbox.converge(&monitor, BUCKET).await.len(), 2);
    assert_eq!(sandbox.inventory().await, before);
}

#[tokio::test]
async fn us_east_1_takes_no_location() {
    let mut sandbox = Sandbox::new("bucket::us_east_1").await;
    let pool = ClientPool::new(&sandbox.config, AwsGate::default());
    sandbox.aws = Arc::clone(&pool.get(Some("us-east-1"), None).await.unwrap());
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, BUCKET).await;
    let bucket = bucket(&sandbox, &monitor).await;
    assert_eq!(bucket["region"], "us-east-1");
    assert_eq!(bucket["tags"]["vpcflow.dev/owner"], "test/network/production");
    sandbox.assert_at_rest(&monitor, BUCKET).await;
}
