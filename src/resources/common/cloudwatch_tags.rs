//! Tags of alarms and dashboards: CloudWatch has the same calls for both.

use aws_sdk_cloudwatch::types::Tag;

use crate::aws::{Aws, AwsError, AwsResult, Expected, operations as ops};
use crate::monitor::{TagCall, Tags};

/// The tags of a resource that an earlier call has just found.
pub async fn read(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let request = aws.cloudwatch.list_tags_for_resource().resource_arn(arn);
    let output = request.send().await.op(ops::LIST_CLOUDWATCH_TAGS).expected()?;
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    Ok(output.tags.unwrap_or_default().into_iter().map(pair).collect())
}

/// Sets or removes tags.
pub async fn change(aws: &Aws, arn: &str, call: TagCall<'_>) -> Result<(), AwsError> {
    match call {
        TagCall::Set(set) => {
            let request = aws.cloudwatch.tag_resource().resource_arn(arn).set_tags(Some(sdk(set)));
            request.send().await.op(ops::TAG_CLOUDWATCH)?;
        }
        TagCall::Unset(unset) => {
            let request = aws.cloudwatch.untag_resource().resource_arn(arn).set_tag_keys(Some(unset.to_vec()));
            request.send().await.op(ops::UNTAG_CLOUDWATCH)?;
        }
    }
    Ok(())
}

/// Tags in the SDK's type.
#[must_use]
pub fn sdk(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}
