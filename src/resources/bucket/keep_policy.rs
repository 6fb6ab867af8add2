use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
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
    let kept = put_back(aws, bucket, &before, own, done.is_ok()).await;
    done.and(kept)
}

async fn put_back(aws: &Aws, bucket: &str, before: &Policy, own: &[Value], is_done: bool) -> Result<(), AwsError> {
    let mut now = observe::policy(aws, bucket).await?;
    // S3 may still answer with the policy before the work. If it does so for three seconds, that policy is written again, in case the work has
    // replaced it. AWS's own statements are lost then, but ours allow the same.
    for wait in ExponentialBuilder::default().with_min_delay(Duration::from_millis(200)).with_max_times(4).build() {
        if !is_done || now != *before {
            break;
        }
        tokio::time::sleep(wait).await;
        now = observe::policy(aws, bucket).await?;
    }
    let unchanged = || now.unchanged_since(before).filter(|_| is_done);
    match now.regained(before, own).or_else(unchanged) {
        Some(policy) => put_policy(aws, bucket, &policy).await,
        None => Ok(()),
    }
}
