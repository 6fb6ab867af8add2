//! Carries out changes of a bucket.

use std::time::Duration;

use aws_sdk_s3::types::{
    BlockedEncryptionTypes, BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus,
    CreateBucketConfiguration, ObjectOwnership, OwnershipControls, OwnershipControlsRule,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, Tag, VersioningConfiguration,
};
use backon::{ExponentialBuilder, Retryable};
use serde_json::Value;

use super::lifecycle::Rules;
use super::state::{Bucket, Encryption, OWNERSHIP, ObservedBucket};
use super::tags::not_built;
use super::{observe, settings, tags};
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Class, operations as ops};
use crate::engine::Resource;
use crate::monitor::{Claim, Claims, Monitor, TagDiff};

/// The only region that accepts no location constraint.
const HOME_REGION: &str = "us-east-1";

/// Error codes of S3 in partitions and regions without support for tags at creation: hashicorp/terraform-provider-aws#45566, #45684. Older
/// services do not know that member of the request.
const TAGS_REFUSED: [&str; 3] = ["UnsupportedArgument", "MalformedXML", "NotImplemented"];

/// A setting of a bucket.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for what they set")]
pub enum Setting {
    Versioning(bool),
    Encryption(Encryption, Option<BlockedEncryptionTypes>),
    Ownership,
    Access { statements: Option<Statements>, block: bool },
    Lifecycle(Rules),
}

/// Statements that a bucket's policy lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Statements {
    /// Our statements, which replace all that the policy has of ours.
    pub ours: Vec<Value>,
    /// Statements of others that the policy had before it was overwritten.
    pub lost: Vec<Value>,
}

/// Creates the bucket with its tags and settings.
pub async fn create(aws: &Aws, monitor: &Monitor, bucket: &Bucket) -> Result<(), AwsError> {
    let created_before = create_unless_there(aws, bucket, monitor).await?;
    let just_created = ObservedBucket::just_created(monitor.tags.clone());
    let known = created_before.is_none().then_some(&just_created);
    if let Some(error) = created_before {
        // The creator is an earlier attempt whose answer was lost, or somebody else in this account.
        let found = observe::observe(aws, monitor, &bucket.name).await?;
        if !found.is_some_and(|found| Bucket::claim(monitor, &bucket.name, &found) == Claim::Ours) {
            return Err(error);
        }
    }
    // AWS may refuse or ignore tags at the creation.
    let found = tags::read(aws, &bucket.name).await?.unwrap_or_default();
    if found.is_empty() {
        let set = monitor.tags.clone();
        tags::put(aws, &bucket.name, &TagDiff { set, ..TagDiff::default() }).await?;
    } else if monitor.claim(&found) != Claim::Ours {
        return Err(owned_already());
    }
    // The defaults of S3 are not set again: the bucket is read after every change, which shows whether S3 has set them.
    let mut outcome = Ok(());
    for step in settings(bucket, &just_created, Vec::new()) {
        // S3 rejects concurrent changes of one bucket, so the settings are written in turn. S3 may still need a moment between two of them.
        let result = (|| put(aws, &bucket.name, &step.op, known))
            .retry(ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(4))
            .when(|error| error.class == Class::NotYet)
            .await;
        outcome = outcome.and(result);
    }
    outcome
}

fn owned_already() -> AwsError {
    let message = "the operator cannot confirm that it created this bucket";
    AwsError::reported(ops::CREATE_BUCKET, "BucketAlreadyOwnedByYou", message)
}

/// Creates the bucket. Returns the error of S3 if the account has a bucket of this name already.
async fn create_unless_there(aws: &Aws, bucket: &Bucket, monitor: &Monitor) -> Result<Option<AwsError>, AwsError> {
    // In this region, S3 answers with success for an existing bucket of the account, whoever made it: `CreateBucket` in the S3 API
    // reference. So the bucket is looked up right before.
    if aws.account_region.region == HOME_REGION && tags::read(aws, &bucket.name).await?.is_some() {
        return Ok(Some(owned_already()));
    }
    // The bucket is created with its tags: after a crash the next pass must recognise it as ours.
    let tags = tags::sdk(&monitor.tags).map_err(not_built(ops::CREATE_BUCKET))?;
    let created = match create_with(aws, &bucket.name, Some(tags)).await {
        Err(error) if TAGS_REFUSED.contains(&error.code.as_str()) => create_with(aws, &bucket.name, None).await,
        created => created,
    };
    match created {
        Ok(()) => Ok(None),
        Err(error) if error.is(Service::S3, "BucketAlreadyOwnedByYou") => Ok(Some(error)),
        Err(error) if error.class == Class::Conflict => {
            Err(error.with_remedy("another AWS account has a bucket of this name: set spec.s3.bucketName"))
        }
        Err(error) => Err(error),
    }
}

async fn create_with(aws: &Aws, name: &str, tags: Option<Vec<Tag>>) -> Result<(), AwsError> {
    let region = aws.account_region.region.as_str();
    let constraint = (region != HOME_REGION).then(|| BucketLocationConstraint::from(region));
    let configuration = CreateBucketConfiguration::builder().set_location_constraint(constraint).set_tags(tags).build();
    let call = aws.s3.create_bucket().bucket(name).object_ownership(ObjectOwnership::from(OWNERSHIP));
    call.create_bucket_configuration(configuration).send().await.op(ops::CREATE_BUCKET)?;
    Ok(())
}

/// Writes a setting. Policy and lifecycle configuration are written whole, with the parts of others: they are read right before, because
/// others may have changed them since the pass began. A bucket that was created just now has none: it is `known`.
///
/// S3 has no condition that would make reading and writing one step.
pub async fn put(aws: &Aws, name: &str, setting: &Setting, known: Option<&ObservedBucket>) -> Result<(), AwsError> {
    match setting {
        Setting::Versioning(enabled) => put_versioning(aws, name, *enabled).await,
        Setting::Encryption(encryption, blocked) => put_encryption(aws, name, encryption, blocked.clone()).await,
        Setting::Ownership => put_ownership(aws, name).await,
        Setting::Access { statements, block } => {
            // The policy is written first, since blocked access also blocks writing a policy to which somebody added a public statement.
            // Public access is blocked even if writing the policy fails.
            let policy = match statements {
                Some(statements) => put_statements(aws, name, statements, known).await,
                None => Ok(()),
            };
            if *block {
                block_public_access(aws, name).await?;
            }
            policy
        }
        Setting::Lifecycle(rules) => put_lifecycle(aws, name, rules, known).await,
    }
}

async fn put_versioning(aws: &Aws, name: &str, enabled: bool) -> Result<(), AwsError> {
    let status = if enabled { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
    aws.s3
        .put_bucket_versioning()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .versioning_configuration(VersioningConfiguration::builder().status(status).build())
        .send()
        .await
        .op(ops::PUT_BUCKET_VERSIONING)?;
    Ok(())
}

async fn put_encryption(
    aws: &Aws,
    name: &str,
    encryption: &Encryption,
    blocked: Option<BlockedEncryptionTypes>,
) -> Result<(), AwsError> {
    let operation = ops::PUT_BUCKET_ENCRYPTION;
    let configuration = ServerSideEncryptionByDefault::builder()
        .sse_algorithm(ServerSideEncryption::from(encryption.algorithm.as_str()))
        .set_kms_master_key_id(encryption.kms_key_arn.clone())
        .build()
        .and_then(|default| {
            let rule = ServerSideEncryptionRule::builder()
                .apply_server_side_encryption_by_default(default)
                .bucket_key_enabled(encryption.bucket_key)
                .set_blocked_encryption_types(blocked)
                .build();
            ServerSideEncryptionConfiguration::builder().rules(rule).build()
        })
        .map_err(not_built(operation))?;
    aws.s3
        .put_bucket_encryption()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .server_side_encryption_configuration(configuration)
        .send()
        .await
        .op(operation)?;
    Ok(())
}

async fn put_ownership(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let operation = ops::PUT_BUCKET_OWNERSHIP_CONTROLS;
    let controls = OwnershipControlsRule::builder()
        .object_ownership(ObjectOwnership::from(OWNERSHIP))
        .build()
        .and_then(|rule| OwnershipControls::builder().rules(rule).build())
        .map_err(not_built(operation))?;
    aws.s3
        .put_bucket_ownership_controls()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .ownership_controls(controls)
        .send()
        .await
        .op(operation)?;
    Ok(())
}

async fn put_statements(
    aws: &Aws,
    name: &str,
    statements: &Statements,
    known: Option<&ObservedBucket>,
) -> Result<(), AwsError> {
    let present = match known {
        Some(bucket) => bucket.policy.clone(),
        None => observe::policy(aws, name).await?,
    };
    put_policy(aws, name, &present.with(&statements.ours, &statements.lost)).await
}

/// Writes the bucket's policy.
pub async fn put_policy(aws: &Aws, name: &str, policy: &Value) -> Result<(), AwsError> {
    aws.s3
        .put_bucket_policy()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .policy(policy.to_string())
        .send()
        .await
        .op(ops::PUT_BUCKET_POLICY)
        .map_err(|error| {
            if error.message.contains("BlockPublicPolicy") {
                error.with_remedy("a statement that is not the operator's makes the bucket policy public: remove it")
            } else {
                error
            }
        })?;
    Ok(())
}

async fn block_public_access(aws: &Aws, name: &str) -> Result<(), AwsError> {
    let block = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .ignore_public_acls(true)
        .block_public_policy(true)
        .restrict_public_buckets(true)
        .build();
    aws.s3
        .put_public_access_block()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .public_access_block_configuration(block)
        .send()
        .await
        .op(ops::PUT_PUBLIC_ACCESS_BLOCK)?;
    Ok(())
}

async fn put_lifecycle(aws: &Aws, name: &str, rules: &Rules, known: Option<&ObservedBucket>) -> Result<(), AwsError> {
    let operation = ops::PUT_BUCKET_LIFECYCLE;
    let present = match known {
        Some(bucket) => bucket.lifecycle.clone(),
        None => observe::lifecycle(aws, name).await?,
    };
    let lifecycle = present.with(rules);
    let configuration = BucketLifecycleConfiguration::builder()
        .set_rules(Some(lifecycle.rules))
        .build()
        .map_err(not_built(operation))?;
    aws.s3
        .put_bucket_lifecycle_configuration()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .set_transition_default_minimum_object_size(lifecycle.minimum_object_size)
        .lifecycle_configuration(configuration)
        .send()
        .await
        .op(operation)?;
    Ok(())
}
