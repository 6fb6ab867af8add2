//! The subscription filter that sends every record to the function.
//!
//! See `PutSubscriptionFilter` in the API reference of Amazon `CloudWatch` Logs: it replaces a filter of the same name, and a log
//! group has room for two. A filter belongs to its log group and can carry no tags.

use serde::Serialize;

use super::Op;
use crate::api::{Component, ResourceKind};
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Class, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Removal};
use crate::monitor::Monitor;

/// A subscription filter as it shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    log_group: String,
    name: String,
    pub(super) delivery: Delivery,
}

/// What it sends, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// Empty for everything.
    pattern: String,
    destination_arn: String,
}

/// What a log group has under the filter's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSubscription {
    log_group: String,
    name: String,
    delivery: Option<Delivery>,
}

/// What can be done to a subscription filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubscriptionOp {
    Put(Subscription),
    Delete { log_group: String, name: String },
}

pub(super) fn desired(monitor: &Monitor) -> Subscription {
    Subscription {
        log_group: monitor.names.log_group.clone(),
        name: monitor.names.detector(),
        delivery: Delivery { pattern: String::new(), destination_arn: super::function::arn(monitor) },
    }
}

/// Reads the filter on the log group of the wanted name, and on those of names the spec had before.
pub(super) async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Vec<ObservedSubscription>, AwsError> {
    let mut observed = Vec::new();
    for log_group in monitor.known_names(Component::LogGroup, ResourceKind::LogGroup, &monitor.names.log_group) {
        let name = monitor.names.detector();
        let delivery = observe_one(aws, &log_group, &name).await?;
        observed.push(ObservedSubscription { log_group, name, delivery });
    }
    Ok(observed)
}

async fn observe_one(aws: &Aws, log_group: &str, name: &str) -> Result<Option<Delivery>, AwsError> {
    let filters = aws
        .logs
        .describe_subscription_filters()
        .log_group_name(log_group)
        .filter_name_prefix(name)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .op(ops::DESCRIBE_SUBSCRIPTION_FILTERS)
        .optional()?
        .unwrap_or_default();
    Ok(filters.into_iter().find(|filter| filter.filter_name() == Some(name)).map(|filter| Delivery {
        pattern: filter.filter_pattern.unwrap_or_default(),
        destination_arn: filter.destination_arn.unwrap_or_default(),
    }))
}

pub(super) fn diff(wanted: &Subscription, observed: &[ObservedSubscription], diff: &mut Diff<Op>) {
    for found in observed {
        if found.log_group != wanted.log_group {
            delete(found, diff);
        } else if found.delivery.as_ref() != Some(&wanted.delivery) {
            let change = |action| Change::new(action, ResourceKind::SubscriptionFilter, &wanted.name);
            let change = match &found.delivery {
                None => change(Action::Create),
                Some(delivery) => change(Action::Update).between(delivery, &wanted.delivery),
            };
            diff.step(change, Op::Subscription(SubscriptionOp::Put(wanted.clone())));
        }
    }
}

pub(super) fn remove(removal: Removal, observed: &[ObservedSubscription], diff: &mut Diff<Op>) {
    if removal != Removal::KeepAll {
        for found in observed {
            delete(found, diff);
        }
    }
}

fn delete(found: &ObservedSubscription, diff: &mut Diff<Op>) {
    if found.delivery.is_some() {
        let ObservedSubscription { log_group, name, .. } = found.clone();
        let change = Change::new(Action::Delete, ResourceKind::SubscriptionFilter, &name)
            .because(format!("on log group {log_group}"));
        diff.step(change, Op::Subscription(SubscriptionOp::Delete { log_group, name }));
    }
}

pub(super) async fn apply(aws: &Aws, op: &SubscriptionOp) -> Result<Applied, AwsError> {
    match op {
        SubscriptionOp::Put(Subscription { log_group, name, delivery }) => {
            aws.logs
                .put_subscription_filter()
                .log_group_name(log_group)
                .filter_name(name)
                .filter_pattern(&delivery.pattern)
                .destination_arn(&delivery.destination_arn)
                .send()
                .await
                .op(ops::PUT_SUBSCRIPTION_FILTER)
                .map_err(|error| explain(error, log_group))?;
        }
        SubscriptionOp::Delete { log_group, name } => {
            aws.logs
                .delete_subscription_filter()
                .log_group_name(log_group)
                .filter_name(name)
                .send()
                .await
                .op(ops::DELETE_SUBSCRIPTION_FILTER)
                .or_gone()?;
        }
    }
    Ok(Applied::Done)
}

/// `CloudWatch` Logs says no more than "Resource limit exceeded."
fn explain(mut error: AwsError, log_group: &str) -> AwsError {
    if error.class == Class::Terminal && error.is(Service::CloudWatchLogs, "LimitExceededException") {
        error.message = format!(
            "log group {log_group} has two subscription filters already, the most there can be: remove one, name another log group \
             in spec.cloudWatchLogs.logGroupName, or set spec.detector.enabled to false"
        );
    }
    error
}

/// The filter for the status.
pub(super) fn existing(monitor: &Monitor, observed: &[ObservedSubscription]) -> Option<Existing> {
    let found = observed.iter().find(|found| found.log_group == monitor.names.log_group)?;
    found.delivery.as_ref().map(|_| Existing {
        kind: ResourceKind::SubscriptionFilter,
        name: found.name.clone(),
        retained: false,
        arn: None,
        message: None,
    })
}

#[cfg(test)]
pub(super) fn found(log_group: &str, name: &str, delivery: Option<Delivery>) -> ObservedSubscription {
    ObservedSubscription { log_group: log_group.into(), name: name.into(), delivery }
}
