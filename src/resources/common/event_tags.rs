//! Tags of event rules and event buses: `EventBridge` has the same calls for both.

use aws_sdk_eventbridge::types::Tag;

use crate::aws::{Aws, AwsError, AwsResult, Expected, operations as ops};
use crate::monitor::{TagCall, Tags};

/// The tags of a resource that an earlier call has just found.
pub async fn read(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let output =
        aws.events.list_tags_for_resource().resource_arn(arn).send().await.op(ops::LIST_EVENT_TAGS).expected()?;
    Ok(output.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// Sets or removes tags.
pub async fn change(aws: &Aws, arn: &str, call: TagCall<'_>) -> Result<(), AwsError> {
    match call {
        TagCall::Set(set) => {
            let request = aws.events.tag_resource().resource_arn(arn).set_tags(Some(sdk(set)?));
            request.send().await.op(ops::TAG_EVENTS_RESOURCE)?;
        }
        TagCall::Unset(unset) => {
            let request = aws.events.untag_resource().resource_arn(arn).set_tag_keys(Some(unset.to_vec()));
            request.send().await.op(ops::UNTAG_EVENTS_RESOURCE)?;
        }
    }
    Ok(())
}

/// Tags in the SDK's type.
pub fn sdk(tags: &Tags) -> Result<Vec<Tag>, AwsError> {
    let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
    let tags: Result<_, _> = tags.iter().map(tag).collect();
    tags.map_err(|error| AwsError::reported(ops::TAG_EVENTS_RESOURCE, "NotSent", &error.to_string()))
}
