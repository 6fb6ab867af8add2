//! Check 1: the VPC exists, and its flow logs are active and deliver.

use jiff::Timestamp;

use super::check::{Check, CheckName, Status, see_status};
use super::times;
use crate::monitor::Monitor;
use crate::resources::flow_logs::{Delivery, Sink, Vpc, gone};

/// Judges the flow logs: the worst counts. They outlive their VPC, and AWS still reports them as active.
pub fn judge(monitor: &Monitor, vpc: &Vpc, deliveries: &[Delivery], now: Timestamp) -> Check {
    if let Vpc::Missing(_) = vpc {
        return Check::new(CheckName::FlowLogs, Status::Failed, gone(monitor)).next(see_status(monitor));
    }
    let to_log_group = monitor.spec.cloud_watch_logs.enabled.then_some(Sink::CloudWatchLogs);
    let judged = to_log_group.into_iter().chain([Sink::S3]).map(|sink| {
        let delivery = deliveries.iter().find(|delivery| delivery.sink == sink);
        delivery.map_or_else(
            || (Status::Failed, format!("no flow log to {}", sink.as_str()), Some(see_status(monitor))),
            |delivery| judge_one(monitor, delivery, now),
        )
    });
    let judged: Vec<_> = judged.collect();
    let has = |status| judged.iter().any(|(known, ..)| *known == status);
    let status = [Status::Failed, Status::Waiting].into_iter().find(|status| has(*status)).unwrap_or(Status::Passed);
    let details: Vec<_> = judged.iter().map(|(_, detail, _)| detail.as_str()).collect();
    let mut next_steps: Vec<_> = judged.iter().filter_map(|(.., next)| next.as_deref()).collect();
    next_steps.dedup();
    let check = Check::new(CheckName::FlowLogs, status, details.join("; "));
    if next_steps.is_empty() { check } else { check.next(next_steps.join("; ")) }
}

fn judge_one(monitor: &Monitor, delivery: &Delivery, now: Timestamp) -> (Status, String, Option<String>) {
    let reported = |text: String| format!("{} ({}) {text}", delivery.sink.as_str(), delivery.id);
    let in_time = |detail: String| match times::expected_from(monitor, delivery, now) {
        Some(until) => (Status::Waiting, detail, Some(format!("wait until {until:.0}, then run verify again"))),
        None => (Status::Failed, detail, Some(see_status(monitor))),
    };
    if let Some(problem) = &delivery.problem {
        let detail =
            reported(format!("is {} but does not deliver: AWS reports {:?}", delivery.status, problem.reported));
        return (Status::Failed, detail, Some(problem.remedy.clone()));
    }
    match delivery.delivery_status.as_deref() {
        _ if delivery.status != "ACTIVE" => in_time(reported(format!("has status {:?}", delivery.status))),
        Some("SUCCESS") => (Status::Passed, reported("is ACTIVE and delivers".to_owned()), None),
        _ => in_time(reported("is ACTIVE, and AWS has not reported a delivery yet".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::AwsError;
    use crate::aws::operations as ops;
    use crate::resources::flow_logs::Problem;
    use crate::verify::fixtures::{delivery, monitor_with_interval, time};

    /// The verdict at 11:30 about two flow logs, of which the one to S3 was made then and is changed so.
    fn judged(made_at: &str, change: impl FnOnce(&mut Delivery)) -> Check {
        let mut s3 = delivery("s3", made_at);
        change(&mut s3);
        let deliveries = [delivery("cloud-watch-logs", "10:00:00"), s3];
        judge(&monitor_with_interval(60), &Vpc::Found, &deliveries, time("11:30:00"))
    }

    #[test]
    fn active_and_delivering_passes() {
        let check = judged("11:29:00", |_| {});
        assert_eq!((check.status, check.next_step), (Status::Passed, None));
        assert!(
            check.detail.contains("cloud-watch-logs") && check.detail.contains("s3 (fl-s3) is ACTIVE and delivers")
        );
    }

    #[test]
    fn flow_logs_of_a_vpc_that_is_gone_fail() {
        let error = |code| AwsError::reported(ops::DESCRIBE_VPCS, code, "no");
        let (monitor, now) = (monitor_with_interval(60), time("11:30:00"));
        let deliveries = [delivery("cloud-watch-logs", "10:00:00"), delivery("s3", "10:00:00")];
        let check = judge(&monitor, &Vpc::Missing(error("InvalidVpcID.NotFound")), &deliveries, now);
        assert_eq!(check.status, Status::Failed);
        assert!(check.detail.contains("is no longer in account"), "{check:?}");
        // A person without the permission learns of the flow logs all the same.
        let unknown = judge(&monitor, &Vpc::Unknown(error("UnauthorizedOperation")), &deliveries, now);
        assert_eq!(unknown.status, Status::Passed);
    }

    #[test]
    fn active_is_not_enough() {
        let refused = judged("11:29:00", |found| {
            found.delivery_status = Some("FAILED".into());
            found.problem = Some(Problem { reported: "Access error".into(), remedy: "check the policy".into() });
        });
        assert_eq!((refused.status, refused.next_step.as_deref()), (Status::Failed, Some("check the policy")));
        assert!(refused.detail.contains(r#"AWS reports "Access error""#), "{refused:?}");
    }

    #[test]
    fn what_is_not_there_yet_has_its_time() {
        for (made_at, status) in [("11:29:00", Status::Waiting), ("11:00:00", Status::Failed)] {
            assert_eq!(judged(made_at, |found| found.status = "PENDING".into()).status, status);
            assert_eq!(judged(made_at, |found| found.delivery_status = None).status, status);
        }
    }

    #[test]
    fn a_missing_flow_log_fails_and_is_worse_than_one_that_waits() {
        let mut young = delivery("s3", "11:29:00");
        young.delivery_status = None;
        let check = judge(&monitor_with_interval(60), &Vpc::Found, &[young], time("11:30:00"));
        assert_eq!(check.status, Status::Failed);
        assert!(check.detail.starts_with("no flow log to cloud-watch-logs; s3 (fl-s3)"), "{check:?}");
        assert!(check.next_step.unwrap().contains("vpc-flow-operator status"));
    }
}
