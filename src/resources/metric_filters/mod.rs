//! The metric filters, which count the records that match the detections.

pub mod custom;
pub mod digits;
pub mod networks;
pub mod pattern;
mod render;

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::types::{self as sdk, MetricTransformation, StandardUnit};
use serde::Serialize;

use self::custom::{CustomDetections, ReadDetections};
use super::common::detections::Detection;
use super::common::full_log_group;
use super::common::sink::{Sink, flow_log_to};
use crate::api::spec::LogGroupClass;
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{
    AnyCall, Applied, Diff, Goal, Removal, Report, Resource, ResourceCall, Step, System, existing, ownership, rewrite,
};
use crate::monitor::{Monitor, Tags};

/// The system [`Component::MetricFilters`].
#[derive(Debug)]
pub struct MetricFilters;

/// A metric filter's definition. `PutMetricFilter` replaces it whole, so it is compared whole, including members that we never set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    #[serde(skip)]
    name: String,
    #[serde(skip)]
    log_group: String,
    pattern: String,
    namespace: String,
    metric_name: String,
    metric_value: String,
    default_value: Option<f64>,
    dimensions: BTreeMap<String, String>,
    unit: Option<String>,
    field_selection_criteria: Option<String>,
    on_transformed_logs: bool,
}

fn wanted(monitor: &Monitor, detection: Detection, own: &ReadDetections<'_>) -> Result<Filter, Invalid> {
    Ok(Filter {
        name: detection.filter_name(monitor),
        log_group: monitor.names.log_group.clone(),
        pattern: pattern::pattern(monitor, detection, own)?,
        namespace: monitor.spec.detections.namespace.clone(),
        metric_name: detection.metric_name(monitor),
        metric_value: "1".to_owned(),
        // The value is zero while records arrive and none matches: the dashboard draws a line rather than dots, and missing data means that
        // no records arrive. A default value rules out dimensions, so the metric's name identifies the monitor instead.
        default_value: Some(0.0),
        dimensions: BTreeMap::new(),
        unit: None,
        field_selection_criteria: None,
        on_transformed_logs: false,
    })
}

impl System for MetricFilters {
    /// The filter of each detection. An error of one does not affect the others.
    type Desired = Vec<(Detection, Result<Filter, Invalid>)>;
    /// The filters under our names, on the log group and on the log groups of earlier names.
    type Observed = Vec<Filter>;

    const COMPONENT: Component = Component::MetricFilters;
    const NEEDS: &'static [Component] = &[Component::LogGroup];
    // Filters on a former log group count until the flow log is replaced, and without a log group until the detector counts.
    const CLEARS_AFTER: &'static [Component] = &[Component::FlowLogs, Component::Detector];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        if !monitor.spec.cloud_watch_logs.enabled {
            // The detector counts instead.
            return Ok(None);
        }
        let enabled = Detection::declared(monitor).into_iter().filter(|detection| detection.enabled(monitor));
        let own = CustomDetections::read(&monitor.spec);
        let filters: Vec<_> = enabled.map(|detection| (detection, wanted(monitor, detection, &own))).collect();
        Ok(if filters.is_empty() { None } else { Some(filters) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Self::Observed, AwsError> {
        // Log groups of this class cannot have metric filters, and the class of a log group never changes.
        if monitor.spec.cloud_watch_logs.log_group_class == LogGroupClass::InfrequentAccess {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        // After a change of the name, the former log group may stay for its records, but its metric filters are removed.
        for group in monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group) {
            let prefix = format!("{}-", monitor.names.base());
            let filters = filters(aws, &group, Some(prefix)).await.about(ResourceKind::LogGroup, &group)?;
            found.extend(filters.into_iter().filter_map(|filter| normalise(monitor, &group, filter)));
        }
        Ok(found)
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<AnyCall> {
        diff(monitor, goal, observed).erase()
    }

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report {
        let current = observed.iter().filter(|found| found.log_group == monitor.names.log_group);
        Report::of(current.filter_map(|found| existing::<Filter, _>(monitor, &found.name, Some(found))))
    }
}

fn diff(
    monitor: &Monitor,
    goal: Goal<&Vec<(Detection, Result<Filter, Invalid>)>>,
    observed: &[Filter],
) -> Diff<ResourceCall<Filter>> {
    let mut diff = Diff::default();
    let (filters, removal) = match goal {
        Goal::Present(filters) => (filters.as_slice(), Removal::SwitchedOff),
        Goal::Absent(removal) => (&[][..], removal),
    };
    let is_wanted = |found: &Filter| {
        found.log_group == monitor.names.log_group
            && filters.iter().any(|(detection, _)| detection.filter_name(monitor) == found.name)
    };
    for found in observed.iter().filter(|found| !is_wanted(found)) {
        let mut of_filter = ownership::diff(monitor, Goal::Absent(removal), &found.name, Some(found));
        // A filter of a detection that is switched off gives way to nothing. A log group has room for few of them, so another one may wait
        // for its removal.
        let stands_alone = monitor.spec.cloud_watch_logs.enabled && found.log_group == monitor.names.log_group;
        of_filter.steps.iter_mut().for_each(|step| step.stands_alone = stands_alone);
        diff.append(of_filter);
    }
    for (detection, filter) in filters {
        let name = detection.filter_name(monitor);
        let found = observed.iter().find(|found| found.name == name && found.log_group == monitor.names.log_group);
        match filter {
            Ok(filter) => diff.append(ownership::diff(monitor, Goal::Present(filter), &name, found)),
            Err(invalid) => diff.invalid.push(invalid.clone()),
        }
    }
    diff
}

/// A filter belongs to its log group, and carries no tags.
impl Resource for Filter {
    const KIND: ResourceKind = ResourceKind::MetricFilter;

    type Found = Self;
    type Call = Self;

    fn tags(_found: &Self) -> Option<&Tags> {
        None
    }

    fn differences(&self, _monitor: &Monitor, found: &Self) -> Vec<Step<Self>> {
        let mut steps = rewrite(self, &self.name, found, self);
        if render::fields(&found.pattern) != render::fields(&self.pattern) {
            for step in &mut steps {
                step.follows.push(flow_log_to(Sink::CloudWatchLogs));
            }
        }
        steps
    }

    async fn create(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, filter: &Self) -> Result<Applied, AwsError> {
        put(aws, filter).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, found: &Self) -> Result<Applied, AwsError> {
        let request = aws.logs.delete_metric_filter().log_group_name(&found.log_group).filter_name(name);
        request.send().await.op(ops::DELETE_METRIC_FILTER).or_gone()?;
        Ok(Applied::Done)
    }
}

fn normalise(monitor: &Monitor, log_group: &str, found: sdk::MetricFilter) -> Option<Filter> {
    let name = found.filter_name?;
    let is_ours = Detection::ALL.into_iter().any(|detection| detection.filter_name(monitor) == name)
        || Detection::of_custom_name(monitor, &name).is_some();
    let transformation = found.metric_transformations.and_then(|all| all.into_iter().next());
    let of = |get: fn(&MetricTransformation) -> &str| transformation.as_ref().map(get).unwrap_or_default().to_owned();
    is_ours.then(|| Filter {
        name,
        log_group: log_group.to_owned(),
        pattern: found.filter_pattern.unwrap_or_default(),
        namespace: of(MetricTransformation::metric_namespace),
        metric_name: of(MetricTransformation::metric_name),
        metric_value: of(MetricTransformation::metric_value),
        default_value: transformation.as_ref().and_then(MetricTransformation::default_value),
        dimensions: transformation
            .as_ref()
            .and_then(|transformation| transformation.dimensions().cloned())
            .unwrap_or_default()
            .into_iter()
            .collect(),
        // AWS may return `None` for a unit that was never set.
        unit: transformation
            .as_ref()
            .and_then(MetricTransformation::unit)
            .filter(|unit| **unit != StandardUnit::None)
            .map(|unit| unit.as_str().to_owned()),
        field_selection_criteria: found.field_selection_criteria.filter(|criteria| !criteria.is_empty()),
        on_transformed_logs: found.apply_on_transformed_logs,
    })
}

/// The filters of a log group whose names begin with `prefix`.
async fn filters(aws: &Aws, log_group: &str, prefix: Option<String>) -> Result<Vec<sdk::MetricFilter>, AwsError> {
    let request = aws.logs.describe_metric_filters().log_group_name(log_group);
    let pages = request.set_filter_name_prefix(prefix).into_paginator().items().send();
    let filters = pages.collect::<Result<Vec<_>, _>>().await.op(ops::DESCRIBE_METRIC_FILTERS);
    Ok(filters.optional()?.unwrap_or_default())
}

async fn put(aws: &Aws, filter: &Filter) -> Result<Applied, AwsError> {
    let transformation = MetricTransformation::builder()
        .metric_namespace(&filter.namespace)
        .metric_name(&filter.metric_name)
        .metric_value(&filter.metric_value)
        .set_default_value(filter.default_value)
        .build();
    let request = aws.logs.put_metric_filter().log_group_name(&filter.log_group).filter_name(&filter.name);
    let request = request
        .filter_pattern(&filter.pattern)
        // All required members are given, so building cannot fail.
        .set_metric_transformations(transformation.ok().map(|transformation| vec![transformation]));
    match request.send().await.op(ops::PUT_METRIC_FILTER) {
        Ok(_) => Ok(Applied::Done),
        Err(error) if full_log_group::is_full(&error) => {
            let present = filters(aws, &filter.log_group, None).await.unwrap_or_default();
            let names: Vec<_> = present.iter().filter_map(sdk::MetricFilter::filter_name).collect();
            Err(error.with_remedy(full_log_group::remedy(Filter::KIND, &filter.log_group, &names)))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod custom_tests;
#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;
