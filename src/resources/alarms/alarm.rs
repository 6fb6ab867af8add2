//! A metric alarm with a static threshold.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag};
use serde::Serialize;

use super::calls::{delete, status};
use super::condition::{Condition, description};
use super::verdict::{self, Verdict};
use crate::api::ResourceKind;
use crate::api::status::AlarmStatus;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Monitor, TagCall, Tags};
use crate::resources::common::alarm_kind::{self, AlarmKind};
use crate::resources::common::cloudwatch_tags;
use crate::resources::common::set_members::set_members;

/// An alarm's definition. `PutMetricAlarm` replaces it whole, so it is compared whole: `others` are members that we never set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alarm {
    #[serde(skip)]
    pub(super) name: String,
    pub(super) description: String,
    pub(super) namespace: String,
    pub(super) metric_name: String,
    dimensions: BTreeMap<String, String>,
    statistic: String,
    comparison: String,
    pub(super) threshold: f64,
    pub(super) period_seconds: i32,
    pub(super) evaluation_periods: i32,
    datapoints_to_alarm: i32,
    missing_data: String,
    pub(super) actions_enabled: bool,
    pub(super) alarm_actions: Vec<String>,
    pub(super) ok_actions: Vec<String>,
    insufficient_data_actions: Vec<String>,
    others: Vec<String>,
}

/// An alarm as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundAlarm {
    pub(super) alarm: Alarm,
    pub(super) state: AlarmStatus,
    pub(super) tags: Tags,
}

/// Changes an alarm.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "a pass has few of them")]
pub enum AlarmCall {
    /// Writes the definition.
    Put(Alarm),
    /// Makes the composite alarm notify, and then writes the definition of this alarm, which no longer does.
    HandOver(Alarm, Verdict),
    /// Writes the definition of this alarm, which notifies again, and then silences the composite alarm.
    HandBack(Alarm, Verdict),
}

impl Alarm {
    /// The same alarm without notifications.
    pub(super) fn quiet(&self) -> Self {
        Self { alarm_actions: Vec::new(), ok_actions: Vec::new(), ..self.clone() }
    }

    /// The topics that it notifies in ALARM and in OK.
    pub(super) fn actions(&self) -> (Vec<String>, Vec<String>) {
        (self.alarm_actions.clone(), self.ok_actions.clone())
    }

    /// True if it notifies nobody.
    pub(super) const fn is_quiet(&self) -> bool {
        self.alarm_actions.is_empty() && self.ok_actions.is_empty()
    }
}

pub(super) fn wanted(monitor: &Monitor, kind: AlarmKind) -> Alarm {
    let condition = kind.condition(monitor);
    let topic = vec![monitor.topic_arn()];
    Alarm {
        name: kind.alarm_name(monitor),
        description: description(monitor, kind, &in_words(&condition), &condition.advice),
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

fn in_words(condition: &Condition) -> String {
    let Condition { threshold, counted, evaluation_periods, datapoints_to_alarm, period_seconds, .. } = condition;
    let within = match (datapoints_to_alarm, evaluation_periods) {
        (1, 1) => "a period".to_owned(),
        (all, several) if all == several => format!("each of {several} periods"),
        (some, several) => format!("{some} of {several} periods"),
    };
    format!("more than {threshold} {counted} in {within} of {period_seconds} seconds")
}

/// The state of a metric alarm.
pub(super) fn state(found: &MetricAlarm) -> AlarmStatus {
    status(found.alarm_name(), found.state_value(), found.state_transitioned_timestamp())
}

impl Resource for Alarm {
    const KIND: ResourceKind = ResourceKind::Alarm;

    type Found = FoundAlarm;
    type Call = AlarmCall;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(alarm_kind::arn(monitor, name))
    }

    fn tags(found: &FoundAlarm) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundAlarm) -> Vec<Step<AlarmCall>> {
        if found.alarm == *self {
            return Vec::new();
        }
        let change = Change::new(Action::Update, Self::KIND, &self.name).between(&found.alarm, self);
        vec![Step::new(change, AlarmCall::Put(self.clone()))]
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self, Some(cloudwatch_tags::sdk(&monitor.tags))).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, call: &AlarmCall) -> Result<Applied, AwsError> {
        // Tags are ignored for an alarm that exists, see `PutMetricAlarm`.
        match call {
            AlarmCall::Put(alarm) => put(aws, alarm, None).await?,
            AlarmCall::HandOver(alarm, verdict) => {
                verdict::begin_to_notify(aws, verdict).await?;
                put(aws, alarm, None).await?;
            }
            AlarmCall::HandBack(alarm, verdict) => {
                put(aws, alarm, None).await?;
                verdict::put(aws, verdict, None).await?;
            }
        }
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &alarm_kind::arn(monitor, name), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundAlarm) -> Result<Applied, AwsError> {
        delete(aws, name).await
    }
}

pub(super) fn normalise(found: &MetricAlarm, tags: Tags) -> FoundAlarm {
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
    set_members([
        ("metrics", !found.metrics().is_empty()),
        ("unit", found.unit().is_some()),
        ("extendedStatistic", found.extended_statistic().is_some()),
        ("thresholdMetricId", found.threshold_metric_id().is_some()),
    ])
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
