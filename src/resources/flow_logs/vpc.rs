//! The VPC itself. It is looked up before anything is made for it: without it, everything but the flow logs would be made in vain.

use crate::aws::operations as ops;
use crate::aws::{Aws, AwsError, AwsResult};
use crate::monitor::Monitor;

/// Error codes for a VPC that does not exist; AWS's documents have both.
const MISSING: [&str; 2] = ["InvalidVpcID.NotFound", "InvalidVpcId.NotFound"];

/// The answer of AWS about a VPC.
#[derive(Debug)]
pub enum Vpc {
    /// It exists.
    Found,
    /// It does not exist in the account and region.
    Missing(AwsError),
    /// AWS did not say, for example because a permission is missing.
    Unknown(AwsError),
}

/// Looks the monitor's VPC up.
pub async fn look_up(aws: &Aws, monitor: &Monitor) -> Vpc {
    let id = &monitor.spec.vpc_id;
    match aws.ec2.describe_vpcs().vpc_ids(id).send().await.op(ops::DESCRIBE_VPCS) {
        Ok(output) if output.vpcs().iter().any(|vpc| vpc.vpc_id() == Some(id)) => Vpc::Found,
        Ok(_) => {
            let error =
                AwsError::reported(ops::DESCRIBE_VPCS, MISSING[0], &format!("the vpc ID '{id}' does not exist"));
            Vpc::Missing(with_remedy(monitor, error))
        }
        Err(error) if is_missing(&error) => Vpc::Missing(with_remedy(monitor, error)),
        Err(error) => Vpc::Unknown(error),
    }
}

/// True if AWS reports that the VPC does not exist.
pub fn is_missing(error: &AwsError) -> bool {
    MISSING.contains(&error.code.as_str())
}

/// The error with its remedy, for a file as well as for a monitor in the cluster.
pub fn with_remedy(monitor: &Monitor, error: AwsError) -> AwsError {
    // The operator makes nothing before it has found the VPC.
    if !monitor.recorded.is_empty() {
        return error.with_remedy(gone(monitor));
    }
    let place = &monitor.account_region;
    let remedy = format!(
        "spec.vpcId {} is not in account {}, region {}; correct it before you apply the monitor; one that is applied must be deleted and \
         created again, because vpcId and region are immutable",
        monitor.spec.vpc_id, place.account, place.region
    );
    error.with_remedy(remedy)
}

/// The text about a VPC that no longer exists, with the remedy.
#[must_use]
pub fn gone(monitor: &Monitor) -> String {
    let place = &monitor.account_region;
    format!(
        "VPC {} is no longer in account {}, region {}: there is no traffic to record; delete the monitor, and create another one for another \
         VPC",
        monitor.spec.vpc_id, place.account, place.region
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::{ResourceState, ResourceStatus};
    use crate::api::{Component, ResourceKind};
    use crate::monitor::fixtures;

    #[test]
    fn the_remedy_is_right_for_a_file_and_for_a_monitor_in_the_cluster() {
        let error = AwsError::reported(ops::DESCRIBE_VPCS, MISSING[0], "the vpc ID does not exist");
        let text = with_remedy(&fixtures::monitor(), error).to_string();
        assert!(
            text.contains("correct it before you apply the monitor; one that is applied must be deleted"),
            "{text}"
        );
        assert!(!text.contains("no longer"), "{text}");
    }

    #[test]
    fn a_vpc_that_has_vanished_cannot_be_corrected() {
        let mut monitor = fixtures::monitor();
        monitor.recorded.push(ResourceStatus {
            component: Component::Bucket,
            kind: ResourceKind::Bucket,
            name: "b".to_owned(),
            arn: None,
            state: ResourceState::InSync,
            message: None,
        });
        let error = AwsError::reported(ops::DESCRIBE_VPCS, MISSING[0], "the vpc ID does not exist");
        let text = with_remedy(&monitor, error).to_string();
        assert!(text.contains("is no longer in account 123456789012, region eu-west-1: there is no traffic"), "{text}");
        assert!(!text.contains("correct it"), "{text}");
    }
}
