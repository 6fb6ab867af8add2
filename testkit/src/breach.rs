//! Breaches of a detection's threshold, and the messages of alarms about them.

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::types::{AlarmType, HistoryItemType, MetricDatum};
use serde_json::Value;
use vpc_flow_operator::monitor::Monitor;
use vpc_flow_operator::resources::common::detections::Detection;

/// Adds flows to the metric of a detection. A negative number takes them back: the statistic is their sum.
pub async fn count(config: &SdkConfig, monitor: &Monitor, detection: Detection, flows: f64) {
    let datum = MetricDatum::builder().metric_name(detection.metric_name(monitor)).value(flows).build();
    let request = Client::new(config).put_metric_data().namespace(&monitor.spec.detections.namespace);
    request.metric_data(datum).send().await.unwrap();
}

/// Raises the metric of a detection by so many flows, and lowers it again. Returns the names of the alarms that sent a message of ALARM.
pub async fn breach(config: &SdkConfig, monitor: &Monitor, detection: Detection, flows: f64) -> Vec<String> {
    let before = sent(config).await.len();
    count(config, monitor, detection, flows).await;
    let all = sent(config).await;
    count(config, monitor, detection, -flows).await;
    all[before..].to_vec()
}

/// The names of the alarms that have sent a message of ALARM, each time that they have, the earliest first.
pub async fn sent(config: &SdkConfig) -> Vec<String> {
    let request = Client::new(config).describe_alarm_history().history_item_type(HistoryItemType::Action);
    let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm);
    let pages = request.into_paginator().send().collect::<Result<Vec<_>, _>>().await.unwrap();
    let mut sent: Vec<_> = pages
        .into_iter()
        .flat_map(|page| page.alarm_history_items.unwrap_or_default())
        .filter_map(|item| {
            let data: Value = serde_json::from_str(item.history_data()?).ok()?;
            let message: Value = serde_json::from_str(data["publishedMessage"].as_str()?).ok()?;
            (message["NewStateValue"] == "ALARM").then(|| item.alarm_name().unwrap_or_default().to_owned())
        })
        .collect();
    sent.reverse();
    sent
}
