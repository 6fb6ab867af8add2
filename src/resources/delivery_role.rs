//! The role through which flow logs reach the log group.
//!
//! See "IAM role for publishing flow logs to CloudWatch Logs" in the Amazon VPC user guide. `logs:CreateLogGroup` is left out on
//! purpose: with it, a late delivery would recreate a deleted log group without retention.

use serde_json::json;

use super::common::role::{self, FoundRole, Role};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{AnyCall, Diff, Goal, Other, Report, System, existing, ownership};
use crate::monitor::{Monitor, Owner};

/// The system [`Component::DeliveryRole`].
#[derive(Debug)]
pub struct DeliveryRole;

/// The role as a precondition: a step that follows it is taken only once the role is as declared.
#[must_use]
pub const fn delivery_role() -> Other {
    Other { component: Component::DeliveryRole, kind: ResourceKind::Role, name: None }
}

impl System for DeliveryRole {
    type Desired = Role;
    type Observed = Option<FoundRole>;

    const COMPONENT: Component = Component::DeliveryRole;
    // The role gets no permission on a log group that belongs to somebody else.
    const NEEDS: &'static [Component] = &[Component::LogGroup];
    // The flow logs report if AWS can no longer deliver records.
    const TOUCHES: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Role>, Invalid> {
        if !monitor.spec.cloud_watch_logs.enabled {
            return Ok(None);
        }
        // After a change of the log group's name, the flow log delivers to the former group until it is replaced.
        let names = monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group);
        let groups: Vec<_> = names.iter().map(|name| monitor.log_group_arn(name)).collect();
        let resources: Vec<_> = groups.iter().flat_map(|group| [group.clone(), format!("{group}:*")]).collect();
        let trust = role::service_trust(
            "vpc-flow-logs.amazonaws.com",
            Some(json!({
                "StringEquals": {"aws:SourceAccount": monitor.account_region.account},
                "ArnLike": {"aws:SourceArn": monitor.account_region.arn("ec2", "vpc-flow-log/*")},
            })),
        );
        let delivery = json!({
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "DeliverRecords",
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": resources,
                },
                {
                    "Sid": "FindLogGroup",
                    "Effect": "Allow",
                    "Action": "logs:DescribeLogGroups",
                    "Resource": "*",
                },
            ],
        });
        Ok(Some(Role {
            name: monitor.names.delivery_role(),
            description: format!("Delivers VPC flow logs of VpcFlowMonitor {}/{}", monitor.namespace, monitor.name),
            trust,
            policies: [("deliver-flow-logs".to_owned(), delivery)].into(),
            boundary: monitor.permissions_boundary(),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<FoundRole>, AwsError> {
        let name = monitor.names.delivery_role();
        role::observe(aws, &name).await.about(ResourceKind::Role, &name)
    }

    fn diff(monitor: &Monitor, goal: Goal<&Role>, observed: &Option<FoundRole>) -> Diff<AnyCall> {
        ownership::diff(monitor, goal, &monitor.names.delivery_role(), observed.as_ref()).erase()
    }

    fn report(monitor: &Monitor, _goal: Goal<&Role>, observed: &Option<FoundRole>) -> Report {
        Report::of(existing::<Role, _>(monitor, &monitor.names.delivery_role(), observed.as_ref()))
    }
}
