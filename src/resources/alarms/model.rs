//! The anomaly detection model of a detection's metric. It takes no tags: the name of its metric identifies the owner.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AnomalyDetector, AnomalyDetectorConfiguration, AnomalyDetectorStateValue, AnomalyDetectorType,
    MetricCharacteristics, Range, SingleMetricAnomalyDetector, Statistic,
};
use jiff::Timestamp;
use serde::Serialize;

use super::tags::Learnt;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Gone, operations as ops};
use crate::engine::{Applied, Resource, Step, rewrite};
use crate::monitor::{Monitor, Tags};
use crate::resources::common::detections::Detection;

/// The code of the refusal when the region has all the models that it can have.
const NO_MORE: &str = "LimitExceededException";

/// A model. `PutAnomalyDetector` replaces its settings whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Model {
    #[serde(skip)]
    pub namespace: String,
    #[serde(skip)]
    pub metric_name: String,
    timezone: String,
    periodic_spikes: bool,
    /// Begin and end in epoch seconds, sorted.
    excluded_ranges: Vec<(i64, i64)>,
}

/// A model as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundModel {
    pub model: Model,
    pub state: String,
}

impl Model {
    /// The model that the spec asks for. `learnt`: the tags of the alarm on its band.
    pub fn wanted(monitor: &Monitor, detection: Detection, learnt: &Learnt) -> Self {
        let anomaly = detection.anomaly(monitor);
        let seconds = |text: &str| text.parse::<Timestamp>().map(Timestamp::as_second).ok();
        let declared = anomaly.excluded_ranges.iter().filter_map(|it| Some((seconds(&it.start)?, seconds(&it.end)?)));
        let mut excluded_ranges: Vec<_> = declared.chain(learnt.forgotten()).collect();
        excluded_ranges.sort_unstable();
        excluded_ranges.dedup();
        Self {
            namespace: monitor.spec.detections.namespace.clone(),
            metric_name: detection.metric_name(monitor),
            timezone: anomaly.timezone.clone(),
            periodic_spikes: anomaly.periodic_spikes,
            excluded_ranges,
        }
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.metric_name)
    }

    fn metric(&self) -> SingleMetricAnomalyDetector {
        SingleMetricAnomalyDetector::builder()
            .namespace(&self.namespace)
            .metric_name(&self.metric_name)
            .stat(Statistic::Sum.as_str())
            .build()
    }
}

/// The models on the sum of a metric of that name, in whatever namespace.
pub async fn observe(aws: &Aws, metric_name: &str) -> Result<Vec<FoundModel>, AwsError> {
    let request = aws.cloudwatch.describe_anomaly_detectors().metric_name(metric_name);
    let pages = request.anomaly_detector_types(AnomalyDetectorType::SingleMetric).into_paginator().send();
    let pages = pages.collect::<Result<Vec<_>, _>>().await.op(ops::DESCRIBE_ANOMALY_DETECTORS)?;
    let found = pages.into_iter().flat_map(|page| page.anomaly_detectors.unwrap_or_default());
    Ok(found.filter_map(|found| normalise(&found)).collect())
}

/// `None` for a model of another statistic, which the operator never makes.
fn normalise(found: &AnomalyDetector) -> Option<FoundModel> {
    let metric = found.single_metric_anomaly_detector()?;
    if metric.stat() != Some(Statistic::Sum.as_str()) || !metric.dimensions().is_empty() {
        return None;
    }
    let configuration = found.configuration();
    let ranges = configuration.map(AnomalyDetectorConfiguration::excluded_time_ranges).unwrap_or_default();
    let mut excluded_ranges: Vec<_> =
        ranges.iter().filter_map(|range| Some((range.start_time()?.secs(), range.end_time()?.secs()))).collect();
    excluded_ranges.sort_unstable();
    let model = Model {
        namespace: metric.namespace()?.to_owned(),
        metric_name: metric.metric_name()?.to_owned(),
        // The default of AWS.
        timezone: configuration.and_then(|it| it.metric_timezone()).unwrap_or("UTC").to_owned(),
        periodic_spikes: found
            .metric_characteristics()
            .and_then(MetricCharacteristics::periodic_spikes)
            .unwrap_or_default(),
        excluded_ranges,
    };
    let state = found.state_value().map(AnomalyDetectorStateValue::as_str).unwrap_or_default().to_owned();
    Some(FoundModel { model, state })
}

impl Resource for Model {
    const KIND: ResourceKind = ResourceKind::AnomalyModel;

    type Found = FoundModel;
    type Call = Self;

    fn tags(_found: &FoundModel) -> Option<&Tags> {
        None
    }

    fn differences(&self, _monitor: &Monitor, found: &FoundModel) -> Vec<Step<Self>> {
        rewrite(self, &self.name(), &found.model, self)
    }

    async fn create(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, model: &Self) -> Result<Applied, AwsError> {
        put(aws, model).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, _name: &str, found: &FoundModel) -> Result<Applied, AwsError> {
        let request = aws.cloudwatch.delete_anomaly_detector().single_metric_anomaly_detector(found.model.metric());
        request.send().await.op(ops::DELETE_ANOMALY_DETECTOR).or_gone()?;
        Ok(Applied::Done)
    }
}

async fn put(aws: &Aws, model: &Model) -> Result<Applied, AwsError> {
    let range = |(start, end): &(i64, i64)| {
        Range::builder().start_time(DateTime::from_secs(*start)).end_time(DateTime::from_secs(*end)).build()
    };
    let configuration = AnomalyDetectorConfiguration::builder()
        .set_excluded_time_ranges(Some(model.excluded_ranges.iter().map(range).collect()))
        .metric_timezone(&model.timezone);
    let characteristics = MetricCharacteristics::builder().periodic_spikes(model.periodic_spikes);
    let request = aws
        .cloudwatch
        .put_anomaly_detector()
        .single_metric_anomaly_detector(model.metric())
        .configuration(configuration.build())
        .metric_characteristics(characteristics.build());
    request.send().await.op(ops::PUT_ANOMALY_DETECTOR).map_err(with_remedy)?;
    Ok(Applied::Done)
}

fn with_remedy(error: AwsError) -> AwsError {
    if error.code != NO_MORE {
        return error;
    }
    error.with_remedy(
        "the region has all the anomaly models that its quota allows, 500 by default: set anomaly.mode to Disabled on some detections, or ask \
         AWS for a higher quota",
    )
}
