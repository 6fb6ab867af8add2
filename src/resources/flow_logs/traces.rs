//! The traces of an applied monitor in AWS, for a plan without its status: its flow logs have its tag, and name the bucket, the log group and
//! the VPC.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::FlowLog as SdkFlowLog;

use super::{Destination, Found, calls};
use crate::api::status::{ResourceState, ResourceStatus};
use crate::api::{Component, ResourceKind};
use crate::aws::{Arn, Aws, AwsError};
use crate::monitor::{Monitor, OWNER};

/// The resources and the VPCs of the flow logs of a monitor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traces {
    /// Their buckets and log groups, as the status records them.
    pub resources: Vec<ResourceStatus>,
    /// Their VPCs, besides that of the spec.
    pub other_vpcs: BTreeSet<String>,
}

/// Reads the flow logs with the monitor's tag, of any VPC.
pub async fn traces(aws: &Aws, monitor: &Monitor) -> Result<Traces, AwsError> {
    let found = calls::described(aws, &format!("tag:{OWNER}"), &monitor.owner).await?;
    Ok(of_flow_logs(monitor, found))
}

fn of_flow_logs(monitor: &Monitor, flow_logs: Vec<SdkFlowLog>) -> Traces {
    let mut traces = Traces::default();
    for flow_log in flow_logs {
        let vpc_id = flow_log.resource_id.clone();
        // The filter takes `*` and `?` for any characters.
        let Some(found) = calls::read(monitor, flow_log).filter(|found| found.tags.get(OWNER) == Some(&monitor.owner))
        else {
            continue;
        };
        traces.other_vpcs.extend(vpc_id.filter(|vpc_id| *vpc_id != monitor.spec.vpc_id));
        let resource = destination(&found);
        traces.resources.extend(resource.filter(|resource| !traces.resources.contains(resource)));
    }
    traces
}

/// The bucket or the log group.
fn destination(found: &Found) -> Option<ResourceStatus> {
    let arn = found.flow_log.destination_arn();
    let (component, kind, arn) = match found.flow_log.destination {
        // The folder within the bucket follows.
        Destination::Bucket { .. } => (Component::Bucket, ResourceKind::Bucket, arn.split('/').next()?),
        Destination::LogGroup { .. } => (Component::LogGroup, ResourceKind::LogGroup, arn),
    };
    let resource = Arn::parse(arn)?.resource;
    let name = resource.strip_prefix("log-group:").unwrap_or(resource).to_owned();
    Some(ResourceStatus {
        component,
        kind,
        name,
        arn: Some(arn.to_owned()),
        state: ResourceState::InSync,
        message: None,
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{LogDestinationType, Tag};

    use super::*;
    use crate::monitor::fixtures;

    fn flow_log(owner: &str, vpc_id: &str, destination: &str) -> SdkFlowLog {
        let type_ =
            if destination.contains(":s3:") { LogDestinationType::S3 } else { LogDestinationType::CloudWatchLogs };
        SdkFlowLog::builder()
            .flow_log_id("fl-1")
            .resource_id(vpc_id)
            .log_destination_type(type_)
            .log_destination(destination)
            .tags(Tag::builder().key(OWNER).value(owner).build())
            .build()
    }

    #[test]
    fn own_flow_logs_name_the_bucket_the_log_group_and_the_vpc() {
        let monitor = fixtures::monitor();
        let (own, vpc_id) = (monitor.owner.as_str(), monitor.spec.vpc_id.as_str());
        let group = "arn:aws:logs:eu-west-1:123456789012:log-group:/former/group";
        let traces = of_flow_logs(
            &monitor,
            vec![
                flow_log(own, vpc_id, "arn:aws:s3:::former/vpc-flow-logs/"),
                flow_log(own, "vpc-00000000", "arn:aws:s3:::former/vpc-flow-logs/"),
                flow_log(own, vpc_id, &format!("{group}:*")),
                flow_log("cluster/network/productionX", "vpc-11111111", "arn:aws:s3:::theirs/"),
            ],
        );
        let named: Vec<_> =
            traces.resources.iter().map(|it| (it.component, it.name.as_str(), it.arn.as_deref())).collect();
        assert_eq!(
            named,
            [
                (Component::Bucket, "former", Some("arn:aws:s3:::former")),
                (Component::LogGroup, "/former/group", Some(group)),
            ]
        );
        assert_eq!(traces.other_vpcs, ["vpc-00000000".to_owned()].into());
    }
}
