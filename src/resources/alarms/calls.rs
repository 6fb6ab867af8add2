//! Calls that are the same for every kind of alarm, and their common answers.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, CompositeAlarm, MetricAlarm, StateValue};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::status::AlarmStatus;
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::Applied;

/// Most alarms in one answer of `DescribeAlarms`, which has fewer by default.
const MOST_RECORDS: i32 = 100;

/// Metric alarms and composite alarms by their names. Without `AlarmTypes`, AWS returns metric alarms alone.
pub async fn described(aws: &Aws, names: Vec<String>) -> Result<(Vec<MetricAlarm>, Vec<CompositeAlarm>), AwsError> {
    let request = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names)).max_records(MOST_RECORDS);
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let pages = request.into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.op(ops::DESCRIBE_ALARMS)?;
    let (mut metric_alarms, mut composites) = (Vec::new(), Vec::new());
    for page in pages {
        metric_alarms.extend(page.metric_alarms.unwrap_or_default());
        composites.extend(page.composite_alarms.unwrap_or_default());
    }
    Ok((metric_alarms, composites))
}

/// Deletes an alarm of any kind.
pub async fn delete(aws: &Aws, name: &str) -> Result<Applied, AwsError> {
    aws.cloudwatch.delete_alarms().alarm_names(name).send().await.op(ops::DELETE_ALARMS).or_gone()?;
    Ok(Applied::Done)
}

/// The status of an alarm. `StateUpdatedTimestamp` also changes where the state stays the same, see `MetricAlarm`, so the time of the last
/// transition counts. The status keeps whole seconds.
pub fn status(name: Option<&str>, state: Option<&StateValue>, transitioned: Option<&DateTime>) -> AlarmStatus {
    let since = transitioned.and_then(|time| Timestamp::from_second(time.secs()).ok());
    AlarmStatus {
        name: name.unwrap_or_default().to_owned(),
        state: state.map(StateValue::as_str).unwrap_or_default().to_owned(),
        since: since.map(Time),
    }
}
