//! The VPC of a plan: it may be missing, and it cannot be changed.

use std::collections::BTreeSet;

use super::{Plan, PlannedChange, Problem};
use crate::api::Component;
use crate::api::conditions::Reason;
use crate::engine::Action;
use crate::monitor::Monitor;
use crate::resources::flow_logs::{self, Vpc};

impl Plan {
    /// Takes the answer of AWS about the VPC. Without it there are no flow logs, and the operator makes nothing at all for a new monitor.
    pub(super) fn judge_vpc(&mut self, vpc: Vpc, monitor: &Monitor) {
        match vpc {
            Vpc::Found => {}
            Vpc::Unknown(error) => self.notes.push(format!("the VPC was not looked up: {error}")),
            Vpc::Missing(error) => {
                let is_new = monitor.recorded.is_empty();
                // The operator looks up the VPC of a new monitor, and otherwise learns of it from the creation of a flow log.
                if !is_new && !self.changes.iter().any(makes_flow_log) {
                    self.notes.push(flow_logs::gone(monitor));
                    return;
                }
                self.block(error.to_string(), Reason::Rejected, |planned| is_new || makes_flow_log(planned));
            }
        }
    }

    /// Takes the VPCs of the monitor's flow logs, besides that of the spec. The API server refuses the change of an applied monitor.
    pub(super) fn judge_other_vpcs(&mut self, others: &BTreeSet<String>) {
        if others.is_empty() {
            return;
        }
        let others = others.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!(
            "spec.vpcId: vpcId is immutable: in AWS this monitor has flow logs of {others}; `kubectl apply` refuses the change to {} as long as \
             the monitor exists: create another VpcFlowMonitor for another VPC",
            self.vpc_id
        );
        self.block(message, Reason::InvalidSpec, |_| true);
    }

    /// Adds a problem of the flow logs, and lets changes wait for its solution.
    fn block(&mut self, message: String, reason: Reason, needs_it: impl Fn(&PlannedChange) -> bool) {
        let waits = |planned: &&mut PlannedChange| planned.waits_for.is_empty() && needs_it(planned);
        for planned in self.changes.iter_mut().filter(waits) {
            planned.waits_for.push(Component::FlowLogs);
        }
        self.problems.insert(0, Problem { component: Component::FlowLogs, reason, message });
    }
}

fn makes_flow_log(planned: &PlannedChange) -> bool {
    planned.component == Component::FlowLogs && matches!(planned.change.action, Action::Create | Action::Replace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ResourceKind;
    use crate::api::status::{ResourceState, ResourceStatus};
    use crate::aws::AwsError;
    use crate::aws::operations as ops;
    use crate::engine::{Change, Direction};
    use crate::monitor::fixtures;
    use crate::plan::of_outcomes;

    fn plan(changes: &[(Component, Action)]) -> Plan {
        let mut plan = of_outcomes(&fixtures::monitor(), Direction::Build, Vec::new());
        let planned = |(component, action): &(Component, Action)| PlannedChange {
            component: *component,
            waits_for: Vec::new(),
            change: Change::new(*action, ResourceKind::FlowLog, "s3"),
        };
        plan.changes = changes.iter().map(planned).collect();
        plan
    }

    const BUCKET: (Component, Action) = (Component::Bucket, Action::Create);
    const FLOW_LOG: (Component, Action) = (Component::FlowLogs, Action::Create);

    #[test]
    fn a_missing_vpc_is_a_problem_where_the_operator_learns_of_it_and_otherwise_a_note() {
        let judged = |changes: &[(Component, Action)], is_new: bool| {
            let (mut plan, mut monitor) = (plan(changes), fixtures::monitor());
            if !is_new {
                let (component, kind, name) = (Component::Bucket, ResourceKind::Bucket, "b".to_owned());
                let state = ResourceState::InSync;
                monitor.recorded.push(ResourceStatus { component, kind, name, arn: None, state, message: None });
            }
            let error = AwsError::reported(ops::DESCRIBE_VPCS, "InvalidVpcID.NotFound", "no");
            plan.judge_vpc(Vpc::Missing(error), &monitor);
            (plan.problems.len(), plan.waiting(), plan.notes.len())
        };
        assert_eq!(judged(&[BUCKET, FLOW_LOG], true), (1, 2, 0), "nothing is made for a new monitor");
        assert_eq!(judged(&[BUCKET, FLOW_LOG], false), (1, 1, 0));
        assert_eq!(judged(&[BUCKET], false), (0, 0, 1), "no flow log is created");
        assert_eq!(judged(&[(Component::FlowLogs, Action::Update)], false), (0, 0, 1));
        assert_eq!(judged(&[], false), (0, 0, 1));
    }

    #[test]
    fn flow_logs_of_another_vpc_show_that_the_spec_was_changed() {
        let mut unchanged = plan(&[BUCKET]);
        unchanged.judge_other_vpcs(&BTreeSet::new());
        assert_eq!((unchanged.problems.len(), unchanged.waiting()), (0, 0));
        let mut changed = plan(&[BUCKET, FLOW_LOG]);
        changed.judge_other_vpcs(&["vpc-11111111".to_owned()].into());
        assert_eq!((changed.problems.len(), changed.waiting()), (1, 2));
        let Problem { reason, message, .. } = &changed.problems[0];
        assert_eq!(*reason, Reason::InvalidSpec);
        assert!(
            message.contains("vpcId is immutable: in AWS this monitor has flow logs of vpc-11111111;"),
            "{message}"
        );
    }
}
