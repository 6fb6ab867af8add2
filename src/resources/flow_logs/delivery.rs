//! Read-only access to the state of the monitor's flow logs.

use aws_smithy_types::DateTime;

use super::health::{self, Problem};
use super::{Sink, calls, flow_log, plan};
use crate::aws::{Aws, AwsError};
use crate::monitor::Monitor;

/// One of the monitor's flow logs.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// AWS's id, `fl-…`.
    pub id: String,
    /// Kind of its destination.
    pub sink: Sink,
    /// `ACTIVE` once AWS has set it up.
    pub status: String,
    /// `SUCCESS` or `FAILED`, as AWS last reported; absent before the first delivery.
    pub delivery_status: Option<String>,
    /// The reason why no records arrive, if AWS reports a failure.
    pub problem: Option<Problem>,
    /// Time of its creation.
    pub created_at: Option<DateTime>,
}

/// Reads the flow logs that the monitor uses: at most one for each kind of destination.
pub async fn deliveries(aws: &Aws, monitor: &Monitor) -> Result<Vec<Delivery>, AwsError> {
    let observed = calls::observe(aws, monitor).await?;
    let wanted = flow_log::wanted(monitor);
    let delivery = |found: &super::Found| Delivery {
        id: found.id.clone(),
        sink: found.flow_log.sink(),
        status: found.status.clone(),
        delivery_status: found.delivery_status.clone(),
        problem: health::problem(monitor, found),
        created_at: found.created_at,
    };
    Ok(plan::in_use(monitor, &wanted, &observed).into_iter().map(delivery).collect())
}
