//! Health of the flow logs: delivery failures that AWS reports, with their remedies.

use std::fmt::{self, Display, Formatter};

use super::{Destination, FlowLog, Found};
use crate::api::ResourceKind;
use crate::api::conditions::Reason;
use crate::api::status::FlowLogStatus;
use crate::engine::{Existing, Report, SystemHealth};
use crate::monitor::Monitor;

/// The report on our flow logs.
pub fn report(monitor: &Monitor, ours: &[&Found]) -> Report {
    let resources = ours.iter().map(|found| {
        let arn = monitor.account_region.arn("ec2", format!("vpc-flow-log/{}", found.id));
        let mut existing = Existing::new(ResourceKind::FlowLog, found.flow_log.sink().as_str(), arn);
        existing.message = problem(monitor, found).map(|problem| problem.to_string());
        existing
    });
    Report { health: health(monitor, ours), ..Report::of(resources) }
}

/// The flow logs as the status shows them.
pub fn statuses(ours: &[&Found]) -> Vec<FlowLogStatus> {
    let status = |found: &&Found| FlowLogStatus {
        destination: found.flow_log.sink().as_str().to_owned(),
        id: found.id.clone(),
        status: found.status.clone(),
        delivery_status: found.delivery_status.clone(),
        delivery_error: found.delivery_error.clone(),
    };
    ours.iter().map(status).collect()
}

/// The health of our flow logs, from `FlowLogStatus` and the delivery errors: `FlowLogStatus` alone says nothing about delivery.
fn health(monitor: &Monitor, ours: &[&Found]) -> SystemHealth {
    let reported = |found: &Found, problem: String| {
        format!("flow log {} ({}): {problem}", found.flow_log.sink().as_str(), found.id)
    };
    let problems: Vec<_> =
        ours.iter().filter_map(|found| Some(reported(found, problem(monitor, found)?.to_string()))).collect();
    if !problems.is_empty() {
        return SystemHealth::Failing(Reason::DeliveryFailed, problems.join("; "));
    }
    let pending: Vec<_> = ours
        .iter()
        .filter(|found| found.status != "ACTIVE")
        .map(|found| reported(found, format!("AWS is still setting it up, its status is {:?}", found.status)))
        .collect();
    if pending.is_empty() { SystemHealth::Good } else { SystemHealth::Pending(pending.join("; ")) }
}

/// A delivery failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Error as AWS reports it.
    pub reported: String,
    /// The meaning of the error, and the things to check.
    pub remedy: String,
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "AWS reports {:?}: {}", self.reported, self.remedy)
    }
}

/// Returns the delivery failure that AWS reports, if any. The meanings of errors are those of `FlowLog` in the EC2 API reference.
pub fn problem(monitor: &Monitor, found: &Found) -> Option<Problem> {
    let error = found.delivery_error.as_deref().filter(|error| !error.is_empty());
    if error.is_none() && found.delivery_status.as_deref() != Some("FAILED") {
        return None;
    }
    let error = error.unwrap_or("FAILED");
    let remedy = match error {
        "Access error" => access(monitor, &found.flow_log),
        "Rate limited" => {
            "CloudWatch Logs throttles the delivery, so records are lost; ask AWS for a higher quota, or record \
                           less with spec.cloudWatchLogs.trafficType or spec.cloudWatchLogs.fields"
                .to_owned()
        }
        "Unknown error" => {
            "an internal error of AWS, which mostly passes; contact AWS Support if it stays for hours".to_owned()
        }
        _ => format!("see the flow log in the VPC console; {}", access(monitor, &found.flow_log)),
    };
    Some(Problem { reported: error.to_owned(), remedy })
}

/// The things to check if AWS cannot deliver to the destination of a flow log.
pub fn access(monitor: &Monitor, flow_log: &FlowLog) -> String {
    let key = |key: Option<&String>, service: &str| {
        key.map(|key| format!(", that the policy of key {key} lets {service} use it")).unwrap_or_default()
    };
    match &flow_log.destination {
        Destination::LogGroup { arn, role_arn } => format!(
            "check that {arn} exists, that role {} may write to it{} and that no service control policy denies it",
            role_arn.as_deref().unwrap_or("(none)"),
            key(
                monitor.spec.cloud_watch_logs.kms_key_arn.as_ref(),
                &format!("logs.{}.amazonaws.com", monitor.account_region.region)
            ),
        ),
        Destination::Bucket { arn, .. } => format!(
            "check that the bucket exists, that its policy lets delivery.logs.amazonaws.com write to {arn}{} and that no \
             service control policy denies it",
            key(monitor.spec.s3.kms_key_arn.as_ref(), "delivery.logs.amazonaws.com"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::super::flow_log::wanted;
    use super::super::{Observed, plan};
    use super::*;
    use crate::monitor::fixtures;

    /// The health of a default monitor after `change` to each of its flow logs.
    fn health_after(change: impl Fn(&mut Found)) -> SystemHealth {
        let monitor = fixtures::monitor();
        let mut flow_logs: Vec<_> = wanted(&monitor)
            .into_iter()
            .map(|flow_log| Found {
                id: format!("fl-{}", flow_log.sink().as_str()),
                flow_log,
                tags: monitor.tags.clone(),
                status: "ACTIVE".into(),
                delivery_status: Some("SUCCESS".into()),
                delivery_error: None,
                created_at: None,
            })
            .collect();
        flow_logs.iter_mut().for_each(change);
        let observed = Observed { read_at: SystemTime::UNIX_EPOCH, flow_logs };
        report(&monitor, &plan::in_use(&monitor, &wanted(&monitor), &observed)).health
    }

    #[test]
    fn active_and_delivering_is_good_and_so_is_before_the_first_delivery() {
        assert_eq!(health_after(|_| {}), SystemHealth::Good);
        assert_eq!(health_after(|found| found.delivery_status = None), SystemHealth::Good);
    }

    #[test]
    fn not_yet_active_is_pending() {
        let SystemHealth::Pending(text) = health_after(|found| found.status = "PENDING".into()) else { panic!() };
        assert!(text.contains("flow log s3 (fl-s3)") && text.contains("cloud-watch-logs"), "{text}");
    }

    #[test]
    fn an_active_flow_log_that_does_not_deliver_fails_and_says_what_to_check() {
        for (error, clue) in [
            ("Access error", "delivery.logs.amazonaws.com"),
            ("Access error", "-delivery may write to it"),
            ("Rate limited", "throttles"),
            ("Unknown error", "AWS Support"),
            ("Something new", "VPC console"),
        ] {
            let health = health_after(|found| found.delivery_error = Some(error.into()));
            let SystemHealth::Failing(Reason::DeliveryFailed, text) = health else { panic!("{health:?}") };
            assert!(text.contains(error) && text.contains(clue), "{text}");
        }
        let health = health_after(|found| found.delivery_status = Some("FAILED".into()));
        assert!(matches!(health, SystemHealth::Failing(Reason::DeliveryFailed, _)), "{health:?}");
    }
}
