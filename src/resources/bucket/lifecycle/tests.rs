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
            "vpc-flow-operator-notification-log": {
                "enabled": true,
                "prefix": "detector-state/",
                "transitions": {},
                "expireAfterDays": null,
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
        let gap = transitions.get("DEEP_ARCHIVE").zip(transitions.get("GLACIER")).map(|(deep, glacier)| deep - glacier);
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
    let mut layouts = records.clone();
    layouts["prefix"] = json!("layout-");
    assert_eq!(rules["vpc-flow-operator-records-layouts"], layouts, "folders of layouts are in no other rule's");

    spec.s3.lifecycle.intelligent_tiering = true;
    spec.analytics.enabled = false;
    let rules = reported(spec);
    assert_eq!(rules["vpc-flow-operator-results"]["expireAfterDays"], 3, "what is left of them goes");
    assert_eq!(rules["vpc-flow-operator-records"]["transitions"], json!({"INTELLIGENT_TIERING": 0}));
}

#[test]
fn records_under_a_former_prefix_move_and_expire_like_all_others() {
    let with = |prefix: &str| {
        let mut spec = spec();
        spec.s3.prefix = prefix.into();
        rules(&fixtures::with_spec(spec))
    };
    let prefixes = |rules: &Rules| rules.values().map(|rule| rule.prefix.clone()).collect::<Vec<_>>();
    let moved = with_former_folders(with("b"), &with("a"));
    assert_eq!(prefixes(&moved), ["detector-state/", "b/", "a/", "athena-results/"]);
    assert_eq!(with_former_folders(with("b"), &moved), moved);
    let nested = with_former_folders(with("a/c"), &moved);
    assert_eq!(prefixes(&nested).len(), 5, "{nested:?}");
    let back = with_former_folders(with("a"), &nested);
    assert_eq!(prefixes(&back).len(), 4, "a/c/ is in a/: {back:?}");
    let top = with_former_folders(with("a"), &with(""));
    assert_eq!(prefixes(&top).len(), 5, "{top:?}");
    let mut whole_bucket = with("a");
    whole_bucket.insert(RECORDS.to_owned(), whole_bucket[RECORDS].for_prefix(""));
    assert_eq!(with_former_folders(with("a"), &whole_bucket), with("a"), "results would move with the records");
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
    let base = written(&BTreeMap::from([(RECORDS.to_owned(), wanted[RECORDS].clone())])).remove(0);
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
    assert_eq!(written.rules.len(), 4);
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
