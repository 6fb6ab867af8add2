//! The lifecycle configuration: our rules among those of others.
//!
//! See "Lifecycle configuration elements" and "Transitioning objects using Amazon S3 Lifecycle" in the S3 user guide.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, Transition, TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use detector::notification_log::OBJECT_PREFIX;
use serde::Serialize;

use crate::api::{Invalid, spec};
use crate::monitor::{LAYOUT, Monitor, RESULTS_PREFIX, short_hash};

const RECORDS: &str = "vpc-flow-operator-records";
/// `ID` of the rule for folders of layouts that are in no folder of all records.
const LAYOUTS: &str = "vpc-flow-operator-records-layouts";
/// Begins the `ID` of rules for folders that had records under a former prefix.
const FORMER: &str = "vpc-flow-operator-records-former-";
const RESULTS: &str = "vpc-flow-operator-results";
/// `ID` of the rule for the detector's notification log.
const NOTIFICATION_LOG: &str = "vpc-flow-operator-notification-log";
const ABORT_UPLOADS_AFTER_DAYS: i32 = 7;
/// Results can be produced again by running the query again. Nothing reads former versions of the notification log, which may be written
/// every minute.
const NONCURRENT_VERSIONS_EXPIRE_AFTER_DAYS: i32 = 1;

/// Rules of ours by `ID`.
pub type Rules = BTreeMap<String, Rule>;

/// A rule, with the members that our rules use. Days count from an object's creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    enabled: bool,
    /// Prefix of the keys that it applies to.
    prefix: String,
    /// Days until each storage class.
    transitions: BTreeMap<String, i32>,
    expire_after_days: Option<i32>,
    noncurrent_version_expire_after_days: Option<i32>,
    abort_uploads_after_days: Option<i32>,
    /// Names of further members that the rule sets; our rules never set them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    besides: Vec<&'static str>,
}

/// Days that S3 keeps an object in Glacier at least before the same rule may move it to Deep Archive.
const LEAST_DAYS_IN_GLACIER: i32 = 90;

/// Rejects days that S3 would reject. The API server does as well, but `plan` does not use it, and a monitor may be older than that rule.
pub fn check(monitor: &Monitor) -> Result<(), Invalid> {
    let spec::Lifecycle { glacier_after_days, deep_archive_after_days, intelligent_tiering, .. } =
        monitor.spec.s3.lifecycle;
    let least = glacier_after_days.saturating_add(LEAST_DAYS_IN_GLACIER);
    if intelligent_tiering
        || glacier_after_days == 0
        || deep_archive_after_days == 0
        || deep_archive_after_days >= least
    {
        return Ok(());
    }
    Err(Invalid::new(
        "s3.lifecycle.deepArchiveAfterDays",
        format!(
            "{deep_archive_after_days} must be at least {least}: S3 keeps objects in Glacier for {LEAST_DAYS_IN_GLACIER} days \
             (glacierAfterDays is {glacier_after_days}; 0 leaves a class out)"
        ),
    ))
}

/// The rules that the spec asks for.
#[must_use]
pub fn rules(monitor: &Monitor) -> Rules {
    let spec = &monitor.spec.s3.lifecycle;
    let transitions = if spec.intelligent_tiering {
        vec![(TransitionStorageClass::IntelligentTiering, 0)]
    } else {
        let steps = [
            (TransitionStorageClass::StandardIa, spec.standard_ia_after_days),
            (TransitionStorageClass::Glacier, spec.glacier_after_days),
            (TransitionStorageClass::DeepArchive, spec.deep_archive_after_days),
        ];
        steps.into_iter().filter(|(_, days)| *days > 0).collect()
    };
    let prefix = monitor.records_prefix();
    let at_the_top = prefix.is_empty();
    let records = Rule {
        enabled: true,
        // An empty prefix would apply the rule to the whole bucket, including query results.
        prefix: if at_the_top { "AWSLogs/".to_owned() } else { prefix },
        transitions: transitions.into_iter().map(|(class, days)| (class.as_str().to_owned(), days)).collect(),
        expire_after_days: spec.expire_after_days,
        noncurrent_version_expire_after_days: Some(spec.noncurrent_version_expire_after_days),
        abort_uploads_after_days: Some(ABORT_UPLOADS_AFTER_DAYS),
        besides: Vec::new(),
    };
    let mut rules = Rules::new();
    if at_the_top {
        rules.insert(LAYOUTS.to_owned(), records.for_prefix(LAYOUT));
    }
    rules.insert(RECORDS.to_owned(), records);
    // Query results stay behind when analytics is switched off; this rule still expires them.
    let results = Rule {
        enabled: true,
        prefix: RESULTS_PREFIX.to_owned(),
        transitions: BTreeMap::new(),
        expire_after_days: Some(monitor.spec.analytics.result_retention_days),
        noncurrent_version_expire_after_days: Some(NONCURRENT_VERSIONS_EXPIRE_AFTER_DAYS),
        abort_uploads_after_days: Some(ABORT_UPLOADS_AFTER_DAYS),
        besides: Vec::new(),
    };
    let notification_log = Rule { expire_after_days: None, ..results.for_prefix(OBJECT_PREFIX) };
    rules.insert(RESULTS.to_owned(), results);
    rules.insert(NOTIFICATION_LOG.to_owned(), notification_log);
    rules
}

/// Returns these rules and a copy of the records rule for each folder of an earlier rule: records stay there when the prefix changes.
#[must_use]
pub fn with_former_folders(mut rules: Rules, observed: &Rules) -> Rules {
    let Some(records) = rules.get(RECORDS).cloned() else { return rules };
    // The prefixes are sorted, so that a folder comes before the folders within it.
    for prefix in observed.values().map(|rule| &rule.prefix).collect::<BTreeSet<_>>() {
        let is_covered = rules.values().any(|rule| prefix.starts_with(&rule.prefix));
        let has_others = [RESULTS_PREFIX, OBJECT_PREFIX].iter().any(|folder| folder.starts_with(prefix));
        if !is_covered && !has_others {
            rules.insert(format!("{FORMER}{}", short_hash(prefix)), records.for_prefix(prefix));
        }
    }
    rules
}

/// A lifecycle configuration as S3 has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lifecycle {
    /// Our rules.
    pub ours: Rules,
    others: Vec<LifecycleRule>,
    minimum_object_size: Option<TransitionDefaultMinimumObjectSize>,
}

/// A lifecycle configuration to be written, which replaces the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// All rules.
    pub rules: Vec<LifecycleRule>,
    /// Not set by the operator, but written together with the rules.
    pub minimum_object_size: Option<TransitionDefaultMinimumObjectSize>,
}

impl Lifecycle {
    /// Separates our rules from those of others.
    #[must_use]
    pub fn new(rules: Vec<LifecycleRule>, minimum_object_size: Option<TransitionDefaultMinimumObjectSize>) -> Self {
        let mut lifecycle = Self { minimum_object_size, ..Self::default() };
        for rule in rules {
            match rule.id() {
                Some(id) if [RECORDS, LAYOUTS, RESULTS, NOTIFICATION_LOG].contains(&id) || id.starts_with(FORMER) => {
                    lifecycle.ours.insert(id.to_owned(), Rule::from(&rule));
                }
                _ => lifecycle.others.push(rule),
            }
        }
        lifecycle
    }

    /// The configuration with these rules for ours.
    #[must_use]
    pub fn with(&self, ours: &Rules) -> Written {
        let others = self.others.iter().cloned().map(with_filter);
        let ours = ours.iter().filter_map(|(id, rule)| rule.to_sdk(id));
        Written { rules: others.chain(ours).collect(), minimum_object_size: self.minimum_object_size.clone() }
    }
}

/// Puts the prefix of a rule into a filter, which means the same. S3 rejects rules with the prefix outside a filter beside rules with a
/// filter.
#[allow(deprecated, reason = "only turns away from it")]
fn with_filter(mut rule: LifecycleRule) -> LifecycleRule {
    if rule.filter.is_none() {
        let prefix = rule.prefix.take().unwrap_or_default();
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix).build());
    }
    rule
}

impl Rule {
    fn for_prefix(&self, prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), ..self.clone() }
    }

    fn to_sdk(&self, id: &str) -> Option<LifecycleRule> {
        let mut transitions: Vec<_> = self.transitions.iter().collect();
        transitions.sort_by_key(|(_, days)| **days);
        let transitions = transitions.into_iter().map(|(class, days)| {
            Transition::builder().days(*days).storage_class(TransitionStorageClass::from(class.as_str())).build()
        });
        let rule = LifecycleRule::builder()
            .id(id)
            .status(if self.enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled })
            .filter(LifecycleRuleFilter::builder().prefix(&self.prefix).build())
            .set_transitions((!self.transitions.is_empty()).then(|| transitions.collect()))
            .set_expiration(self.expire_after_days.map(|days| LifecycleExpiration::builder().days(days).build()))
            .set_noncurrent_version_expiration(
                self.noncurrent_version_expire_after_days
                    .map(|days| NoncurrentVersionExpiration::builder().noncurrent_days(days).build()),
            )
            .set_abort_incomplete_multipart_upload(
                self.abort_uploads_after_days
                    .map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build()),
            );
        // The status is given, so building cannot fail.
        rule.build().ok()
    }
}

impl From<&LifecycleRule> for Rule {
    fn from(rule: &LifecycleRule) -> Self {
        let expiration = rule.expiration();
        let noncurrent = rule.noncurrent_version_expiration();
        let (prefix, narrowed) = scope(rule);
        let besides = [
            ("filter", narrowed),
            (
                "transitions by date",
                rule.transitions().iter().any(|transition| transition.days.is_none() || transition.date.is_some()),
            ),
            ("expiration by date", expiration.is_some_and(|expiration| expiration.date.is_some())),
            (
                "expiredObjectDeleteMarker",
                expiration.is_some_and(|expiration| expiration.expired_object_delete_marker == Some(true)),
            ),
            ("noncurrentVersionTransitions", !rule.noncurrent_version_transitions().is_empty()),
            (
                "newerNoncurrentVersions",
                noncurrent.is_some_and(|noncurrent| noncurrent.newer_noncurrent_versions.is_some_and(|most| most > 0)),
            ),
        ];
        Self {
            enabled: *rule.status() == ExpirationStatus::Enabled,
            prefix,
            transitions: rule
                .transitions()
                .iter()
                .filter_map(|transition| Some((transition.storage_class()?.as_str().to_owned(), transition.days?)))
                .collect(),
            expire_after_days: expiration.and_then(LifecycleExpiration::days),
            noncurrent_version_expire_after_days: noncurrent.and_then(NoncurrentVersionExpiration::noncurrent_days),
            abort_uploads_after_days: rule
                .abort_incomplete_multipart_upload()
                .and_then(AbortIncompleteMultipartUpload::days_after_initiation),
            besides: besides.into_iter().filter(|(_, said)| *said).map(|(name, _)| name).collect(),
        }
    }
}

/// The prefix of a rule's keys, and true if the filter has further conditions. S3 may return a lone prefix in an `And`.
#[allow(deprecated, reason = "other tools still write the prefix outside a filter")]
fn scope(rule: &LifecycleRule) -> (String, bool) {
    let text = |prefix: Option<&str>| prefix.unwrap_or_default().to_owned();
    let limits = |least: Option<i64>, most: Option<i64>| least.is_some_and(|bytes| bytes > 0) || most.is_some();
    match rule.filter() {
        None => (text(rule.prefix()), false),
        Some(filter) => match filter.and() {
            None => (
                text(filter.prefix()),
                filter.tag().is_some() || limits(filter.object_size_greater_than(), filter.object_size_less_than()),
            ),
            Some(and) => (
                text(and.prefix()),
                !and.tags().is_empty() || limits(and.object_size_greater_than(), and.object_size_less_than()),
            ),
        },
    }
}

#[cfg(test)]
mod tests;
