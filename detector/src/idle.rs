//! Logs the rules that can do nothing, since records lack a field.

use std::time::SystemTime;

use flow_log_fields::Field;

use crate::format::LogFormat;
use crate::rules::Rule;
use crate::settings::Settings;

/// Logs the rules, suppressions and metrics without effect on records of `format`, which `named_by` names.
pub fn warn(settings: &Settings, format: &LogFormat, named_by: &str, now: SystemTime) {
    for rule in Rule::ALL.into_iter().filter(|rule| !settings.rules.disabled.contains(rule)) {
        if let Some(field) = rule.lacks(format).map(Field::name) {
            tracing::warn!(%rule, field, named_by, "the rule cannot fire: the format lacks the field");
        }
    }
    for rule in settings.custom_rules.iter().filter(|rule| rule.enabled) {
        if let Some(field) = rule.when.lacks(format).map(Field::name) {
            tracing::warn!(rule = rule.name, field, named_by, "the rule cannot fire: the format lacks the field");
        }
    }
    for suppression in settings.suppress.iter().filter(|suppression| !suppression.is_expired(now)) {
        if let Some(field) = suppression.when.lacks(format).map(Field::name) {
            let suppression = suppression.name.as_str();
            tracing::warn!(
                suppression,
                field,
                named_by,
                "the suppression matches no record: the format lacks the field"
            );
        }
    }
    for detection in &settings.detections {
        if let Some(field) = detection.when.lacks(format).map(Field::name) {
            let metric = detection.metric.as_str();
            tracing::warn!(metric, field, named_by, "the metric counts no record: the format lacks the field");
        }
    }
}

/// Logs the suppressions that have expired at `now`.
pub fn warn_of_expired(settings: &Settings, now: SystemTime) {
    for suppression in settings.suppress.iter().filter(|suppression| suppression.is_expired(now)) {
        let suppression = suppression.name.as_str();
        tracing::warn!(suppression, "the suppression has expired: remove it, or set a later time");
    }
}
