//! The tags of a bucket.

use aws_sdk_s3::types::{Tag, Tagging};
use aws_smithy_types::error::operation::BuildError;

use crate::aws::operations::{Operation, Service};
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::{TagDiff, Tags};

/// The tags of the bucket of that name, or `None` if there is none.
pub async fn read(aws: &Aws, name: &str) -> Result<Option<Tags>, AwsError> {
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

/// Carries out a change of tags. They are written whole, and read right before, because others may have changed them since the pass began.
pub async fn put(aws: &Aws, name: &str, tags: &TagDiff) -> Result<(), AwsError> {
    let operation = ops::PUT_BUCKET_TAGGING;
    let present = read(aws, name).await?.unwrap_or_default();
    let tagging = sdk(&tags.applied_to(&present))
        .and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build())
        .map_err(not_built(operation))?;
    let call =
        aws.s3.put_bucket_tagging().bucket(name).expected_bucket_owner(&aws.account_region.account).tagging(tagging);
    call.send().await.op(operation)?;
    Ok(())
}

/// Tags as the SDK has them.
pub fn sdk(tags: &Tags) -> Result<Vec<Tag>, BuildError> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// The error for a request without a required part. It never occurs as long as the code sets that part.
pub fn not_built(operation: &'static Operation) -> impl Fn(BuildError) -> AwsError {
    move |error| AwsError::reported(operation, "NotSent", &error.to_string())
}
