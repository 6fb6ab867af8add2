//! The two flow logs of the VPC: one to the log group, one to the bucket.
//!
//! All but tags is fixed when a flow log is made, so every other change is a replacement. A flow log has no name; ours are told by
//! their tags, and a destination stands for the name: changes and the status speak of `cloud-watch-logs` and `s3`.

mod calls;
mod delivery;
mod flow_log;
mod health;
mod plan;
mod token;

use std::time::SystemTime;

use aws_smithy_types::DateTime;
pub use delivery::{Delivery, deliveries};
pub use flow_log::{Destination, FlowLog, Sink};
pub use health::Problem;
pub use plan::FlowLogOp;

use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{Applied, Diff, Goal, Invalid, Other, Report, System};
use crate::monitor::{Monitor, Tags};

/// The system [`Component::FlowLogs`].
#[derive(Debug)]
pub struct FlowLogs;

/// The flow log to this kind of destination. What reads its records changes after it: as few records as can be meet a reader that expects
/// others, and none do where AWS refuses the new flow log.
#[must_use]
pub const fn flow_log_to(sink: Sink) -> Other {
    Other { component: Component::FlowLogs, kind: ResourceKind::FlowLog, name: Some(sink.as_str()) }
}

/// All flow logs of the VPC to log groups and buckets, whoever made them.
#[derive(Clone, Debug)]
pub struct Observed {
    /// When AWS was asked; tokens follow from it.
    read_at: SystemTime,
    flow_logs: Vec<Found>,
}

/// A flow log that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    id: String,
    flow_log: FlowLog,
    tags: Tags,
    status: String,
    delivery_status: Option<String>,
    delivery_error: Option<String>,
    created_at: Option<DateTime>,
}

impl System for FlowLogs {
    type Desired = Vec<FlowLog>;
    type Observed = Observed;
    type Op = FlowLogOp;

    const COMPONENT: Component = Component::FlowLogs;
    const NEEDS: &'static [Component] = &[Component::Bucket, Component::DeliveryRole, Component::LogGroup];

    fn desired(monitor: &Monitor) -> Result<Option<Vec<FlowLog>>, Invalid> {
        Ok(Some(flow_log::wanted(monitor)))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        calls::observe(aws, monitor).await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &Observed) -> Diff<FlowLogOp> {
        match goal {
            Goal::Present(wanted) => plan::present(monitor, wanted, observed),
            Goal::Absent(removal) => plan::absent(monitor, removal, observed),
        }
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &FlowLogOp) -> Result<Applied, AwsError> {
        calls::apply(aws, monitor, op).await?;
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &Observed) -> Report {
        let ours = match goal {
            Goal::Present(wanted) => plan::in_use(monitor, wanted, observed),
            Goal::Absent(_) => plan::ours(monitor, observed).collect(),
        };
        health::report(monitor, &ours)
    }
}
