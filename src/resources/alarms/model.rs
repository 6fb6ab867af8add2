//! The anomaly detection model of a detection's metric. It takes no tags: the name of its metric identifies the owner.

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    AnomalyDetector, AnomalyDetectorConfiguration, AnomalyDetectorType, MetricCharacteristics, Range,
    SingleMetricAnomalyDetector, Statistic,
};
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::model_state::ModelState;
use super::tags::Learnt;
use crate::api::spec::ExcludedRange;
use crate::api::{Invalid, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Class, Gone, operations as ops};
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
    #[serde(serialize_with = "as_times")]
    excluded_ranges: Vec<(i64, i64)>,
}

/// Begin and end as people read them, for plans and events.
fn as_times<S: Serializer>(ranges: &[(i64, i64)], serializer: S) -> Result<S::Ok, S::Error> {
    let time = |seconds: i64| Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |it| it.to_string());
    serializer.collect_seq(ranges.iter().map(|(start, end)| [time(*start), time(*end)]))
}

/// A model as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundModel {
    pub model: Model,
    pub state: ModelState,
}

impl Model {
    /// The model that the spec asks for. `learnt`: the tags of the alarm on its band.
    pub fn wanted(monitor: &Monitor, detection: Detection, learnt: &Learnt) -> Result<Self, Invalid> {
        let anomaly = detection.anomaly(monitor);
        let mut excluded_ranges = excluded_ranges(monitor, detection)?;
        excluded_ranges.extend(learnt.forgotten());
        excluded_ranges.sort_unstable();
        excluded_ranges.dedup();
        Ok(Self {
            namespace: monitor.spec.detections.namespace.clone(),
            metric_name: detection.metric_name(monitor),
            timezone: anomaly.timezone.clone(),
            periodic_spikes: anomaly.periodic_spikes,
            excluded_ranges,
        })
    }

    /// Its name for people.
    pub fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.metric_name)
    }

    /// The error with the way to go on: AWS names its own parameters, not the fields of the spec.
    fn with_remedy(&self, error: AwsError, monitor: &Monitor) -> AwsError {
        if error.code == NO_MORE {
            return error.with_remedy(
                "the region has all the anomaly models that its quota allows, 500 by default: set anomaly.mode to Disabled on some \
                 detections, or ask AWS for a higher quota",
            );
        }
        let detection = Detection::ALL.into_iter().find(|it| it.metric_name(monitor) == self.metric_name);
        match detection.filter(|_| error.class == Class::Terminal) {
            Some(detection) => error.with_remedy(format!(
                "correct timezone, `{}`, or excludedRanges of spec.detections.{}.anomaly",
                self.timezone,
                detection.in_spec()
            )),
            None => error,
        }
    }

    fn metric(&self) -> SingleMetricAnomalyDetector {
        SingleMetricAnomalyDetector::builder()
            .namespace(&self.namespace)
            .metric_name(&self.metric_name)
            .stat(Statistic::Sum.as_str())
            .build()
    }
}

/// The times of the spec. The API server checks their form, but not that a month has the day.
fn excluded_ranges(monitor: &Monitor, detection: Detection) -> Result<Vec<(i64, i64)>, Invalid> {
    let ranges = &detection.anomaly(monitor).excluded_ranges;
    let seconds = |index: usize, end: &str, text: &str| {
        text.parse::<Timestamp>().map(Timestamp::as_second).map_err(|_| {
            let field = format!("detections.{}.anomaly.excludedRanges[{index}].{end}", detection.in_spec());
            Invalid::new(field, format!("`{text}` is not a time: the calendar has no such day"))
        })
    };
    let range = |(index, range): (usize, &ExcludedRange)| {
        Ok((seconds(index, "start", &range.start)?, seconds(index, "end", &range.end)?))
    };
    ranges.iter().enumerate().map(range).collect()
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
    Some(FoundModel { model, state: found.state_value().into() })
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

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self).await.map_err(|error| self.with_remedy(error, monitor))
    }

    async fn call(aws: &Aws, monitor: &Monitor, _name: &str, model: &Self) -> Result<Applied, AwsError> {
        put(aws, model).await.map_err(|error| model.with_remedy(error, monitor))
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
    request.send().await.op(ops::PUT_ANOMALY_DETECTOR)?;
    Ok(Applied::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    fn model(monitor: &Monitor) -> Model {
        Model::wanted(monitor, Detection::HighDataTransfer, &Learnt::default()).unwrap()
    }

    #[test]
    fn people_read_excluded_times_as_times() {
        let mut monitor = fixtures::monitor();
        let range = ExcludedRange { start: "2026-11-27T00:00:00Z".into(), end: "2026-11-30T00:00:00Z".into() };
        monitor.spec.detections.high_data_transfer.anomaly.excluded_ranges = vec![range];
        let shown = serde_json::to_value(model(&monitor)).unwrap();
        assert_eq!(shown["excludedRanges"], serde_json::json!([["2026-11-27T00:00:00Z", "2026-11-30T00:00:00Z"]]));
    }

    #[test]
    fn a_refusal_of_aws_leads_to_the_fields_of_the_spec() {
        let monitor = fixtures::monitor();
        let error = |code: &str| {
            let refused = AwsError::reported(ops::PUT_ANOMALY_DETECTOR, code, "Invalid");
            model(&monitor).with_remedy(refused, &monitor).to_string()
        };
        let expected = "(correct timezone, `UTC`, or excludedRanges of spec.detections.highDataTransfer.anomaly)";
        assert!(error("InvalidParameterValue").ends_with(expected), "{}", error("InvalidParameterValue"));
        assert!(!error("InternalServiceFault").contains("correct"));
    }
}
