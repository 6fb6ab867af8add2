//! Reads a bucket: first the tags, which decide whether the settings matter, then the settings concurrently.

use aws_sdk_s3::types::{BucketVersioningStatus, ServerSideEncryptionRule};

use super::lifecycle::Lifecycle;
use super::policy::Policy;
use super::state::{Encryption, Found, ObservedBucket, PublicAccess};
use super::{event_bridge, tags};
use crate::api::ResourceKind;
use crate::api::status::{ResourceState, ResourceStatus};
use crate::aws::{Aws, AwsError, AwsResult, Class, Optional, operations as ops};
use crate::monitor::{Claim, Claims, Monitor, Tags};

/// Reads the bucket of that name.
pub async fn observe(aws: &Aws, monitor: &Monitor, name: &str) -> Result<Option<Found>, AwsError> {
    match tags::read(aws, name).await {
        Ok(Some(tags)) => {
            let may_be_unfinished = tags.is_empty() && may_be_unfinished(monitor, name);
            let is_foreign = matches!(monitor.claim(&tags), Claim::Foreign(_));
            if is_foreign && !may_be_unfinished {
                // Its policy may deny reading the settings; those of a foreign bucket are not needed.
                return Ok(Some(Found::Here(Box::new(ObservedBucket::just_created(tags)))));
            }
            let settings = Box::pin(settings(aws, name, event_bridge::matters(monitor, &tags))).await;
            let unfinished =
                may_be_unfinished && settings.as_ref().is_ok_and(is_as_created) && is_empty(aws, name).await?;
            let bucket = if is_foreign && !unfinished {
                ObservedBucket::just_created(tags)
            } else {
                ObservedBucket { tags, unfinished, ..settings? }
            };
            Ok(Some(Found::Here(Box::new(bucket))))
        }
        Ok(None) => Ok(None),
        // A bucket of ours that can no longer be read may still be ours. If it were read as foreign, the operator would forget it.
        Err(error) if error.class == Class::Denied && was_ours(monitor, name) => Err(error),
        Err(error) => elsewhere(&error).map_or(Err(error), |problem| Ok(Some(Found::Elsewhere(problem)))),
    }
}

/// True if an earlier pass has found the bucket with our tag.
fn was_ours(monitor: &Monitor, name: &str) -> bool {
    recorded(monitor, name).any(|resource| resource.arn.is_some())
}

/// True if the monitor may have created the bucket without being able to tag it: where AWS rejects or ignores tags at creation, tagging
/// takes a second call. An earlier pass has seen that there was no bucket of this name, and recorded that it creates one. The name must
/// contain the hash of the monitor: any other name, from the spec or written into the status by somebody, may be that of anybody's bucket.
fn may_be_unfinished(monitor: &Monitor, name: &str) -> bool {
    let is_to_be_created =
        |resource: &ResourceStatus| resource.arn.is_none() && resource.state != ResourceState::Retained;
    name == monitor.names.default_bucket && recorded(monitor, name).any(is_to_be_created)
}

fn recorded<'a>(monitor: &'a Monitor, name: &'a str) -> impl Iterator<Item = &'a ResourceStatus> {
    monitor.recorded.iter().filter(move |resource| resource.kind == ResourceKind::Bucket && resource.name == name)
}

/// True if the settings are still those of a new bucket.
fn is_as_created(settings: &ObservedBucket) -> bool {
    let event_bridge = Some(settings.event_bridge.unwrap_or_default());
    let settings = ObservedBucket { blocked_encryption: None, event_bridge, ..settings.clone() };
    settings == ObservedBucket::just_created(Tags::new())
}

/// True if the bucket has no objects, versions or delete markers.
async fn is_empty(aws: &Aws, name: &str) -> Result<bool, AwsError> {
    let call =
        aws.s3.list_object_versions().bucket(name).expected_bucket_owner(&aws.account_region.account).max_keys(1);
    let page = call.send().await.op(ops::LIST_OBJECT_VERSIONS)?;
    Ok(page.versions().is_empty() && page.delete_markers().is_empty())
}

/// Returns a message about the bucket's account or region if the error means that the bucket cannot be used.
///
/// S3 names the caller and the missing permission ("is not authorized to perform …") only for buckets of the caller's own account or
/// organization, and adds "because no resource-based policy allows" only across accounts: S3 user guide, "Access denied error message
/// examples".
fn elsewhere(error: &AwsError) -> Option<String> {
    let is_permission = error.message.contains("not authorized to perform")
        && !error.message.contains("because no resource-based policy allows");
    match error.code.as_str() {
        "AccessDenied" if !is_permission => Some(
            "a bucket of this name belongs to another AWS account, or its policy refuses these credentials; set \
             spec.s3.bucketName to another name, or ask the owner of the bucket"
                .to_owned(),
        ),
        "PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed" => {
            Some("a bucket of this name is in another region; set spec.s3.bucketName to another name".to_owned())
        }
        _ => None,
    }
}

/// Reads everything but the tags.
async fn settings(aws: &Aws, name: &str, reads_event_bridge: bool) -> Result<ObservedBucket, AwsError> {
    let event_bridge =
        async { if reads_event_bridge { event_bridge::observe(aws, name).await.map(Some) } else { Ok(None) } };
    let (versioned, encryption, public_access, ownership, policy, lifecycle, event_bridge) = futures::try_join!(
        versioned(aws, name),
        encryption(aws, name),
        public_access(aws, name),
        ownership(aws, name),
        policy(aws, name),
        lifecycle(aws, name),
        event_bridge,
    )?;
    Ok(ObservedBucket {
        tags: Tags::new(),
        unfinished: false,
        versioned,
        encryption: encryption.as_ref().and_then(default_encryption),
        blocked_encryption: encryption.and_then(|rule| rule.blocked_encryption_types),
        public_access,
        ownership,
        policy,
        lifecycle,
        event_bridge,
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
    // An unreadable policy is an error, never an empty policy: the policy is written back with the statements of others.
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
    use crate::api::{Component, VpcFlowMonitorSpec};
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
    fn only_a_bucket_of_the_generated_name_that_was_never_seen_may_be_unfinished() {
        let may_be = |name: Option<&str>, arn: Option<&str>, state| {
            let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
            spec.s3.bucket_name = name.map(str::to_owned);
            let mut monitor = fixtures::with_spec(spec);
            let name = monitor.names.bucket.clone();
            monitor.recorded.push(ResourceStatus {
                component: Component::Bucket,
                kind: ResourceKind::Bucket,
                name: name.clone(),
                arn: arn.map(str::to_owned),
                state,
                message: None,
            });
            may_be_unfinished(&monitor, &name)
        };
        for state in [ResourceState::Creating, ResourceState::Failed, ResourceState::Deleting] {
            assert!(may_be(None, None, state));
            assert!(!may_be(None, Some("arn:aws:s3:::seen"), state));
            assert!(!may_be(Some("chosen"), None, state));
        }
        assert!(!may_be(None, None, ResourceState::Retained));
        let monitor = fixtures::monitor();
        assert!(!may_be_unfinished(&monitor, &monitor.names.bucket), "no pass has recorded it");
    }

    #[test]
    fn a_bucket_out_of_reach_is_reported_with_its_remedy() {
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
