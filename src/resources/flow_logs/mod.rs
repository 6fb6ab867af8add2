//! The two flow logs of the VPC: one to the log group, one to the bucket.
//!
//! All but tags is fixed when a flow log is made, so every other change is a replacement. A flow log has no name. Ours are recognised by
//! their tags, and the kind of destination is used as the name: `cloud-watch-logs` and `s3` in changes and in the status.

mod calls;
mod delivery;
mod flow_log;
mod health;
mod neighbours;
mod plan;
mod token;
mod traces;
mod vpc;

use std::time::SystemTime;

use aws_smithy_types::DateTime;

pub use delivery::{Delivery, deliveries};
pub use flow_log::{Destination, FlowLog};
pub use health::Problem;
pub use neighbours::{mentions, watched_twice};
pub use plan::FlowLogOp;
pub use traces::{Traces, traces};
pub use vpc::{Vpc, gone, look_up};

use crate::api::{Component, Invalid};
use crate::aws::{Aws, AwsError};
use crate::engine::{AnyCall, Applied, Call, Details, Diff, Goal, Report, System};
use crate::monitor::{Monitor, Tags};
use crate::resources::bucket::without_aws_own;
pub use crate::resources::common::sink::Sink;

/// The system [`Component::FlowLogs`].
#[derive(Debug)]
pub struct FlowLogs;

/// All flow logs of the VPC to log groups and buckets, whoever made them.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Time of the read; tokens are derived from it.
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

    const COMPONENT: Component = Component::FlowLogs;
    const NEEDS: &'static [Component] = &[Component::Bucket, Component::DeliveryRole, Component::LogGroup];
    // The flow log to the log group stays until the detector has another source.
    const CLEARS_AFTER: &'static [Component] = &[Component::Detector];
    const TORN_DOWN_FIRST: bool = true;

    fn desired(monitor: &Monitor) -> Result<Option<Vec<FlowLog>>, Invalid> {
        Ok(Some(flow_log::wanted(monitor)))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        calls::observe(aws, monitor).await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &Observed) -> Diff<AnyCall> {
        match goal {
            Goal::Present(wanted) => plan::present(monitor, wanted, observed).erase(),
            Goal::Absent(removal) => plan::absent(monitor, removal, observed).erase(),
        }
    }

    fn report(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &Observed) -> Report {
        let report = health::report(monitor, &in_use(monitor, goal, observed));
        match goal {
            Goal::Present(_) => {
                Report { notices: neighbours::notice(monitor, observed).into_iter().collect(), ..report }
            }
            Goal::Absent(_) => report,
        }
    }

    fn details(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &Observed) -> Details {
        let flow_logs = health::statuses(&in_use(monitor, goal, observed));
        let wanted = flow_log::wanted(monitor);
        let ours = plan::ours(monitor, observed).map(|found| &found.flow_log).chain(&wanted);
        let own = flow_log::bucket_statements(&monitor.account_region, ours);
        Details::new(move |status| {
            status.flow_logs.clone_from(&flow_logs);
            // Only this system knows the statements of AWS that are for our flow logs.
            let others = status.others_bucket_policy.take();
            status.others_bucket_policy = others.and_then(|others| without_aws_own(&others, &own));
        })
    }
}

fn in_use<'a>(monitor: &Monitor, goal: Goal<&Vec<FlowLog>>, observed: &'a Observed) -> Vec<&'a Found> {
    match goal {
        Goal::Present(wanted) => plan::in_use(monitor, wanted, observed),
        Goal::Absent(_) => plan::ours(monitor, observed).collect(),
    }
}

impl Call for FlowLogOp {
    async fn run(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        calls::apply(aws, monitor, self).await?;
        Ok(Applied::Done)
    }
}
