//! The alarms: one on each detection's metric, and one on the detector's own errors.

pub mod alarm_kind;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic, Tag};
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use self::alarm_kind::{AlarmKind, Condition};
use crate::api::status::AlarmStatus;
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Invalid, Removal, Report, System};
use crate::monitor::{Claim, Monitor, TagDiff, Tags};
use crate::resources::common::cloudwatch_tags;

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
    dimensions: BTreeMap<String, String>,
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
    Create { kind: AlarmKind, alarm: Alarm },
    Put { kind: AlarmKind, alarm: Alarm },
    Tag { kind: AlarmKind, tags: TagDiff },
    Delete { kind: AlarmKind },
}

fn wanted(monitor: &Monitor, kind: AlarmKind) -> Alarm {
    let condition = kind.condition(monitor);
    let topic = vec![monitor.topic_arn()];
    Alarm {
        description: description(monitor, kind, &condition),
        namespace: condition.namespace,
        metric_name: condition.metric_name,
        dimensions: condition.dimensions,
        statistic: Statistic::Sum.as_str().to_owned(),
        comparison: ComparisonOperator::GreaterThanThreshold.as_str().to_owned(),
        threshold: condition.threshold,
        period_seconds: condition.period_seconds,
        evaluation_periods: condition.evaluation_periods,
        // Quiet traffic writes no records, and so no data: that is no reason for doubt.
        missing_data: "notBreaching".to_owned(),
        actions_enabled: true,
        ok_actions: if monitor.spec.notifications.notify_on_recovery { topic.clone() } else { Vec::new() },
        alarm_actions: topic,
        insufficient_data_actions: Vec::new(),
        others: Vec::new(),
    }
}

fn description(monitor: &Monitor, kind: AlarmKind, condition: &Condition) -> String {
    let Condition { threshold, counted, evaluation_periods, period_seconds, advice, .. } = condition;
    let within = match evaluation_periods {
        1 => "a period".to_owned(),
        several => format!("each of {several} periods"),
    };
    let what = format!("{} in VPC {}", kind.title(), monitor.spec.vpc_id);
    let when = format!("more than {threshold} {counted} in {within} of {period_seconds} seconds.");
    let advice = advice.as_ref().map(|advice| format!(" {advice}")).unwrap_or_default();
    format!("{what}: {when}{advice} Kept by VpcFlowMonitor {}/{}.", monitor.namespace, monitor.name)
}

impl System for Alarms {
    type Desired = Vec<(AlarmKind, Alarm)>;
    type Observed = Vec<(AlarmKind, Option<ObservedAlarm>)>;
    type Op = Op;

    const COMPONENT: Component = Component::Alarms;
    const NEEDS: &'static [Component] = &[Component::Notifications];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = AlarmKind::ALL.into_iter().filter(|kind| kind.enabled(monitor));
        let alarms: Vec<_> = enabled.map(|kind| (kind, wanted(monitor, kind))).collect();
        Ok(if alarms.is_empty() { None } else { Some(alarms) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Self::Observed, AwsError> {
        let names = AlarmKind::ALL.map(|kind| kind.alarm_name(monitor));
        let found = aws.shared.alarms().load(&names, aws.shared.freshness(), |names| of_names(aws, names)).await?;
        try_join_all(AlarmKind::ALL.map(async |kind| {
            let name = kind.alarm_name(monitor);
            let Some(alarm) = found.iter().find(|alarm| alarm.alarm_name() == Some(&name)) else {
                return Ok((kind, None));
            };
            let tags = cloudwatch_tags::read(aws, &kind.alarm_arn(monitor)).await?;
            Ok((kind, Some(observed(alarm, tags))))
        }))
        .await
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<Op> {
        let mut diff = Diff::default();
        for (kind, found) in observed {
            let wanted = match goal {
                Goal::Present(alarms) => alarms.iter().find(|(wanted, _)| wanted == kind).map(|(_, alarm)| alarm),
                Goal::Absent(_) => None,
            };
            match (wanted, found) {
                (Some(alarm), None) => {
                    let change = Change::new(Action::Create, ResourceKind::Alarm, kind.alarm_name(monitor));
                    diff.step(change, Op::Create { kind: *kind, alarm: alarm.clone() });
                }
                (Some(alarm), Some(found)) => repair(monitor, *kind, alarm, found, &mut diff),
                (None, Some(found)) if monitor.claim(&found.tags) == Claim::Ours => {
                    let removal = match goal {
                        Goal::Present(_) => Removal::Everything,
                        Goal::Absent(removal) => removal,
                    };
                    remove(monitor, *kind, removal, found, &mut diff);
                }
                (None, _) => {}
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Create { kind, alarm } => {
                put(aws, monitor, *kind, alarm, Some(cloudwatch_tags::sdk(&monitor.tags))).await?;
            }
            // Tags are ignored for an alarm that exists, see `PutMetricAlarm`.
            Op::Put { kind, alarm } => put(aws, monitor, *kind, alarm, None).await?,
            Op::Tag { kind, tags } => cloudwatch_tags::change(aws, &kind.alarm_arn(monitor), tags).await?,
            Op::Delete { kind } => {
                let name = kind.alarm_name(monitor);
                aws.cloudwatch.delete_alarms().alarm_names(name).send().await.op(ops::DELETE_ALARMS).or_gone()?;
            }
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report {
        let mut report = Report::default();
        for (kind, found) in observed {
            if let Some(found) = found.as_ref().filter(|found| monitor.claim(&found.tags) == Claim::Ours) {
                let name = kind.alarm_name(monitor);
                report.resources.push(Existing::new(ResourceKind::Alarm, &name, kind.alarm_arn(monitor)));
                report.alarms.push(AlarmStatus { name, state: found.state.clone() });
            }
        }
        report
    }
}

fn repair(monitor: &Monitor, kind: AlarmKind, wanted: &Alarm, found: &ObservedAlarm, diff: &mut Diff<Op>) {
    let name = kind.alarm_name(monitor);
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
        diff.step(change, Op::Tag { kind, tags });
    }
    if found.alarm != *wanted {
        let change = change(Action::Update).between(&found.alarm, wanted);
        diff.step(change, Op::Put { kind, alarm: wanted.clone() });
    }
}

fn remove(monitor: &Monitor, kind: AlarmKind, removal: Removal, found: &ObservedAlarm, diff: &mut Diff<Op>) {
    let change = |action| Change::new(action, ResourceKind::Alarm, kind.alarm_name(monitor));
    if removal == Removal::KeepAll {
        let tags = monitor.retained_tag_diff(&found.tags);
        if !tags.is_empty() {
            diff.step(change(Action::Retain), Op::Tag { kind, tags });
        }
    } else {
        diff.step(change(Action::Delete), Op::Delete { kind });
    }
}

fn observed(found: &MetricAlarm, tags: Tags) -> ObservedAlarm {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let alarm = Alarm {
        description: text(found.alarm_description()),
        namespace: text(found.namespace()),
        metric_name: text(found.metric_name()),
        dimensions: found.dimensions().iter().map(|it| (text(it.name()), text(it.value()))).collect(),
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

/// `DescribeAlarms` takes no more names at once, and answers with no more alarms in a page.
const MOST_NAMES: usize = 100;
const MOST_RECORDS: i32 = 100;

async fn of_names(aws: &Aws, names: Vec<String>) -> Result<Vec<(String, MetricAlarm)>, AwsError> {
    let mut all = Vec::new();
    for names in names.chunks(MOST_NAMES) {
        let mut pages = aws
            .cloudwatch
            .describe_alarms()
            .max_records(MOST_RECORDS)
            .set_alarm_names(Some(names.to_vec()))
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let alarms = page.op(ops::DESCRIBE_ALARMS)?.metric_alarms.unwrap_or_default();
            all.extend(alarms.into_iter().filter_map(|alarm| Some((alarm.alarm_name.clone()?, alarm))));
        }
    }
    Ok(all)
}

async fn put(
    aws: &Aws,
    monitor: &Monitor,
    kind: AlarmKind,
    alarm: &Alarm,
    tags: Option<Vec<Tag>>,
) -> Result<(), AwsError> {
    aws.cloudwatch
        .put_metric_alarm()
        .alarm_name(kind.alarm_name(monitor))
        .alarm_description(&alarm.description)
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric_name)
        .set_dimensions(Some(sdk_dimensions(&alarm.dimensions)))
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

fn sdk_dimensions(dimensions: &BTreeMap<String, String>) -> Vec<Dimension> {
    dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect()
}

#[cfg(test)]
mod tests;
