//! The alarms: one on each detection's metric, and one on the detector's own errors.

mod condition;

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, StateValue, Statistic, Tag};
use futures::future::join_all;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

use self::condition::Condition;
use crate::api::status::AlarmStatus;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::{
    AnyCall, Applied, Details, Diff, Goal, Removal, Report, Resource, Step, System, existing, ownership, rewrite,
};
use crate::monitor::{Claim, Monitor, TagCall, Tags};
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::cloudwatch_tags;

/// The system [`Component::Alarms`].
#[derive(Debug)]
pub struct Alarms;

/// An alarm's definition. `PutMetricAlarm` replaces it whole, so it is compared whole: `others` are members that we never set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    #[serde(skip)]
    name: String,
    description: String,
    namespace: String,
    metric_name: String,
    dimensions: BTreeMap<String, String>,
    statistic: String,
    comparison: String,
    threshold: f64,
    period_seconds: i32,
    evaluation_periods: i32,
    datapoints_to_alarm: i32,
    missing_data: String,
    actions_enabled: bool,
    alarm_actions: Vec<String>,
    ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    others: Vec<String>,
}

/// An alarm as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundAlarm {
    alarm: Alarm,
    state: AlarmStatus,
    tags: Tags,
}

/// Every alarm that the monitor may have, in the order of [`AlarmKind::known`].
pub type Observed = Vec<(AlarmKind, Option<FoundAlarm>)>;

/// The page that has a section for each alarm.
const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/alarms.md");

fn wanted(monitor: &Monitor, kind: AlarmKind) -> Alarm {
    let condition = kind.condition(monitor);
    let topic = vec![monitor.topic_arn()];
    Alarm {
        name: kind.alarm_name(monitor),
        description: description(monitor, kind, &condition),
        namespace: condition.namespace,
        metric_name: condition.metric_name,
        dimensions: condition.dimensions,
        statistic: Statistic::Sum.as_str().to_owned(),
        comparison: ComparisonOperator::GreaterThanThreshold.as_str().to_owned(),
        threshold: condition.threshold,
        period_seconds: condition.period_seconds,
        evaluation_periods: condition.evaluation_periods,
        datapoints_to_alarm: condition.datapoints_to_alarm,
        // Without traffic there are no records, and so no data. That is normal.
        missing_data: "notBreaching".to_owned(),
        actions_enabled: true,
        ok_actions: if monitor.spec.notifications.notify_on_recovery { topic.clone() } else { Vec::new() },
        alarm_actions: topic,
        insufficient_data_actions: Vec::new(),
        others: Vec::new(),
    }
}

fn description(monitor: &Monitor, kind: AlarmKind, condition: &Condition) -> String {
    let Condition { threshold, counted, evaluation_periods, datapoints_to_alarm, period_seconds, advice, .. } =
        condition;
    let within = match (datapoints_to_alarm, evaluation_periods) {
        (1, 1) => "a period".to_owned(),
        (all, several) if all == several => format!("each of {several} periods"),
        (some, several) => format!("{some} of {several} periods"),
    };
    let what = format!("{} in VPC {}", kind.title(), monitor.spec.vpc_id);
    let when = format!("more than {threshold} {counted} in {within} of {period_seconds} seconds.");
    let Monitor { namespace, name, .. } = monitor;
    format!(
        "{what}: {when} {advice} All steps: {PAGE}#{}. Managed by VpcFlowMonitor {namespace}/{name}.",
        kind.section()
    )
}

impl System for Alarms {
    type Desired = Vec<(AlarmKind, Alarm)>;
    type Observed = Observed;

    const COMPONENT: Component = Component::Alarms;
    const NEEDS: &'static [Component] = &[Component::Notifications];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = AlarmKind::declared(monitor).into_iter().filter(|kind| kind.enabled(monitor));
        let alarms: Vec<_> = enabled.map(|kind| (kind, wanted(monitor, kind))).collect();
        Ok(if alarms.is_empty() { None } else { Some(alarms) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let kinds = AlarmKind::known(monitor);
        let found = of_names(aws, kinds.iter().map(|kind| kind.alarm_name(monitor)).collect()).await?;
        // The first failure in the order of the alarms counts, not the first in time: a failure that lasts is reported in the same words.
        let alarms = join_all(kinds.into_iter().map(async |kind| {
            let name = kind.alarm_name(monitor);
            let Some(alarm) = found.iter().find(|alarm| alarm.alarm_name() == Some(&name)) else {
                return Ok((kind, None));
            };
            let tags = cloudwatch_tags::read(aws, &kind.alarm_arn(monitor)).await;
            let tags = tags.map_err(|error| error.about(ResourceKind::Alarm, &name))?;
            Ok((kind, Some(normalise(alarm, tags))))
        }));
        alarms.await.into_iter().collect()
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Observed) -> Diff<AnyCall> {
        let mut diff = Diff::default();
        for (kind, found) in observed {
            let goal = match goal {
                Goal::Present(alarms) => alarms
                    .iter()
                    .find(|(wanted, _)| wanted == kind)
                    .map_or(Goal::Absent(Removal::SwitchedOff), |(_, alarm)| Goal::Present(alarm)),
                Goal::Absent(removal) => Goal::Absent(removal),
            };
            diff.include(ownership::diff(monitor, goal, &kind.alarm_name(monitor), found.as_ref()));
        }
        diff
    }

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Observed) -> Report {
        Report::of(
            observed
                .iter()
                .filter_map(|(kind, found)| existing::<Alarm>(monitor, &kind.alarm_name(monitor), found.as_ref())),
        )
    }

    fn details(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Observed) -> Details {
        let alarms = states(monitor, observed);
        Details::new(move |status| status.alarms.clone_from(&alarms))
    }
}

/// The states of the alarms that are ours.
#[must_use]
pub fn states(monitor: &Monitor, observed: &Observed) -> Vec<AlarmStatus> {
    let found = observed.iter().filter_map(|(_, found)| found.as_ref());
    let ours = found.filter(|found| monitor.claim(&found.tags) == Claim::Ours);
    ours.map(|found| found.state.clone()).collect()
}

/// The states of alarms, read by their names.
pub async fn states_of_names(aws: &Aws, names: Vec<String>) -> Result<Vec<AlarmStatus>, AwsError> {
    Ok(of_names(aws, names).await?.iter().map(state).collect())
}

fn state(found: &MetricAlarm) -> AlarmStatus {
    // `StateUpdatedTimestamp` also changes where the state stays the same, see `MetricAlarm`. The status keeps whole seconds.
    let since = found.state_transitioned_timestamp().and_then(|time| Timestamp::from_second(time.secs()).ok());
    AlarmStatus {
        name: found.alarm_name().unwrap_or_default().to_owned(),
        state: found.state_value().map(StateValue::as_str).unwrap_or_default().to_owned(),
        since: since.map(Time),
    }
}

impl Resource for Alarm {
    const KIND: ResourceKind = ResourceKind::Alarm;

    type Found = FoundAlarm;
    type Call = Self;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(monitor.account_region.arn("cloudwatch", format!("alarm:{name}")))
    }

    fn tags(found: &FoundAlarm) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundAlarm) -> Vec<Step<Self>> {
        rewrite(self, &self.name, &found.alarm, self)
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self, Some(cloudwatch_tags::sdk(&monitor.tags))).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, alarm: &Self) -> Result<Applied, AwsError> {
        // Tags are ignored for an alarm that exists, see `PutMetricAlarm`.
        put(aws, alarm, None).await?;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &monitor.account_region.arn("cloudwatch", format!("alarm:{name}")), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundAlarm) -> Result<Applied, AwsError> {
        aws.cloudwatch.delete_alarms().alarm_names(name).send().await.op(ops::DELETE_ALARMS).or_gone()?;
        Ok(Applied::Done)
    }
}

fn normalise(found: &MetricAlarm, tags: Tags) -> FoundAlarm {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let alarm = Alarm {
        name: text(found.alarm_name()),
        description: text(found.alarm_description()),
        namespace: text(found.namespace()),
        metric_name: text(found.metric_name()),
        dimensions: found.dimensions().iter().map(|it| (text(it.name()), text(it.value()))).collect(),
        statistic: text(found.statistic().map(Statistic::as_str)),
        comparison: text(found.comparison_operator().map(ComparisonOperator::as_str)),
        threshold: found.threshold().unwrap_or_default(),
        period_seconds: found.period().unwrap_or_default(),
        evaluation_periods: found.evaluation_periods().unwrap_or_default(),
        // The default of AWS is the number of evaluation periods.
        datapoints_to_alarm: found.datapoints_to_alarm().or(found.evaluation_periods()).unwrap_or_default(),
        // The default of AWS.
        missing_data: found.treat_missing_data().unwrap_or("missing").to_owned(),
        actions_enabled: found.actions_enabled().unwrap_or(true),
        alarm_actions: found.alarm_actions().to_vec(),
        ok_actions: found.ok_actions().to_vec(),
        insufficient_data_actions: found.insufficient_data_actions().to_vec(),
        others: others(found),
    };
    FoundAlarm { alarm, state: state(found), tags }
}

/// Members of a definition that we never set and that would change what the alarm watches.
fn others(found: &MetricAlarm) -> Vec<String> {
    [
        ("metrics", !found.metrics().is_empty()),
        ("unit", found.unit().is_some()),
        ("extendedStatistic", found.extended_statistic().is_some()),
        ("thresholdMetricId", found.threshold_metric_id().is_some()),
    ]
    .into_iter()
    .filter(|(_, is_set)| *is_set)
    .map(|(member, _)| member.to_owned())
    .collect()
}

/// Most alarms in one answer of `DescribeAlarms`, which has fewer by default.
const MOST_RECORDS: i32 = 100;

async fn of_names(aws: &Aws, names: Vec<String>) -> Result<Vec<MetricAlarm>, AwsError> {
    let pages =
        aws.cloudwatch.describe_alarms().set_alarm_names(Some(names)).max_records(MOST_RECORDS).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.op(ops::DESCRIBE_ALARMS)?;
    Ok(pages.into_iter().flat_map(|page| page.metric_alarms.unwrap_or_default()).collect())
}

async fn put(aws: &Aws, alarm: &Alarm, tags: Option<Vec<Tag>>) -> Result<(), AwsError> {
    aws.cloudwatch
        .put_metric_alarm()
        .alarm_name(&alarm.name)
        .alarm_description(&alarm.description)
        .namespace(&alarm.namespace)
        .metric_name(&alarm.metric_name)
        .set_dimensions(Some(sdk_dimensions(&alarm.dimensions)))
        .statistic(Statistic::from(alarm.statistic.as_str()))
        .comparison_operator(ComparisonOperator::from(alarm.comparison.as_str()))
        .threshold(alarm.threshold)
        .period(alarm.period_seconds)
        .evaluation_periods(alarm.evaluation_periods)
        .datapoints_to_alarm(alarm.datapoints_to_alarm)
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
