use serde_json::Value;

use super::apply::put_policy;
use super::observe;
use super::policy::Policy;
use crate::aws::{Aws, AwsError};

/// Does work that may overwrite the policy of a bucket, then restores the lost statements, ours and those of others, but not AWS's `own`
/// ones. If the operator ends before that, the next pass restores them: it finds the policy overwritten, and the statements of others in
/// the status.
///
/// `CreateFlowLogs` to S3 is such work: "this policy overwrites any existing policy attached to the bucket", says "Amazon S3 bucket
/// permissions for flow logs" in the Amazon VPC user guide.
pub async fn keep_policy(
    aws: &Aws,
    bucket: &str,
    own: &[Value],
    work: impl Future<Output = Result<(), AwsError>>,
) -> Result<(), AwsError> {
    let before = observe::policy(aws, bucket).await?;
    // Work that returns an error may still have taken effect.
    let done = work.await;
    let kept = put_back(aws, bucket, &before, own).await;
    done.and(kept)
}

async fn put_back(aws: &Aws, bucket: &str, before: &Policy, own: &[Value]) -> Result<(), AwsError> {
    match observe::policy(aws, bucket).await?.regained(before, own) {
        Some(policy) => put_policy(aws, bucket, &policy).await,
        None => Ok(()),
    }
}
