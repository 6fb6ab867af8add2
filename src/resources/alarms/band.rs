//! The alarm on the band of what is usual. It notifies nobody by itself.

use aws_sdk_cloudwatch::types::{
    ComparisonOperator, EvaluationState, Metric, MetricAlarm, MetricDataQuery, MetricStat, Statistic,
};
use jiff::Timestamp;
use serde::Serialize;

use super::calls::delete;
use super::tags;
use crate::api::ResourceKind;
use crate::api::spec::Direction;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::engine::{Applied, Resource, Step, rewrite};
use crate::monitor::{Monitor, TagCall, TagDiff, Tags};
use crate::resources::common::alarm_kind::{self, AlarmKind};
use crate::resources::common::cloudwatch_tags;
use crate::resources::common::detections::Detection;
use crate::resources::common::set_members::set_members;

/// Ids of the metric and of its band within the alarm.
const METRIC: &str = "m";
const BAND: &str = "band";

/// The alarm as declared, at the time when it is.
#[derive(Clone, Debug, PartialEq)]
pub struct BandAlarm {
    name: String,
    detection: Detection,
    at: Timestamp,
    definition: Definition,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    description: String,
    namespace: String,
    metric_name: String,
    statistic: String,
    period_seconds: i32,
    band: String,
    comparison: String,
    evaluation_periods: i32,
    datapoints_to_alarm: i32,
    missing_data: String,
    actions: Vec<String>,
    others: Vec<String>,
}

/// The alarm as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundBand {
    detection: Detection,
    at: Timestamp,
    definition: Definition,
    /// AWS's reason for which it cannot be evaluated.
    pub evaluation_error: Option<String>,
    pub tags: Tags,
}

impl BandAlarm {
    /// The alarm that the spec asks for.
    pub fn wanted(monitor: &Monitor, detection: Detection, at: Timestamp) -> Self {
        let (kind, limits, anomaly) =
            (AlarmKind::from(detection), detection.limits(monitor), detection.anomaly(monitor));
        let (side, comparison) = match anomaly.direction {
            Direction::Above => ("above", ComparisonOperator::GreaterThanUpperThreshold),
            Direction::Below => ("below", ComparisonOperator::LessThanLowerThreshold),
            Direction::Outside => ("above or below", ComparisonOperator::LessThanLowerOrGreaterThanUpperThreshold),
        };
        let Monitor { namespace, name, spec, .. } = monitor;
        let description = format!(
            "{} in VPC {}: {side} what is usual at this hour, by a band of width {}. It notifies nobody by itself: {} decides. Managed by \
             VpcFlowMonitor {namespace}/{name}.",
            kind.title(),
            spec.vpc_id,
            anomaly.band,
            kind.verdict_name(monitor)
        );
        Self {
            name: kind.band_name(monitor),
            detection,
            at,
            definition: Definition {
                description,
                namespace: spec.detections.namespace.clone(),
                metric_name: detection.metric_name(monitor),
                statistic: Statistic::Sum.as_str().to_owned(),
                period_seconds: limits.period_seconds,
                band: format!("ANOMALY_DETECTION_BAND({METRIC}, {})", anomaly.band),
                comparison: comparison.as_str().to_owned(),
                evaluation_periods: limits.evaluation_periods,
                datapoints_to_alarm: limits.datapoints_to_alarm,
                missing_data: "notBreaching".to_owned(),
                actions: Vec::new(),
                others: Vec::new(),
            },
        }
    }
}

#[cfg(test)]
impl FoundBand {
    /// The alarm as AWS returns it once all is as declared.
    pub fn of(alarm: &BandAlarm, tags: Tags) -> Self {
        let BandAlarm { detection, at, definition, .. } = alarm.clone();
        Self { detection, at, definition, evaluation_error: None, tags }
    }
}

/// Reads the definition. Whatever is not as the operator writes it becomes a difference.
pub fn normalise(found: &MetricAlarm, detection: Detection, tags: Tags, at: Timestamp) -> FoundBand {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let query = |id: &str| found.metrics().iter().find(|query| query.id() == Some(id));
    let stat = query(METRIC).and_then(MetricDataQuery::metric_stat);
    let metric = stat.and_then(MetricStat::metric);
    let actions = [found.alarm_actions(), found.ok_actions(), found.insufficient_data_actions()].concat();
    let definition = Definition {
        description: text(found.alarm_description()),
        namespace: text(metric.and_then(Metric::namespace)),
        metric_name: text(metric.and_then(Metric::metric_name)),
        statistic: text(stat.and_then(MetricStat::stat)),
        period_seconds: stat.and_then(MetricStat::period).unwrap_or_default(),
        band: text(found.threshold_metric_id().and_then(query).and_then(MetricDataQuery::expression)),
        comparison: text(found.comparison_operator().map(ComparisonOperator::as_str)),
        evaluation_periods: found.evaluation_periods().unwrap_or_default(),
        datapoints_to_alarm: found.datapoints_to_alarm().or(found.evaluation_periods()).unwrap_or_default(),
        missing_data: found.treat_missing_data().unwrap_or("missing").to_owned(),
        actions,
        others: others(found, metric),
    };
    let is_error = |state: &&EvaluationState| {
        matches!(state, EvaluationState::EvaluationError | EvaluationState::EvaluationFailure)
    };
    let evaluation_error = found.evaluation_state().filter(is_error).map(|_| text(found.state_reason()));
    FoundBand { detection, at, definition, evaluation_error, tags }
}

fn others(found: &MetricAlarm, metric: Option<&Metric>) -> Vec<String> {
    set_members([
        ("metrics", found.metrics().len() != 2),
        ("dimensions", metric.is_some_and(|metric| !metric.dimensions().is_empty())),
        ("threshold", found.threshold().is_some()),
        ("metricName", found.metric_name().is_some()),
    ])
}

impl Resource for BandAlarm {
    const KIND: ResourceKind = ResourceKind::Alarm;

    type Found = FoundBand;
    type Call = Self;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(alarm_kind::arn(monitor, name))
    }

    fn tags(found: &FoundBand) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn tag_diff(monitor: &Monitor, found: &FoundBand, tags: &Tags) -> TagDiff {
        tags::diff(monitor, found.detection, tags, found.at)
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundBand) -> Vec<Step<Self>> {
        rewrite(self, &self.name, &found.definition, &self.definition)
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self, Some(&tags::of_new(monitor, self.detection, self.at))).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, alarm: &Self) -> Result<Applied, AwsError> {
        put(aws, alarm, None).await
    }

    async fn tag(aws: &Aws, monitor: &Monitor, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        cloudwatch_tags::change(aws, &alarm_kind::arn(monitor, name), call).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &FoundBand) -> Result<Applied, AwsError> {
        delete(aws, name).await
    }
}

/// See "Anomaly Detection Model Alarm" under `PutMetricAlarm`: the members of an alarm on one metric must be absent.
async fn put(aws: &Aws, alarm: &BandAlarm, tags: Option<&Tags>) -> Result<Applied, AwsError> {
    let definition = &alarm.definition;
    let metric = Metric::builder().namespace(&definition.namespace).metric_name(&definition.metric_name);
    let stat =
        MetricStat::builder().metric(metric.build()).period(definition.period_seconds).stat(&definition.statistic);
    let queries = [
        MetricDataQuery::builder().id(METRIC).metric_stat(stat.build()),
        MetricDataQuery::builder().id(BAND).expression(&definition.band),
    ];
    aws.cloudwatch
        .put_metric_alarm()
        .alarm_name(&alarm.name)
        .alarm_description(&definition.description)
        .set_metrics(Some(queries.map(|query| query.return_data(true).build()).to_vec()))
        .threshold_metric_id(BAND)
        .comparison_operator(ComparisonOperator::from(definition.comparison.as_str()))
        .evaluation_periods(definition.evaluation_periods)
        .datapoints_to_alarm(definition.datapoints_to_alarm)
        .treat_missing_data(&definition.missing_data)
        .set_tags(tags.map(cloudwatch_tags::sdk))
        .send()
        .await
        .op(ops::PUT_METRIC_ALARM)?;
    Ok(Applied::Done)
}
