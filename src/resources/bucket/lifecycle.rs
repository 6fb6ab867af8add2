//! The lifecycle configuration: our rules among those of others.
//!
//! See "Lifecycle configuration elements" and "Transitioning objects using Amazon S3 Lifecycle" in the S3 user guide.

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
    NoncurrentVersionExpiration, Transition, TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use serde::Serialize;

use crate::api::{Invalid, spec};
use crate::monitor::{Monitor, RESULTS_PREFIX};

const RECORDS: &str = "vpc-flow-operator-records";
const RESULTS: &str = "vpc-flow-operator-results";
const ABORT_UPLOADS_AFTER_DAYS: i32 = 7;
/// Results can be had again by asking again.
const NONCURRENT_RESULTS_EXPIRE_AFTER_DAYS: i32 = 1;

/// Rules of ours by `ID`.
pub type Rules = BTreeMap<String, Rule>;

/// A rule, as far as ours go. Days count from an object's creation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    enabled: bool,
    /// The keys it is for.
    prefix: String,
    /// Days until each storage class.
    transitions: BTreeMap<String, i32>,
    expire_after_days: Option<i32>,
    noncurrent_version_expire_after_days: Option<i32>,
    abort_uploads_after_days: Option<i32>,
    /// What the rule says besides, which ours never do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    besides: Vec<&'static str>,
}

/// Days that S3 keeps an object in Glacier at least before the same rule may move it to Deep Archive.
const LEAST_DAYS_IN_GLACIER: i32 = 90;

/// Rejects days that S3 would reject. The API server does as well, but not `plan`, and not for a monitor that was stored before it did.
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
    Err(Invalid {
        field: "s3.lifecycle.deepArchiveAfterDays",
        problem: format!(
            "{deep_archive_after_days} must be at least {least}: S3 keeps objects in Glacier for {LEAST_DAYS_IN_GLACIER} days \
             (glacierAfterDays is {glacier_after_days}; 0 leaves a class out)"
        ),
    })
}

/// The rules the spec asks for.
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
    let key_prefix = monitor.key_prefix();
    let records = Rule {
        enabled: true,
        // Without a prefix of one's own the whole bucket would be meant, and results would move with the records.
        prefix: if key_prefix.is_empty() { "AWSLogs/".to_owned() } else { key_prefix },
        transitions: transitions.into_iter().map(|(class, days)| (class.as_str().to_owned(), days)).collect(),
        expire_after_days: spec.expire_after_days,
        noncurrent_version_expire_after_days: Some(spec.noncurrent_version_expire_after_days),
        abort_uploads_after_days: Some(ABORT_UPLOADS_AFTER_DAYS),
        besides: Vec::new(),
    };
    let mut rules = Rules::from([(RECORDS.to_owned(), records)]);
    // Results of queries stay behind when analytics is switched off; they go all the same.
    let results = Rule {
        enabled: true,
        prefix: RESULTS_PREFIX.to_owned(),
        transitions: BTreeMap::new(),
        expire_after_days: Some(monitor.spec.analytics.result_retention_days),
        noncurrent_version_expire_after_days: Some(NONCURRENT_RESULTS_EXPIRE_AFTER_DAYS),
        abort_uploads_after_days: Some(ABORT_UPLOADS_AFTER_DAYS),
        besides: Vec::new(),
    };
    rules.insert(RESULTS.to_owned(), results);
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
    /// Not ours to set, but written together with the rules.
    pub minimum_object_size: Option<TransitionDefaultMinimumObjectSize>,
}

impl Lifecycle {
    /// Tells our rules from those of others.
    #[must_use]
    pub fn new(rules: Vec<LifecycleRule>, minimum_object_size: Option<TransitionDefaultMinimumObjectSize>) -> Self {
        let mut lifecycle = Self { minimum_object_size, ..Self::default() };
        for rule in rules {
            match rule.id() {
                Some(id) if [RECORDS, RESULTS].contains(&id) => {
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

/// S3 refuses rules of the old form, with the prefix outside a filter, beside rules of the new one; they mean the same.
#[allow(deprecated, reason = "only turns away from it")]
fn with_filter(mut rule: LifecycleRule) -> LifecycleRule {
    if rule.filter.is_none() {
        let prefix = rule.prefix.take().unwrap_or_default();
        rule.filter = Some(LifecycleRuleFilter::builder().prefix(prefix).build());
    }
    rule
}

impl Rule {
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

/// The prefix of the keys a rule is for, and whether something else narrows it down. S3 may hand a lone prefix back in an `And`.
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
mod tests {
    use aws_sdk_s3::types::{LifecycleRuleAndOperator, Tag};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;

    fn reported(spec: VpcFlowMonitorSpec) -> serde_json::Value {
        json!(rules(&fixtures::with_spec(spec)))
    }

    fn spec() -> VpcFlowMonitorSpec {
        VpcFlowMonitorSpec::new("vpc-12345678")
    }

    #[test]
    fn records_move_and_results_expire_by_default() {
        assert_eq!(
            reported(spec()),
            json!({
                "vpc-flow-operator-records": {
                    "enabled": true,
                    "prefix": "vpc-flow-logs/",
                    "transitions": {"STANDARD_IA": 30, "GLACIER": 90, "DEEP_ARCHIVE": 365},
                    "expireAfterDays": null,
                    "noncurrentVersionExpireAfterDays": 30,
                    "abortUploadsAfterDays": 7,
                },
                "vpc-flow-operator-results": {
                    "enabled": true,
                    "prefix": "athena-results/",
                    "transitions": {},
                    "expireAfterDays": 30,
                    "noncurrentVersionExpireAfterDays": 1,
                    "abortUploadsAfterDays": 7,
                },
            })
        );
    }

    #[test]
    fn objects_stay_in_glacier_as_long_as_s3_demands_or_the_spec_is_rejected() {
        let days = [0, 1, 90, 179, 180, 275, 276, 365, 36_500];
        for (glacier, deep_archive) in days.into_iter().flat_map(|glacier| days.map(|deep| (glacier, deep))) {
            let mut spec = spec();
            spec.s3.lifecycle.glacier_after_days = glacier;
            spec.s3.lifecycle.deep_archive_after_days = deep_archive;
            let monitor = fixtures::with_spec(spec.clone());
            let transitions = rules(&monitor)[RECORDS].transitions.clone();
            let gap =
                transitions.get("DEEP_ARCHIVE").zip(transitions.get("GLACIER")).map(|(deep, glacier)| deep - glacier);
            assert_eq!(check(&monitor).is_ok(), gap.is_none_or(|gap| gap >= 90), "{glacier} {deep_archive}");
            spec.s3.lifecycle.intelligent_tiering = true;
            assert!(check(&fixtures::with_spec(spec)).is_ok(), "there are no transitions to either");
        }
        let mut spec = spec();
        spec.s3.lifecycle.deep_archive_after_days = 179;
        let reported = check(&fixtures::with_spec(spec)).unwrap_err().to_string();
        assert!(reported.starts_with("spec.s3.lifecycle.deepArchiveAfterDays: 179 must be at least 180"), "{reported}");
    }

    #[test]
    fn every_field_counts() {
        let mut spec = spec();
        spec.s3.prefix = String::new();
        spec.s3.lifecycle.glacier_after_days = 0;
        spec.s3.lifecycle.expire_after_days = Some(400);
        spec.s3.lifecycle.noncurrent_version_expire_after_days = 5;
        spec.analytics.result_retention_days = 3;
        let rules = reported(spec.clone());
        let records = &rules["vpc-flow-operator-records"];
        assert_eq!(records["prefix"], "AWSLogs/", "results must not move with the records");
        assert_eq!(records["transitions"], json!({"STANDARD_IA": 30, "DEEP_ARCHIVE": 365}));
        assert_eq!(records["expireAfterDays"], 400);
        assert_eq!(records["noncurrentVersionExpireAfterDays"], 5);
        assert_eq!(rules["vpc-flow-operator-results"]["expireAfterDays"], 3);

        spec.s3.lifecycle.intelligent_tiering = true;
        spec.analytics.enabled = false;
        let rules = reported(spec);
        assert_eq!(rules["vpc-flow-operator-results"]["expireAfterDays"], 3, "what is left of them goes");
        assert_eq!(rules["vpc-flow-operator-records"]["transitions"], json!({"INTELLIGENT_TIERING": 0}));
    }

    fn written(rules: &Rules) -> Vec<LifecycleRule> {
        Lifecycle::default().with(rules).rules
    }

    #[test]
    fn the_form_of_a_filter_is_no_difference() {
        let wanted = rules(&fixtures::monitor());
        let mut in_and = written(&wanted);
        for rule in &mut in_and {
            let and = LifecycleRuleAndOperator::builder()
                .prefix(rule.filter().unwrap().prefix().unwrap())
                .object_size_greater_than(0)
                .build();
            rule.filter = Some(LifecycleRuleFilter::builder().and(and).build());
            if let Some(transitions) = &mut rule.transitions {
                transitions.reverse();
            }
        }
        assert_eq!(Lifecycle::new(in_and, None).ours, wanted);
    }

    #[test]
    fn what_narrows_or_widens_a_rule_is_a_difference() {
        let wanted = rules(&fixtures::monitor());
        let base = written(&wanted).remove(0);
        let differs = |change: &dyn Fn(&mut LifecycleRule)| {
            let mut rule = base.clone();
            change(&mut rule);
            Rule::from(&rule) != wanted[RECORDS]
        };
        assert!(!differs(&|_| {}));
        assert!(differs(&|rule| rule.status = ExpirationStatus::Disabled));
        assert!(differs(&|rule| rule.transitions = None));
        assert!(differs(&|rule| rule.expiration = Some(LifecycleExpiration::builder().days(1).build())));
        assert!(differs(&|rule| {
            rule.expiration = Some(LifecycleExpiration::builder().expired_object_delete_marker(true).build());
        }));
        assert!(differs(&|rule| {
            let tag = Tag::builder().key("a").value("b").build().unwrap();
            let and = LifecycleRuleAndOperator::builder().prefix("vpc-flow-logs/").tags(tag).build();
            rule.filter = Some(LifecycleRuleFilter::builder().and(and).build());
        }));
        assert!(differs(&|rule| rule.abort_incomplete_multipart_upload = None));
        assert!(differs(&|rule| rule.noncurrent_version_expiration = None));
    }

    #[test]
    #[allow(deprecated, reason = "what others may have written")]
    fn rules_of_others_stay_in_a_form_that_goes_with_ours() {
        let wanted = rules(&fixtures::monitor());
        let theirs = LifecycleRule::builder().id("x").status(ExpirationStatus::Enabled).prefix("tmp/").build().unwrap();
        let size = TransitionDefaultMinimumObjectSize::VariesByStorageClass;
        let lifecycle = Lifecycle::new(vec![theirs], Some(size.clone()));
        let written = lifecycle.with(&wanted);
        assert_eq!(written.minimum_object_size, Some(size));
        assert_eq!(written.rules.len(), 3);
        assert_eq!(written.rules[0].prefix(), None);
        assert_eq!(written.rules[0].filter().and_then(LifecycleRuleFilter::prefix), Some("tmp/"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_seen(
            days in (0..400, 0..400, 0..400),
            expire in proptest::option::of(1..4000),
            noncurrent in 1..400,
            tiering: bool,
            analytics: bool,
        ) {
            let mut spec = spec();
            let lifecycle = &mut spec.s3.lifecycle;
            lifecycle.standard_ia_after_days = days.0;
            lifecycle.glacier_after_days = days.1;
            lifecycle.deep_archive_after_days = days.2;
            lifecycle.expire_after_days = expire;
            lifecycle.noncurrent_version_expire_after_days = noncurrent;
            lifecycle.intelligent_tiering = tiering;
            spec.analytics.enabled = analytics;
            let wanted = rules(&fixtures::with_spec(spec));
            prop_assert_eq!(Lifecycle::new(written(&wanted), None).ours, wanted);
        }
    }
}
