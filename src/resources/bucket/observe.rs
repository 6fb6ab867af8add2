//! Reads a bucket: the tags, which decide whether the rest counts, then six settings at once.

use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryptionRule};

use super::lifecycle::Lifecycle;
use super::policy::Policy;
use super::state::{Encryption, Found, ObservedBucket, PublicAccess};
use crate::api::ResourceKind;
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Class, Optional, operations as ops};
use crate::monitor::{Claim, Monitor, Tags};

/// Reads the bucket of that name.
pub async fn observe(aws: &Aws, monitor: &Monitor, name: &str) -> Result<Option<Found>, AwsError> {
    match tags(aws, name).await {
        // Its policy may keep the rest from us, which is no trouble of ours.
        Ok(Some(tags)) if matches!(monitor.claim(&tags), Claim::Foreign(_)) => {
            Ok(Some(Found::Here(Box::new(ObservedBucket::just_created(tags)))))
        }
        Ok(Some(tags)) => Ok(Some(Found::Here(Box::new(ObservedBucket { tags, ..settings(aws, name).await? })))),
        Ok(None) => Ok(None),
        // What was ours and cannot be looked at may still be: to take it for another's would be to forget it.
        Err(error) if error.class == Class::Denied && was_ours(monitor, name) => Err(error),
        Err(error) => elsewhere(&error).map_or(Err(error), |problem| Ok(Some(Found::Elsewhere(problem)))),
    }
}

/// True if an earlier pass has found it with our tag.
fn was_ours(monitor: &Monitor, name: &str) -> bool {
    let mut recorded = monitor.recorded.iter().filter(|resource| resource.kind == ResourceKind::Bucket);
    recorded.any(|resource| resource.name == name && resource.arn.is_some())
}

/// The tags of the bucket of that name, or `None` if there is none.
pub async fn tags(aws: &Aws, name: &str) -> Result<Option<Tags>, AwsError> {
    let answer = aws
        .s3
        .get_bucket_tagging()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .send()
        .await
        .op(ops::GET_BUCKET_TAGGING);
    match answer {
        Ok(output) => Ok(Some(output.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect())),
        Err(error) if error.is(Service::S3, "NoSuchTagSet") => Ok(Some(Tags::new())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Says whose the bucket is if the answer means that it is not to be had.
///
/// S3 says who lacks which permission ("is not authorized to perform …") only about buckets of the caller's own account or organization,
/// and "because no resource-based policy allows" only across accounts: S3 user guide, "Access denied error message examples".
fn elsewhere(error: &AwsError) -> Option<String> {
    let is_permission = error.message.contains("not authorized to perform")
        && !error.message.contains("because no resource-based policy allows");
    match error.code.as_str() {
        "AccessDenied" if !is_permission => Some(
            "a bucket of this name belongs to another AWS account, or its policy shuts the operator out; set \
             spec.s3.bucketName to another name"
                .to_owned(),
        ),
        "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
            Some("a bucket of this name is in another region; set spec.s3.bucketName to another name".to_owned())
        }
        _ => None,
    }
}

/// Everything but the tags.
async fn settings(aws: &Aws, name: &str) -> Result<ObservedBucket, AwsError> {
    let (versioned, encryption, public_access, ownership, policy, lifecycle) = futures::try_join!(
        versioned(aws, name),
        encryption(aws, name),
        public_access(aws, name),
        ownership(aws, name),
        policy(aws, name),
        lifecycle(aws, name),
    )?;
    Ok(ObservedBucket {
        tags: Tags::new(),
        versioned,
        encryption: encryption.as_ref().and_then(default_encryption),
        blocked_encryption: encryption.and_then(|rule| rule.blocked_encryption_types),
        public_access,
        ownership,
        policy,
        lifecycle,
    })
}

async fn versioned(aws: &Aws, name: &str) -> Result<bool, AwsError> {
    let call = aws.s3.get_bucket_versioning().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(ops::GET_BUCKET_VERSIONING).optional()?;
    Ok(output.and_then(|output| output.status) == Some(BucketVersioningStatus::Enabled))
}

async fn encryption(aws: &Aws, name: &str) -> Result<Option<ServerSideEncryptionRule>, AwsError> {
    let call = aws.s3.get_bucket_encryption().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(ops::GET_BUCKET_ENCRYPTION).optional()?;
    let configuration = output.and_then(|output| output.server_side_encryption_configuration);
    Ok(configuration.and_then(|configuration| configuration.rules.into_iter().next()))
}

fn default_encryption(rule: &ServerSideEncryptionRule) -> Option<Encryption> {
    let default = rule.apply_server_side_encryption_by_default()?;
    let key = default.kms_master_key_id().map(str::to_owned);
    Some(Encryption::new(default.sse_algorithm(), key, rule.bucket_key_enabled().unwrap_or(false)))
}

async fn public_access(aws: &Aws, name: &str) -> Result<PublicAccess, AwsError> {
    let call = aws.s3.get_public_access_block().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(ops::GET_PUBLIC_ACCESS_BLOCK).optional()?;
    let block = output.and_then(|output| output.public_access_block_configuration);
    Ok(block.as_ref().map(PublicAccess::from).unwrap_or_default())
}

async fn ownership(aws: &Aws, name: &str) -> Result<Option<String>, AwsError> {
    let call = aws.s3.get_bucket_ownership_controls().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(ops::GET_BUCKET_OWNERSHIP_CONTROLS).optional()?;
    let controls = output.and_then(|output| output.ownership_controls);
    Ok(controls.and_then(|controls| controls.rules().first().map(|rule| rule.object_ownership().as_str().to_owned())))
}

/// Reads the bucket's policy.
pub async fn policy(aws: &Aws, name: &str) -> Result<Policy, AwsError> {
    let operation = ops::GET_BUCKET_POLICY;
    let call = aws.s3.get_bucket_policy().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(operation).optional()?;
    // Never taken for an empty one: it is written back with what others put in it.
    output
        .and_then(|output| output.policy)
        .map_or(Ok(Policy::default()), |text| Policy::parse(&text))
        .map_err(|error| AwsError::reported(operation, "Unreadable", &error.to_string()))
}

/// Reads the bucket's lifecycle configuration.
pub async fn lifecycle(aws: &Aws, name: &str) -> Result<Lifecycle, AwsError> {
    let call =
        aws.s3.get_bucket_lifecycle_configuration().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let output = call.send().await.op(ops::GET_BUCKET_LIFECYCLE).optional()?;
    Ok(output.map_or_else(Lifecycle::default, |output| {
        Lifecycle::new(output.rules.unwrap_or_default(), output.transition_default_minimum_object_size)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Component;
    use crate::api::status::{ResourceState, ResourceStatus};
    use crate::monitor::fixtures;

    fn problem(code: &str, message: &str) -> Option<String> {
        elsewhere(&AwsError::reported(ops::GET_BUCKET_TAGGING, code, message))
    }

    #[test]
    fn a_missing_permission_is_not_taken_for_somebody_elses_bucket() {
        let lacking = "User: arn:aws:iam::1:role/r is not authorized to perform: s3:GetBucketTagging on resource: \
                       \"arn:aws:s3:::b\" because no identity-based policy allows the s3:GetBucketTagging action";
        assert_eq!(problem("AccessDenied", lacking), None);
        assert_eq!(problem("SlowDown", "Please reduce your request rate."), None);
    }

    #[test]
    fn only_what_was_seen_with_our_tag_was_ours() {
        let mut monitor = fixtures::monitor();
        let recorded = |kind, name: &str, arn: Option<&str>| ResourceStatus {
            component: Component::Bucket,
            kind,
            name: name.to_owned(),
            arn: arn.map(str::to_owned),
            state: ResourceState::InSync,
            message: None,
        };
        monitor.recorded = vec![
            recorded(ResourceKind::Bucket, "ours", Some("arn:aws:s3:::ours")),
            recorded(ResourceKind::Bucket, "never-made", None),
            recorded(ResourceKind::LogGroup, "group", Some("arn:aws:logs:::group")),
        ];
        let names = ["ours", "never-made", "group", "other"];
        assert_eq!(names.map(|name| was_ours(&monitor, name)), [true, false, false, false]);
    }

    #[test]
    fn a_bucket_out_of_reach_is_told_with_its_remedy() {
        for (code, message, part) in [
            ("AccessDenied", "Access Denied", "another AWS account"),
            (
                "AccessDenied",
                "… not authorized to perform … because no resource-based policy allows …",
                "another AWS account",
            ),
            ("PermanentRedirect", "must be addressed using the specified endpoint", "another region"),
            ("AuthorizationHeaderMalformed", "the region 'eu-west-1' is wrong", "another region"),
        ] {
            let problem = problem(code, message).unwrap();
            assert!(problem.contains(part) && problem.contains("spec.s3.bucketName"), "{problem}");
        }
    }
}
