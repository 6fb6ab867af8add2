//! Empties a bucket and deletes it, in portions that fit into a pass.

use aws_sdk_s3::operation::list_object_versions::ListObjectVersionsOutput;
use aws_sdk_s3::types::{Delete, MultipartUpload, ObjectIdentifier};
use aws_smithy_types::error::operation::BuildError;
use futures::{StreamExt, TryStreamExt, stream};

use super::tags::not_built;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops, refusals};
use crate::engine::Applied;

/// Pages of one pass, with up to 1,000 object versions each: as many as S3 lists, and deletes, in a call. A stop or `suspend` takes effect
/// only between passes, so this number limits a pass to a few seconds.
const PAGES: usize = 8;
/// Uploads that are aborted concurrently; S3 has no call that aborts several.
const ABORTS_AT_A_TIME: usize = 10;

/// Removes all versions, delete markers and unfinished uploads, then the bucket.
pub async fn delete(aws: &Aws, name: &str) -> Result<Applied, AwsError> {
    let mut removed = 0;
    let mut last = String::new();
    for _ in 0..PAGES {
        let call = aws.s3.list_object_versions().bucket(name).expected_bucket_owner(&aws.account_region.account);
        let Some(page) = call.send().await.op(ops::LIST_OBJECT_VERSIONS).optional()? else {
            return Ok(Applied::Done);
        };
        let versions = identifiers(page).map_err(not_built(ops::DELETE_OBJECTS))?;
        let Some(version) = versions.last() else {
            return delete_emptied(aws, name).await;
        };
        last.clone_from(&version.key);
        removed += versions.len();
        delete_versions(aws, name, versions).await?;
    }
    Ok(Applied::InProgress(format!("{removed} object versions removed up to {last}, more to go")))
}

fn identifiers(page: ListObjectVersionsOutput) -> Result<Vec<ObjectIdentifier>, BuildError> {
    let versions = page.versions.unwrap_or_default().into_iter().map(|version| (version.key, version.version_id));
    let markers = page.delete_markers.unwrap_or_default().into_iter().map(|marker| (marker.key, marker.version_id));
    let mut identifiers = versions
        .chain(markers)
        .map(|(key, version)| ObjectIdentifier::builder().set_key(key).set_version_id(version).build())
        .collect::<Result<Vec<_>, _>>()?;
    identifiers.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(identifiers)
}

async fn delete_versions(aws: &Aws, name: &str, versions: Vec<ObjectIdentifier>) -> Result<(), AwsError> {
    let operation = ops::DELETE_OBJECTS;
    // In quiet mode, the answer names only the objects that could not be deleted.
    let delete = Delete::builder().set_objects(Some(versions)).quiet(true).build().map_err(not_built(operation))?;
    let output = aws
        .s3
        .delete_objects()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .delete(delete)
        .send()
        .await
        .op(operation)?;
    refusals::of_objects(output.errors()).map_or(Ok(()), |refusal| Err(AwsError::refused(operation, &refusal)))
}

async fn delete_emptied(aws: &Aws, name: &str) -> Result<Applied, AwsError> {
    let call = aws.s3.list_multipart_uploads().bucket(name).expected_bucket_owner(&aws.account_region.account);
    let Some(page) = call.send().await.op(ops::LIST_MULTIPART_UPLOADS).optional()? else {
        return Ok(Applied::Done);
    };
    let more = page.is_truncated.unwrap_or(false);
    let uploads = page.uploads.unwrap_or_default();
    let aborted = uploads.len();
    stream::iter(uploads)
        .map(|upload| abort(aws, name, upload))
        .buffer_unordered(ABORTS_AT_A_TIME)
        .try_collect::<()>()
        .await?;
    if more {
        return Ok(Applied::InProgress(format!("{aborted} unfinished uploads aborted, more to go")));
    }
    let call = aws.s3.delete_bucket().bucket(name).expected_bucket_owner(&aws.account_region.account);
    call.send().await.op(ops::DELETE_BUCKET).or_gone()?;
    Ok(Applied::Done)
}

async fn abort(aws: &Aws, name: &str, upload: MultipartUpload) -> Result<(), AwsError> {
    aws.s3
        .abort_multipart_upload()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        .set_key(upload.key)
        .set_upload_id(upload.upload_id)
        .send()
        .await
        .op(ops::ABORT_MULTIPART_UPLOAD)
        .or_gone()
}
