//! The plan of a monitor whose status cannot be read. AWS shows some of what the status records.

use super::{Plan, plan};
use crate::aws::Aws;
use crate::monitor::Monitor;
use crate::resources::flow_logs;

/// The note on a plan with the traces of the monitor in AWS.
const ONLY_TRACES: &str = "the plan was made without the monitor's status: of the resources that it has under former names, only the bucket and the log \
                           group of the present flow logs are in this plan, and a change of region or assumeRole, which are immutable, is not seen";

/// Plans as [`plan`] does. The bucket and the log group of former names, and a change of the VPC, are those that the flow logs of the monitor
/// show.
pub async fn plan_without_status(aws: &Aws, mut monitor: Monitor, destroy: bool) -> Plan {
    let traces = flow_logs::traces(aws, &monitor).await;
    if let Ok(traces) = &traces {
        monitor.recorded.clone_from(&traces.resources);
    }
    let mut plan = plan(aws, &monitor, destroy).await;
    match traces {
        Ok(traces) => {
            if !destroy {
                plan.judge_other_vpcs(&traces.other_vpcs);
            }
            plan.notes.push(ONLY_TRACES.to_owned());
        }
        Err(error) => plan.notes.push(format!(
            "the plan was made without the monitor's status: the resources that it has under former names are not in this plan, because \
             its flow logs could not be read: {error}"
        )),
    }
    plan
}
