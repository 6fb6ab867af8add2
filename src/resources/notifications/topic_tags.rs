//! Tags of topics.

use aws_sdk_sns::types::Tag;

use crate::aws::{Aws, AwsError, AwsResult, Class, operations as ops};
use crate::monitor::{OWNER, TagCall, Tags};

/// Reads the tags of a topic.
pub async fn read(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let output = aws.sns.list_tags_for_resource().resource_arn(arn).send().await.op(ops::LIST_TOPIC_TAGS)?;
    Ok(output.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The monitor that a topic belongs to, as far as its tags may be read.
pub async fn owner(aws: &Aws, arn: &str) -> Result<Option<String>, AwsError> {
    match read(aws, arn).await {
        Ok(mut tags) => Ok(tags.remove(OWNER)),
        Err(error) if matches!(error.class, Class::Denied | Class::NotFound | Class::Terminal) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sets or removes tags of a topic.
pub async fn change(aws: &Aws, arn: &str, call: TagCall<'_>) -> Result<(), AwsError> {
    match call {
        TagCall::Set(set) => {
            let request = aws.sns.tag_resource().resource_arn(arn).set_tags(Some(sdk(set)));
            request.send().await.op(ops::TAG_TOPIC)?;
        }
        TagCall::Unset(unset) => {
            let request = aws.sns.untag_resource().resource_arn(arn).set_tag_keys(Some(unset.to_vec()));
            request.send().await.op(ops::UNTAG_TOPIC)?;
        }
    }
    Ok(())
}

/// Tags in the SDK's type.
pub fn sdk(tags: &Tags) -> Vec<Tag> {
    // Both parts are always given, so building cannot fail.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}
