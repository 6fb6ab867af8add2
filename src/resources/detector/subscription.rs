//! The subscription filter that sends every record to the function.
//!
//! See `PutSubscriptionFilter` in the API reference of Amazon `CloudWatch` Logs: it replaces a filter of the same name, and a log
//! group has room for two. A filter belongs to its log group and can carry no tags.

use aws_sdk_cloudwatchlogs::types::SubscriptionFilter;
use jiff::Timestamp;
use serde::Serialize;

use crate::api::{Component, ResourceKind};
use crate::aws::{About, Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Diff, Goal, Removal, Resource, ResourceCall, Step, ownership, rewrite};
use crate::monitor::{Monitor, Tags};
use crate::resources::common::full_log_group;

/// A subscription filter, declared or found, in the same terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    log_group: String,
    name: String,
    pub(super) delivery: Delivery,
    /// The time of its creation, of one that exists.
    pub(super) created: Option<Timestamp>,
}

/// Its filter pattern and its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Empty if it sends every record.
    pattern: String,
    destination_arn: String,
}

/// The log groups that may have the filter, and the filter of each.
pub type Observed = Vec<(String, Option<Subscription>)>;

pub(super) fn desired(monitor: &Monitor) -> Subscription {
    Subscription {
        log_group: monitor.names.log_group.clone(),
        name: monitor.names.detector(),
        delivery: Delivery { pattern: String::new(), destination_arn: super::function::arn(monitor) },
        created: None,
    }
}

/// Reads the filter on the log group of the wanted name, and on those of names that the spec had before.
pub(super) async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
    let (name, mut observed) = (monitor.names.detector(), Vec::new());
    for log_group in monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group) {
        let filters = filters(aws, &log_group, Some(&name)).await.about(ResourceKind::LogGroup, &log_group)?;
        let filter = filters.into_iter().find(|filter| filter.filter_name() == Some(&name));
        let filter = filter.map(|filter| Subscription {
            log_group: log_group.clone(),
            name: name.clone(),
            created: filter.creation_time.and_then(|time| Timestamp::from_millisecond(time).ok()),
            delivery: Delivery {
                pattern: filter.filter_pattern.unwrap_or_default(),
                destination_arn: filter.destination_arn.unwrap_or_default(),
            },
        });
        observed.push((log_group, filter));
    }
    Ok(observed)
}

/// The filters of a log group whose names begin with `prefix`.
async fn filters(aws: &Aws, log_group: &str, prefix: Option<&str>) -> Result<Vec<SubscriptionFilter>, AwsError> {
    let request = aws.logs.describe_subscription_filters().log_group_name(log_group);
    let pages = request.set_filter_name_prefix(prefix.map(str::to_owned)).into_paginator().items().send();
    let filters = pages.collect::<Result<Vec<_>, _>>().await.op(ops::DESCRIBE_SUBSCRIPTION_FILTERS);
    Ok(filters.optional()?.unwrap_or_default())
}

pub(super) fn diff(
    monitor: &Monitor,
    goal: Goal<&Subscription>,
    observed: &Observed,
) -> Diff<ResourceCall<Subscription>> {
    let mut diff = Diff::default();
    for (log_group, found) in observed {
        let goal = match goal {
            // The filter on a former log group is removed: it would only send records that arrive late.
            Goal::Present(wanted) if wanted.log_group != *log_group => Goal::Absent(Removal::SwitchedOff),
            goal => goal,
        };
        let mut of_group = ownership::diff(monitor, goal, &monitor.names.detector(), found.as_ref());
        for step in of_group.steps.iter_mut().filter(|step| step.change.action == Action::Delete) {
            step.change.why = Some(format!("on log group {log_group}"));
        }
        diff.append(of_group);
    }
    diff
}

impl Resource for Subscription {
    const KIND: ResourceKind = ResourceKind::SubscriptionFilter;

    type Found = Self;
    type Call = Self;

    fn tags(_found: &Self) -> Option<&Tags> {
        None
    }

    fn differences(&self, _monitor: &Monitor, found: &Self) -> Vec<Step<Self>> {
        rewrite(self, &self.name, &found.delivery, &self.delivery)
    }

    async fn create(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        put(aws, self).await
    }

    async fn call(aws: &Aws, _monitor: &Monitor, _name: &str, filter: &Self) -> Result<Applied, AwsError> {
        put(aws, filter).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, found: &Self) -> Result<Applied, AwsError> {
        let request = aws.logs.delete_subscription_filter().log_group_name(&found.log_group).filter_name(name);
        request.send().await.op(ops::DELETE_SUBSCRIPTION_FILTER).or_gone()?;
        Ok(Applied::Done)
    }
}

async fn put(aws: &Aws, filter: &Subscription) -> Result<Applied, AwsError> {
    let request = aws.logs.put_subscription_filter().log_group_name(&filter.log_group).filter_name(&filter.name);
    let request = request.filter_pattern(&filter.delivery.pattern).destination_arn(&filter.delivery.destination_arn);
    match request.send().await.op(ops::PUT_SUBSCRIPTION_FILTER) {
        Ok(_) => Ok(Applied::Done),
        Err(error) if full_log_group::is_full(&error) => {
            let present = filters(aws, &filter.log_group, None).await.unwrap_or_default();
            let names: Vec<_> = present.iter().filter_map(SubscriptionFilter::filter_name).collect();
            let remedy = full_log_group::remedy(ResourceKind::SubscriptionFilter, &filter.log_group, &names);
            Err(error.with_remedy(format!("{remedy}, or set spec.detector.enabled to false")))
        }
        Err(error) => Err(error),
    }
}

/// The filter on the current log group.
pub(super) fn current<'a>(monitor: &Monitor, observed: &'a Observed) -> Option<&'a Subscription> {
    observed.iter().find(|(log_group, _)| *log_group == monitor.names.log_group)?.1.as_ref()
}

#[cfg(test)]
pub(super) fn found(log_group: &str, name: &str, delivery: Option<Delivery>) -> (String, Option<Subscription>) {
    let filter = delivery.map(|delivery| Subscription {
        log_group: log_group.into(),
        name: name.into(),
        delivery,
        created: None,
    });
    (log_group.to_owned(), filter)
}
