mod others_policy;

use proptest::prelude::*;
use serde_json::Value;

use super::lifecycle::Lifecycle;
use super::policy::Policy;
use super::state::PublicAccess;
use super::*;
use crate::api::VpcFlowMonitorSpec;
use crate::api::spec::{AdoptionPolicy, DeletionPolicy};
use crate::api::status::{ResourceState, ResourceStatus};
use crate::engine::{Removal, ResourceCall};
use crate::monitor::{OWNER, Tags, fixtures};

type Drift = fn(&mut ObservedBucket);

const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1";

fn spec() -> VpcFlowMonitorSpec {
    VpcFlowMonitorSpec::new("vpc-12345678")
}

fn desired(monitor: &Monitor) -> Bucket {
    BucketSystem::desired(monitor).unwrap().unwrap()
}

/// The bucket as S3 has it after all settings are written.
fn at_rest(monitor: &Monitor) -> ObservedBucket {
    let bucket = desired(monitor);
    let policy = Policy::default().with(&bucket.statements, &[]).to_string();
    ObservedBucket {
        versioned: bucket.versioned,
        encryption: Some(bucket.encryption.clone()),
        policy: Policy::parse(&policy).unwrap(),
        lifecycle: Lifecycle::new(Lifecycle::default().with(&bucket.rules).rules, None),
        ..ObservedBucket::just_created(monitor.tags.clone())
    }
}

fn here(monitor: &Monitor, bucket: ObservedBucket) -> Observed {
    Observed { buckets: vec![(monitor.names.bucket.clone(), Some(Found::Here(Box::new(bucket))))] }
}

type Call = ResourceCall<Bucket>;

/// The steps of the buckets themselves.
fn diff(monitor: &Monitor, observed: &Observed) -> Diff<Call> {
    let (bucket, mut diff) = (desired(monitor), Diff::default());
    for (name, found) in &observed.buckets {
        let goal = Goal::Present(&bucket).of_name(name, |bucket| &bucket.name);
        diff.append(ownership::diff(monitor, goal, name, found.as_ref()));
    }
    diff
}

/// The action and the changed fields of each step.
fn reported<C>(diff: &Diff<C>) -> Vec<String> {
    let paths = |step: &Step<C>| {
        let fields: Vec<_> = step.change.fields.iter().map(|field| field.path.as_str()).collect();
        format!("{} {}", step.change.action.past(), fields.join(" "))
    };
    diff.steps.iter().map(paths).collect()
}

#[test]
fn what_s3_sets_by_itself_is_not_written_again() {
    let settings_of = |spec| {
        let monitor = fixtures::with_spec(spec);
        let steps = settings(&desired(&monitor), &ObservedBucket::just_created(Tags::new()), Vec::new());
        reported(&Diff { steps, ..Diff::default() }).join("; ")
    };
    let default = settings_of(spec());
    assert!(default.contains("lifecycle.") && default.contains("policy.") && default.contains("versioning"));
    assert!(!default.contains("encryption") && !default.contains("publicAccessBlock"), "{default}");

    let mut spec = spec();
    spec.s3.versioning = false;
    spec.s3.kms_key_arn = Some(KEY.into());
    let other = settings_of(spec);
    assert!(other.contains("encryption.kmsKeyArn") && !other.contains("versioning"), "{other}");
}

#[test]
fn a_bucket_key_matters_with_kms_only() {
    let mut spec = spec();
    let monitor = fixtures::with_spec(spec.clone());
    let mut bucket = at_rest(&monitor);
    bucket.encryption = Some(Encryption::new(&"AES256".into(), None, true));
    assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket))), [""; 0]);

    spec.s3.kms_key_arn = Some(KEY.into());
    let monitor = fixtures::with_spec(spec);
    let mut bucket = at_rest(&monitor);
    bucket.encryption = Some(Encryption::new(&"aws:kms".into(), Some(KEY.into()), false));
    assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket))), ["Updated encryption.bucketKey"]);
}

#[test]
fn each_drift_is_repaired_by_itself() {
    let monitor = fixtures::monitor();
    let cases: [(Drift, &str); 7] = [
        (|bucket| bucket.versioned = false, "Updated versioning"),
        (|bucket| bucket.ownership = Some("ObjectWriter".into()), "Updated objectOwnership"),
        (|bucket| bucket.ownership = None, "Updated objectOwnership"),
        (|bucket| bucket.encryption = None, "Updated encryption"),
        (
            |bucket| bucket.lifecycle.ours.clear(),
            "Updated lifecycle.vpc-flow-operator-notification-log lifecycle.vpc-flow-operator-records \
             lifecycle.vpc-flow-operator-results",
        ),
        (
            |bucket| bucket.policy = Policy::default(),
            "Updated policy.VpcFlowOperatorDeliveryCheck policy.VpcFlowOperatorDeliveryWrite policy.VpcFlowOperatorDenyInsecureTransport",
        ),
        (|bucket| drop(bucket.tags.remove("vpcflow.dev/managed-by")), r#"Updated tags["vpcflow.dev/managed-by"]"#),
    ];
    for (drift, expected) in cases {
        let mut bucket = at_rest(&monitor);
        drift(&mut bucket);
        assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket))), [expected]);
    }
}

#[test]
fn an_open_bucket_with_a_foreign_policy_is_closed_in_one_step() {
    let monitor = fixtures::monitor();
    let mut bucket = at_rest(&monitor);
    bucket.public_access = PublicAccess::default();
    bucket.policy = Policy::default();
    let diff = diff(&monitor, &here(&monitor, bucket));
    let [step] = &diff.steps[..] else { panic!("{diff:#?}") };
    assert!(matches!(&step.op, Call::Change(_, Setting::Access { statements: Some(_), block: true })));
    assert_eq!(step.change.fields.len(), 7);
}

#[test]
fn what_is_not_ours_is_a_conflict_and_never_removed() {
    let mut monitor = fixtures::monitor();
    let mut theirs = at_rest(&monitor);
    theirs.tags.insert(OWNER.to_owned(), "cluster/other/x".to_owned());
    let name = monitor.names.bucket.clone();
    let elsewhere = Observed { buckets: vec![(name, Some(Found::Elsewhere("elsewhere".into())))] };
    for observed in [here(&monitor, theirs), elsewhere] {
        let present = diff(&monitor, &observed);
        assert_eq!((present.steps.len(), present.conflicts.len()), (0, 1));
        let removed = Goal::Absent(Removal::OwnerDeleted);
        for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData, DeletionPolicy::Retain] {
            monitor.spec.deletion_policy = Some(policy);
            let absent = BucketSystem::diff(&monitor, removed, &observed);
            assert_eq!((absent.steps.len(), absent.conflicts.len()), (0, 0));
        }
        assert_eq!(BucketSystem::report(&monitor, removed, &observed), Report::default());
    }
}

#[test]
fn an_unowned_bucket_is_adopted_with_the_tags_of_others() {
    let mut spec = spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let monitor = fixtures::with_spec(spec);
    let mut bucket = at_rest(&monitor);
    bucket.tags = [("team".to_owned(), "a".to_owned())].into();
    let diff = diff(&monitor, &here(&monitor, bucket));
    let reported = &reported(&diff)[..];
    let [adopted] = reported else { panic!("{reported:?}") };
    assert!(adopted.starts_with(r#"Adopted tags["vpcflow.dev/adopted"]"#), "{adopted}");
    let Call::Tag(_, tags) = &diff.steps[0].op else { panic!("{diff:#?}") };
    assert!(tags.unset.is_empty());
    assert_eq!(&tags.set[OWNER], &monitor.owner);
}

#[test]
fn after_a_rename_the_old_bucket_goes_as_the_policy_says() {
    let mut spec = spec();
    spec.s3.bucket_name = Some("new-name".into());
    for (policy, expected) in [(DeletionPolicy::Delete, "Deleted "), (DeletionPolicy::RetainData, "Retained ")] {
        spec.deletion_policy = Some(policy);
        let mut monitor = fixtures::with_spec(spec.clone());
        monitor.recorded.push(ResourceStatus {
            component: Component::Bucket,
            kind: ResourceKind::Bucket,
            name: "old-name".into(),
            arn: None,
            state: ResourceState::InSync,
            message: None,
        });
        let names = monitor.known_names(Component::Bucket, ResourceKind::Bucket, &monitor.names.bucket);
        let found = |name: &String| (name.clone(), Some(Found::Here(Box::new(at_rest(&monitor)))));
        let observed = Observed { buckets: names.iter().map(found).collect() };
        let diff = diff(&monitor, &observed);
        assert_eq!(reported(&diff), [expected]);
        assert_eq!(diff.steps[0].change.name, "old-name");
    }
}

#[test]
fn records_may_not_be_where_other_objects_expire() {
    for prefix in ["athena-results", "athena-results/logs", "detector-state", "detector-state/logs"] {
        let mut spec = spec();
        spec.s3.prefix = prefix.into();
        let invalid = BucketSystem::desired(&fixtures::with_spec(spec)).unwrap_err();
        let folder = prefix.split('/').next().unwrap();
        assert!(invalid.to_string().starts_with(&format!("spec.s3.prefix: {folder}/ is for ")), "{invalid}");
    }
}

#[test]
fn settings_that_are_not_ours_are_written_back() {
    use aws_sdk_s3::types::{BlockedEncryptionTypes, EncryptionType};
    let monitor = fixtures::monitor();
    let mut bucket = at_rest(&monitor);
    let blocked = BlockedEncryptionTypes::builder().encryption_type(EncryptionType::SseC).build();
    bucket.blocked_encryption = Some(blocked.clone());
    bucket.encryption = None;
    let diff = diff(&monitor, &here(&monitor, bucket));
    let Call::Change(_, Setting::Encryption(_, kept)) = &diff.steps[0].op else { panic!("{diff:#?}") };
    assert_eq!(kept, &Some(blocked));
}

fn statement() -> impl Strategy<Value = Value> {
    ("[A-Za-z]{0,12}", proptest::option::of("[a-z]{1,5}")).prop_map(|(sid, action)| {
        let mut statement =
            json!({"Effect": "Deny", "Principal": "*", "Action": action.map(|name| format!("s3:{name}"))});
        if !sid.is_empty() {
            statement["Sid"] = json!(sid);
        }
        statement
    })
}

proptest! {
    #[test]
    fn at_rest_there_is_nothing_to_do_whatever_the_spec_and_others_say(
        versioning: bool,
        hive: bool,
        kms: bool,
        prefix in "([a-z]{1,8}(/[a-z]{1,8})?)?",
        theirs in proptest::collection::vec(statement(), 0..4),
    ) {
        let mut spec = spec();
        spec.s3.versioning = versioning;
        spec.s3.hive_compatible_partitions = hive;
        spec.s3.kms_key_arn = kms.then(|| KEY.to_owned());
        spec.s3.prefix = prefix;
        let monitor = fixtures::with_spec(spec);
        let mut bucket = at_rest(&monitor);
        prop_assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket.clone()))).len(), 0);

        // As after CreateFlowLogs, the policy has only statements of others until ours are back.
        bucket.policy = Policy::parse(&json!({"Version": "2012-10-17", "Statement": theirs}).to_string()).unwrap();
        let repair = diff(&monitor, &here(&monitor, bucket.clone()));
        let policy = policy_after(&repair, &bucket);
        prop_assert_eq!(policy["Statement"].as_array().unwrap().get(..theirs.len()), Some(&theirs[..]));
        bucket.policy = Policy::parse(&policy.to_string()).unwrap();
        prop_assert_eq!(reported(&diff(&monitor, &here(&monitor, bucket))).len(), 0);
    }
}

/// The policy of a bucket after the first step.
fn policy_after(diff: &Diff<Call>, bucket: &ObservedBucket) -> Value {
    let Call::Change(_, Setting::Access { statements: Some(Statements { ours, lost }), block: false }) =
        &diff.steps[0].op
    else {
        panic!("{diff:#?}")
    };
    bucket.policy.with(ours, lost)
}
