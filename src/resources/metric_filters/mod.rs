//! The metric filters that count what the detections look for.

pub mod digits;
pub mod networks;
pub mod pattern;

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::types::{self as sdk, MetricTransformation, StandardUnit};
use serde::Serialize;

use super::detections::Detection;
use super::flow_logs::{Sink, flow_log_to};
use crate::api::spec::LogGroupClass;
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Invalid, Removal, Report, System};
use crate::monitor::Monitor;

/// The system [`Component::MetricFilters`].
#[derive(Debug)]
pub struct MetricFilters;

/// A metric filter's definition. `PutMetricFilter` replaces it whole, so it is compared whole, with what we never set.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
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

/// One of our metric filters as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedFilter {
    detection: Detection,
    log_group: String,
    filter: Filter,
}

/// What can be done to a metric filter.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum Op {
    Put { detection: Detection, filter: Filter },
    Delete { detection: Detection, log_group: String },
}

fn wanted(monitor: &Monitor, detection: Detection) -> Result<Filter, Invalid> {
    Ok(Filter {
        pattern: pattern::pattern(monitor, detection)?,
        namespace: monitor.spec.detections.namespace.clone(),
        metric_name: detection.metric_name(monitor),
        metric_value: "1".to_owned(),
        // Zero while records come in and none matches: the dashboard draws a line rather than dots, and no data means that no records
        // come. It rules out dimensions; the metric's name tells monitors apart instead.
        default_value: Some(0.0),
        dimensions: BTreeMap::new(),
        unit: None,
        field_selection_criteria: None,
        on_transformed_logs: false,
    })
}

impl System for MetricFilters {
    /// One that cannot be expressed leaves the others as they are.
    type Desired = Vec<(Detection, Result<Filter, Invalid>)>;
    type Observed = Vec<ObservedFilter>;
    type Op = Op;

    const COMPONENT: Component = Component::MetricFilters;
    const NEEDS: &'static [Component] = &[Component::LogGroup];
    // Those on a former log group count and detect until the flow log has moved.
    const CLEARS_AFTER: &'static [Component] = &[Component::FlowLogs];

    fn desired(monitor: &Monitor) -> Result<Option<Self::Desired>, Invalid> {
        let enabled = Detection::ALL.into_iter().filter(|detection| detection.enabled(monitor));
        let filters: Vec<_> = enabled.map(|detection| (detection, wanted(monitor, detection))).collect();
        Ok(if filters.is_empty() { None } else { Some(filters) })
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Self::Observed, AwsError> {
        // Log groups of this class have no metric filters, and the class of a group never changes.
        if monitor.spec.cloud_watch_logs.log_group_class == LogGroupClass::InfrequentAccess {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        // After a change of its name a log group may stay for its records, but nothing is to count in it any more.
        for group in monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group) {
            let filters = aws
                .logs
                .describe_metric_filters()
                .log_group_name(&group)
                .filter_name_prefix(format!("{}-", monitor.names.base()))
                .into_paginator()
                .items()
                .send()
                .collect::<Result<Vec<_>, _>>()
                .await
                .op(ops::DESCRIBE_METRIC_FILTERS)
                .optional()?
                .unwrap_or_default();
            found.extend(filters.into_iter().filter_map(|filter| observed(monitor, &group, filter)));
        }
        Ok(found)
    }

    fn diff(monitor: &Monitor, goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Diff<Op> {
        let mut diff = Diff::default();
        let filters = match goal {
            Goal::Present(filters) => filters.as_slice(),
            // Filters carry no tags: what the log group says about whom it was left by goes for them too.
            Goal::Absent(Removal::KeepAll) => return diff,
            Goal::Absent(Removal::Everything | Removal::KeepData) => &[],
        };
        for found in observed {
            let is_wanted = found.log_group == monitor.names.log_group
                && filters.iter().any(|(detection, _)| *detection == found.detection);
            if !is_wanted {
                let name = found.detection.filter_name(monitor);
                let op = Op::Delete { detection: found.detection, log_group: found.log_group.clone() };
                diff.step(Change::new(Action::Delete, ResourceKind::MetricFilter, name), op);
            }
        }
        for (detection, filter) in filters {
            let filter = match filter {
                Ok(filter) => filter,
                Err(invalid) => {
                    diff.invalid.push(invalid.clone());
                    continue;
                }
            };
            let found = observed
                .iter()
                .find(|found| found.detection == *detection && found.log_group == monitor.names.log_group);
            let change = |action| Change::new(action, ResourceKind::MetricFilter, detection.filter_name(monitor));
            let op = Op::Put { detection: *detection, filter: filter.clone() };
            match found {
                None => diff.step(change(Action::Create), op),
                Some(found) if found.filter != *filter => {
                    let change = change(Action::Update).between(&found.filter, filter);
                    if pattern::fields(&found.filter.pattern) == pattern::fields(&filter.pattern) {
                        diff.step(change, op);
                    } else {
                        diff.step_following(change, op, flow_log_to(Sink::CloudWatchLogs));
                    }
                }
                Some(_) => {}
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &Op) -> Result<Applied, AwsError> {
        match op {
            Op::Put { detection, filter } => put(aws, monitor, *detection, filter).await?,
            Op::Delete { detection, log_group } => {
                aws.logs
                    .delete_metric_filter()
                    .log_group_name(log_group)
                    .filter_name(detection.filter_name(monitor))
                    .send()
                    .await
                    .op(ops::DELETE_METRIC_FILTER)
                    .or_gone()?;
            }
        }
        Ok(Applied::Done)
    }

    fn report(monitor: &Monitor, _goal: Goal<&Self::Desired>, observed: &Self::Observed) -> Report {
        let resources = observed
            .iter()
            .filter(|found| found.log_group == monitor.names.log_group)
            .map(|found| Existing {
                kind: ResourceKind::MetricFilter,
                name: found.detection.filter_name(monitor),
                retained: false,
                arn: None,
                message: None,
            })
            .collect();
        Report { resources, ..Report::default() }
    }
}

fn observed(monitor: &Monitor, log_group: &str, found: sdk::MetricFilter) -> Option<ObservedFilter> {
    let name = found.filter_name.as_deref();
    let detection = Detection::ALL.into_iter().find(|detection| name == Some(&detection.filter_name(monitor)))?;
    let transformation = found.metric_transformations.and_then(|all| all.into_iter().next());
    let of = |get: fn(&MetricTransformation) -> &str| transformation.as_ref().map(get).unwrap_or_default().to_owned();
    let filter = Filter {
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
        // AWS may say `None` where nothing is said.
        unit: transformation
            .as_ref()
            .and_then(MetricTransformation::unit)
            .filter(|unit| **unit != StandardUnit::None)
            .map(|unit| unit.as_str().to_owned()),
        field_selection_criteria: found.field_selection_criteria.filter(|criteria| !criteria.is_empty()),
        on_transformed_logs: found.apply_on_transformed_logs,
    };
    Some(ObservedFilter { detection, log_group: log_group.to_owned(), filter })
}

async fn put(aws: &Aws, monitor: &Monitor, detection: Detection, filter: &Filter) -> Result<(), AwsError> {
    let transformation = MetricTransformation::builder()
        .metric_namespace(&filter.namespace)
        .metric_name(&filter.metric_name)
        .metric_value(&filter.metric_value)
        .set_default_value(filter.default_value)
        .build();
    aws.logs
        .put_metric_filter()
        .log_group_name(&monitor.names.log_group)
        .filter_name(detection.filter_name(monitor))
        .filter_pattern(&filter.pattern)
        // All that is required is given, so building cannot fail.
        .set_metric_transformations(transformation.ok().map(|transformation| vec![transformation]))
        .send()
        .await
        .op(ops::PUT_METRIC_FILTER)?;
    Ok(())
}

#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;
