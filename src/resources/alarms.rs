//! An alarm on each detection's metric.

use aws_sdk_cloudwatch::types::{ComparisonOperator, MetricAlarm, StateValue, Statistic, Tag};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use super::detections::Detection;
use crate::api::status::AlarmStatus;
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Expected, Gone, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Invalid, Removal, Report, System};
use crate::monitor::{Claim, Monitor, TagDiff, Tags};

/// The system [`Component::Alarms`].
#[derive(Debug)]
pub struct Alarms;

/// An alarm's definition. `PutMetricAlarm` replaces it whole, so it is compared whole: `others` are members that we never set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    description: String,
    namespace: String,
    metric_name: String,
    statistic: String,
    comparison: String,
    threshold: f64,
    period_seconds: i32,
    evaluation_periods: i32,
    missing_data: String,
    actions_enabled: bool,
    alarm_actions: Vec<String>,
    ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    others: Vec<String>,
}

/// An alarm as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedAlarm {
    alarm: Alarm,
    state: String,
    tags: Tags,
}

/// What can be done to an alarm.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum Op {
    Create { detection: Detection, alarm: Alarm },
    Put { detection: Detection, alarm: Alarm },
    Tag { detection: Detection, tags: TagDiff },
    Delete { detection: Detection },
}

fn wanted(monitor: &Monitor, detection: Detection) -> Alarm {
    let topic = vec![monitor.topic_arn()];
    let (threshold, period_seconds) = (detection.threshold(monitor), detection.period_seconds(monitor));
    let evaluation_periods = detection.evaluation_periods(monitor);
    Alarm {
        description: format!(
            "{} in VPC {}: more than {threshold} flows in {} of {period_seconds} seconds. Kept by VpcFlowMonitor {}/{}.",
            detection.title(),
            monitor.spec.vpc_id,
            if evaluation_periods == 1 {
                "a period".to_owned()
            } else {
                format!("each of {evaluation_periods} periods")
            },
            monitor.namespace,
            monitor.name,
        ),
        namespace: monitor.spec.detections.namespace.clone(),
        metric_name: detection.metric_name(monitor),
        statistic: Statistic::Sum.as_str().to_owned(),
        comparison: ComparisonOperator::GreaterThanThreshold.as_str().to_owned(),
        threshold,
        period_seconds,
        evaluation_periods,
        // Quiet traffic writes no records, and so no data: that is no reason for doubt.
        missing_data: "notBreaching".to_owned(),
        actions_enabled: true,
        ok_actions: if monitor.spec.notifications.notify_on_recovery { topic.clone() } else { Vec::new() },
        alarm_actions: topic,
        insufficient_data_actions: Vec::new(),
        others: Vec::new(),
    }
}

impl System for Alarms {
    type Desired = Vec<(Detection, Alarm)>;
    type Observed = Vec<(Detection, Option<ObservedAlarm>)>;
    type Op = Op;

    const COMPONENT: Component = Component::Alarms;
    const NEEDS: &'static [Component] = &[Component::Notifications];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = Detection::ALL.into_iter().filter(|detection| detection.enabled(monitor));
        let alarms: Vec<_> = enabled.map(|detection| (detection, wanted(monitor, detection))).collect();
        Ok(if alarms.is_empty() { None } else { Some(alarms) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Self::Observed, AwsError> {
        let names = Detection::ALL.map(|detection| detection.alarm_name(monitor));
        let mut pages = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec())).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            found.extend(page.op(ops::DESCRIBE_ALARMS)?.metric_alarms.unwrap_or_default());
        }
        try_join_all(Detection::ALL.map(async |detection| {
            let name = detection.alarm_name(monitor);
            let Some(alarm) = found.iter().find(|alarm| alarm.alarm_name() == Some(&name)) else {
                return Ok((detection, None));
            };
            let tags = tags(aws, &detection.alarm_arn(monitor)).await?;
            Ok((detection, Some(observed(alarm, tags))))
        }))
        .await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<Op> {
        let mut diff = Diff::default();
        for (detection, found) in observed {
            let wanted = match goal {
                Goal::Present(alarms) => alarms.iter().find(|(wanted, _)| wanted == detection).map(|(_, alarm)| alarm),
                Goal::Absent(_) => None,
            };
            match (wanted, found) {
                (Some(alarm), None) => {
                    let change = Change::new(Action::Create, ResourceKind::Alarm, detection.alarm_name(monitor));
                    diff.step(change, Op::Create { detection: *detection, alarm: alarm.clone() });
                }
                (Some(alarm), Some(found)) => repair(monitor, *detection, alarm, found, &mut diff),
                (None, Some(found)) if monitor.claim(&found.tags) == Claim::Ours => {
                    let removal = match goal {
                        Goal::Present(_) => Removal::Everything,
                        Goal::Absent(removal) => removal,
                    };
                    remove(monitor, *detection, removal, found, &mut diff);
                }
                (None, _) => {}
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Create { detection, alarm } => {
                put(aws, monitor, *detection, alarm, Some(sdk_tags(&monitor.tags))).await?;
            }
            // Tags are ignored for an alarm that exists, see `PutMetricAlarm`.
            Op::Put { detection, alarm } => put(aws, monitor, *detection, alarm, None).await?,
            Op::Tag { detection, tags } => tag(aws, &detection.alarm_arn(monitor), tags).await?,
            Op::Delete { detection } => {
                let name = detection.alarm_name(monitor);
                aws.cloudwatch.delete_alarms().alarm_names(name).send().await.op(ops::DELETE_ALARMS).or_gone()?;
            }
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report {
        let mut report = Report::default();
        for (detection, found) in observed {
            if let Some(found) = found.as_ref().filter(|found| monitor.claim(&found.tags) == Claim::Ours) {
                let name = detection.alarm_name(monitor);
                report.resources.push(Existing::new(ResourceKind::Alarm, &name, detection.alarm_arn(monitor)));
                report.alarms.push(AlarmStatus { name, state: found.state.clone() });
            }
        }
        report
    }
}

fn repair(monitor: &Monitor, detection: Detection, wanted: &Alarm, found: &ObservedAlarm, diff: &mut Diff<Op>) {
    let name = detection.alarm_name(monitor);
    let claim = monitor.claim(&found.tags);
    if let Claim::Foreign(problem) = claim {
        diff.conflict(ResourceKind::Alarm, &name, problem);
        return;
    }
    let change = |action| Change::new(action, ResourceKind::Alarm, &name);
    let tags = monitor.tag_diff(&found.tags);
    if !tags.is_empty() {
        let action = if claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let new = tags.applied_to(&found.tags);
        let change = change(action).field("tags", Some(json!(found.tags)), Some(json!(new)));
        diff.step(change, Op::Tag { detection, tags });
    }
    if found.alarm != *wanted {
        let change = change(Action::Update).between(&found.alarm, wanted);
        diff.step(change, Op::Put { detection, alarm: wanted.clone() });
    }
}

fn remove(monitor: &Monitor, detection: Detection, removal: Removal, found: &ObservedAlarm, diff: &mut Diff<Op>) {
    let change = |action| Change::new(action, ResourceKind::Alarm, detection.alarm_name(monitor));
    if removal == Removal::KeepAll {
        let tags = monitor.retained_tag_diff(&found.tags);
        if !tags.is_empty() {
            diff.step(change(Action::Retain), Op::Tag { detection, tags });
        }
    } else {
        diff.step(change(Action::Delete), Op::Delete { detection });
    }
}

fn observed(found: &MetricAlarm, tags: Tags) -> ObservedAlarm {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let alarm = Alarm {
        description: text(found.alarm_description()),
        namespace: text(found.namespace()),
        metric_name: text(found.metric_name()),
        statistic: text(found.statistic().map(Statistic::as_str)),
        comparison: text(found.comparison_operator().map(ComparisonOperator::as_str)),
        threshold: found.threshold().unwrap_or_default(),
        period_seconds: found.period().unwrap_or_default(),
        evaluation_periods: found.evaluation_periods().unwrap_or_default(),
        // What AWS does where nothing is said.
        missing_data: found.treat_missing_data().unwrap_or("missing").to_owned(),
        actions_enabled: found.actions_enabled().unwrap_or(true),
        alarm_actions: found.alarm_actions().to_vec(),
        ok_actions: found.ok_actions().to_vec(),
        insufficient_data_actions: found.insufficient_data_actions().to_vec(),
        others: others(found),
    };
    ObservedAlarm { alarm, state: text(found.state_value().map(StateValue::as_str)), tags }
}

/// Members of a definition that we never set and that would change what the alarm watches.
fn others(found: &MetricAlarm) -> Vec<String> {
    let of_all_periods = |points: i32| Some(points) == found.evaluation_periods();
    [
        ("dimensions", !found.dimensions().is_empty()),
        ("metrics", !found.metrics().is_empty()),
        ("unit", found.unit().is_some()),
        ("extendedStatistic", found.extended_statistic().is_some()),
        ("thresholdMetricId", found.threshold_metric_id().is_some()),
        // Left out, it is as many as there are periods.
        ("datapointsToAlarm", found.datapoints_to_alarm().is_some_and(|points| !of_all_periods(points))),
    ]
    .into_iter()
    .filter(|(_, is_set)| *is_set)
    .map(|(member, _)| member.to_owned())
    .collect()
}

async fn tags(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let output = aws
        .cloudwatch
        .list_tags_for_resource()
        .resource_arn(arn)
        .send()
        .await
        .op(ops::LIST_CLOUDWATCH_TAGS)
        .expected()?;
    let pair = |tag: Tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default());
    Ok(output.tags.unwrap_or_default().into_iter().map(pair).collect())
}

async fn put(
    aws: &Aws,
    monitor: &Monitor,
    detection: Detection,
    alarm: &Alarm,
    tags: Option<Vec<Tag>>,
) -> Result<(), AwsError> {
    aws.cloudwatch
        .put_metric_alarm()
        .alarm_name(detection.alarm_name(monitor))
        .alarm_description(&alarm.description)
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric_name)
        .statistic(Statistic::from(alarm.statistic.as_str()))
        .comparison_operator(ComparisonOperator::from(alarm.comparison.as_str()))
        .threshold(alarm.threshold)
        .period(alarm.period_seconds)
        .evaluation_periods(alarm.evaluation_periods)
        .treat_missing_data(&alarm.missing_data)
        .actions_enabled(alarm.actions_enabled)
        .set_alarm_actions(Some(alarm.alarm_actions.clone()))
        .set_ok_actions(Some(alarm.ok_actions.clone()))
        .set_insufficient_data_actions(Some(alarm.insufficient_data_actions.clone()))
        .set_tags(tags)
        .send()
        .await
        .op(ops::PUT_METRIC_ALARM)?;
    Ok(())
}

async fn tag(aws: &Aws, arn: &str, tags: &TagDiff) -> Result<(), AwsError> {
    let cloudwatch = &aws.cloudwatch;
    if !tags.set.is_empty() {
        let set = sdk_tags(&tags.set);
        cloudwatch.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await.op(ops::TAG_CLOUDWATCH)?;
    }
    if !tags.unset.is_empty() {
        let unset = tags.unset.clone();
        cloudwatch
            .untag_resource()
            .resource_arn(arn)
            .set_tag_keys(Some(unset))
            .send()
            .await
            .op(ops::UNTAG_CLOUDWATCH)?;
    }
    Ok(())
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[cfg(test)]
mod tests;
