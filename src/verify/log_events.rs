//! Check 2: records reach the log group.

use aws_sdk_cloudwatchlogs::types::OrderBy;
use jiff::{SignedDuration, Timestamp};

use super::arrivals::Arrivals;
use super::check::{Check, CheckName, Status};
use crate::api::spec::LogGroupClass;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::Monitor;
use crate::resources::flow_logs::Delivery;

/// `DescribeLogStreams` may report an event an hour late: `LogStream` in the CloudWatch Logs API reference.
const STREAMS_LATE: SignedDuration = SignedDuration::from_hours(1);

/// Looks for the newest event, and judges it.
pub async fn check(aws: &Aws, monitor: &Monitor, delivery: Option<&Delivery>, now: Timestamp) -> Check {
    if !monitor.spec.cloud_watch_logs.enabled {
        return Check::new(CheckName::LogEvents, Status::Disabled, "spec.cloudWatchLogs.enabled is false");
    }
    // `FilterLogEvents` does not work on this class: "Log classes" in the CloudWatch Logs user guide.
    let infrequent = monitor.spec.cloud_watch_logs.log_group_class == LogGroupClass::InfrequentAccess;
    let newest = if infrequent { newest_of_streams(aws, monitor).await } else { newest_event(aws, monitor, now).await };
    let arrivals = Arrivals {
        name: CheckName::LogEvents,
        what: "log event",
        place: &monitor.names.log_group,
        delivery,
        reporting_delay: if infrequent { STREAMS_LATE } else { SignedDuration::ZERO },
        remedy: format!(
            "if the check `flow-logs` passed, check that {} has network interfaces: without one there are no records",
            monitor.spec.vpc_id
        ),
    };
    match newest {
        Ok(newest) => arrivals.judge(monitor, newest, now),
        Err(error) => Check::unanswered(CheckName::LogEvents, monitor, &error),
    }
}

async fn newest_event(aws: &Aws, monitor: &Monitor, now: Timestamp) -> Result<Option<Timestamp>, AwsError> {
    let since = now - SignedDuration::from_hours(48);
    let mut pages = aws
        .logs
        .filter_log_events()
        .log_group_name(&monitor.names.log_group)
        .start_time(since.as_millisecond())
        // The newest first.
        .start_from_head(false)
        .limit(1)
        .into_paginator()
        .send();
    // A page may be empty though others follow.
    while let Some(page) = pages.next().await {
        let page = page.op(ops::FILTER_LOG_EVENTS)?;
        if let Some(newest) = page.events().iter().filter_map(|event| event.timestamp).max() {
            return Ok(Timestamp::from_millisecond(newest).ok());
        }
    }
    Ok(None)
}

async fn newest_of_streams(aws: &Aws, monitor: &Monitor) -> Result<Option<Timestamp>, AwsError> {
    let streams = aws
        .logs
        .describe_log_streams()
        .log_group_name(&monitor.names.log_group)
        .order_by(OrderBy::LastEventTime)
        .descending(true)
        .limit(1)
        .send()
        .await
        .op(ops::DESCRIBE_LOG_STREAMS)?;
    let newest = streams.log_streams().iter().filter_map(|stream| stream.last_event_timestamp).max();
    Ok(newest.and_then(|newest| Timestamp::from_millisecond(newest).ok()))
}
