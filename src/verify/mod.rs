//! Verifies that a monitor does its work, with five checks in AWS.
//!
//! Each check reads, and judges what it read by a pure function. Nothing is changed but what [`AwsGate::of_verify`] lets through:
//! a query is run, and an alarm is set if that is asked for.
//!
//! [`AwsGate::of_verify`]: crate::aws::AwsGate::of_verify

mod alarm_notification;
mod arrivals;
mod check;
#[cfg(test)]
mod fixtures;
mod flow_logs;
mod log_events;
mod objects;
mod query;
mod subject;
mod table;
mod times;

use jiff::Timestamp;
use tokio::time::Instant;

pub use check::{Check, CheckName, Status, Verification};
pub use subject::{SubjectError, connect, notes};
pub use table::{Symbols, render};

use crate::aws::Aws;
use crate::monitor::Monitor;
use crate::resources::flow_logs::{Sink, deliveries, look_up};

/// Runs all checks at once.
///
/// With `test_alarm`, an alarm is set to ALARM for a moment. Waits for AWS until `deadline` where it needs time.
pub async fn verify(aws: &Aws, monitor: &Monitor, test_alarm: bool, deadline: Instant) -> Verification {
    let now = Timestamp::now();
    let deliveries = deliveries(aws, monitor).await;
    let delivery = |sink| deliveries.iter().flatten().find(|delivery| delivery.sink == sink);
    let (logs, s3) = (delivery(Sink::CloudWatchLogs), delivery(Sink::S3));
    // The files are found by the flow log's id.
    let objects = async {
        match &deliveries {
            Ok(_) => objects::check(aws, monitor, s3, now).await,
            Err(error) => Check::unanswered(CheckName::Objects, monitor, error),
        }
    };
    let (vpc, log_events, objects, notification, query) = tokio::join!(
        look_up(aws, monitor),
        log_events::check(aws, monitor, logs, now),
        objects,
        alarm_notification::check(aws, monitor, test_alarm, deadline),
        query::check(aws, monitor, s3, now, deadline),
    );
    let flow_logs = match &deliveries {
        Ok(deliveries) => flow_logs::judge(monitor, &vpc, deliveries, now),
        Err(error) => Check::unanswered(CheckName::FlowLogs, monitor, error),
    };
    Verification::new(monitor, vec![flow_logs, log_events, objects, notification, query])
}
