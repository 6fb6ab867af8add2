use super::apply::put_policy;
use super::observe;
use crate::aws::{Aws, AwsError};

/// Does work that may overwrite the policy of a bucket, and puts back what was lost, ours and others' alike.
///
/// `CreateFlowLogs` to S3 is such work: "this policy overwrites any existing policy attached to the bucket", says "Amazon S3 bucket
/// permissions for flow logs" in the Amazon VPC user guide.
pub async fn keep_policy(
    aws: &Aws,
    bucket: &str,
    work: impl Future<Output = Result<(), AwsError>>,
) -> Result<(), AwsError> {
    let before = observe::policy(aws, bucket).await?;
    work.await?;
    match observe::policy(aws, bucket).await?.regained(&before) {
        Some(policy) => put_policy(aws, bucket, &policy).await,
        None => Ok(()),
    }
}
