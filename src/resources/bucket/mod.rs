//! The bucket for records and query results.
//!
//! Bucket policy and lifecycle configuration are shared with others: of their statements and rules ours are told by `Sid` and `ID`,
//! and only those are kept as declared. `CreateFlowLogs` replaces the policy with AWS's own statements: ours and those of others are put
//! back, AWS's stay. Until then the status remembers those of others, for the operator may be ended between the two.

mod apply;
mod empty;
mod keep_policy;
mod lifecycle;
mod observe;
mod policy;
mod state;

use serde_json::{Value, json};

pub use self::apply::{BucketOp, Setting, Statements};
pub use self::keep_policy::keep_policy;
use self::state::ObservedBucket;
pub use self::state::{Bucket, Encryption, Found};
use crate::api::{Component, ResourceKind};
use crate::aws::{Aws, AwsError};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Invalid, Removal, Report, Step, System};
use crate::monitor::{ADOPTED, Chosen, Claim, Monitor, RESULTS_PREFIX, Tags};
use crate::resources::common::WAS_THERE_BEFORE;

/// The system [`Component::Bucket`].
#[derive(Debug)]
pub struct BucketSystem;

/// What has the wanted name, and the names the spec had before.
#[derive(Debug)]
pub struct Observed {
    buckets: Vec<(String, Found)>,
}

impl System for BucketSystem {
    type Desired = Bucket;
    type Observed = Observed;
    type Op = BucketOp;

    const COMPONENT: Component = Component::Bucket;
    const NEEDS: &'static [Component] = &[];

    fn desired(monitor: &Monitor) -> Result<Option<Bucket>, Invalid> {
        if monitor.key_prefix().starts_with(RESULTS_PREFIX) {
            return Err(Invalid {
                field: "s3.prefix",
                problem: format!("{RESULTS_PREFIX} is for query results, which expire; choose another prefix"),
            });
        }
        let spec = &monitor.spec.s3;
        monitor.check_key("s3.kmsKeyArn", spec.kms_key_arn.as_ref())?;
        Ok(Some(Bucket {
            name: monitor.names.bucket.clone(),
            versioned: spec.versioning,
            encryption: spec.kms_key_arn.clone().map_or_else(Encryption::sse_s3, Encryption::sse_kms),
            statements: policy::statements(monitor),
            rules: lifecycle::rules(monitor),
        }))
    }

    async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Observed, AwsError> {
        let mut buckets = Vec::new();
        for name in monitor.known_names(Component::Bucket, ResourceKind::Bucket, &monitor.names.bucket) {
            let found = Box::pin(observe::observe(aws, monitor, &name)).await?;
            buckets.push((name, found));
        }
        Ok(Observed { buckets })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Bucket>, observed: &Observed) -> Diff<BucketOp> {
        let mut diff = Diff::default();
        for (name, found) in &observed.buckets {
            match goal {
                Goal::Present(bucket) if bucket.name == *name => keep(monitor, bucket, found, &mut diff),
                Goal::Present(_) => remove(monitor, monitor.removal(), name, found, &mut diff),
                Goal::Absent(removal) => remove(monitor, removal, name, found, &mut diff),
            }
        }
        diff
    }

    async fn apply(aws: &Aws, monitor: &Monitor, op: &BucketOp) -> Result<Applied, AwsError> {
        apply::apply(aws, monitor, op).await
    }

    fn report(monitor: &Monitor, _goal: Goal<&Bucket>, observed: &Observed) -> Report {
        let existing = |(name, found): &(String, Found)| match found {
            Found::Here(bucket) if monitor.claim(&bucket.tags) == Claim::Ours => Some(Existing {
                retained: monitor.has_retained(&bucket.tags),
                ..Existing::new(ResourceKind::Bucket, name, monitor.account_region.s3_arn(name))
            }),
            Found::Here(_) | Found::Nothing | Found::Elsewhere(_) => None,
        };
        let resources = observed.buckets.iter().filter_map(existing).collect();
        let wanted = observed.buckets.iter().find(|(name, _)| *name == monitor.names.bucket);
        let account = &monitor.account_region.account;
        let others_bucket_policy = match wanted {
            Some((_, Found::Here(bucket))) if bucket.policy.is_overwritten(account) => monitor.recorded_policy.clone(),
            Some((_, Found::Here(bucket))) => bucket.policy.others(account),
            _ => None,
        };
        Report { resources, others_bucket_policy, ..Report::default() }
    }
}

fn claim(monitor: &Monitor, name: &str, tags: &Tags) -> Claim {
    let arn = monitor.account_region.s3_arn(name);
    monitor.claim_chosen(
        tags,
        Chosen { field: "s3.bucketName", by_spec: monitor.spec.s3.bucket_name.is_some(), arn: &arn },
    )
}

fn keep(monitor: &Monitor, bucket: &Bucket, found: &Found, diff: &mut Diff<BucketOp>) {
    match found {
        Found::Nothing => {
            let change = Change::new(Action::Create, ResourceKind::Bucket, &bucket.name);
            diff.step(change, BucketOp::Create(bucket.clone()));
        }
        Found::Elsewhere(problem) => diff.conflict(ResourceKind::Bucket, &bucket.name, problem),
        Found::Here(observed) => match claim(monitor, &bucket.name, &observed.tags) {
            Claim::Foreign(problem) => diff.conflict(ResourceKind::Bucket, &bucket.name, problem),
            claim => repair(monitor, bucket, observed, &claim, diff),
        },
    }
}

fn repair(monitor: &Monitor, bucket: &Bucket, observed: &ObservedBucket, claim: &Claim, diff: &mut Diff<BucketOp>) {
    let tags = monitor.tag_diff_of_data(&observed.tags);
    if !tags.is_empty() {
        let action = if *claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let change = Change::new(action, ResourceKind::Bucket, &bucket.name).field(
            "tags",
            Some(json!(observed.tags)),
            Some(json!(tags.applied_to(&observed.tags))),
        );
        diff.step(change, BucketOp::Tag { name: bucket.name.clone(), tags });
    }
    let lost = observed.policy.lost(monitor.recorded_policy.as_ref(), &monitor.account_region.account);
    diff.steps.extend(settings(bucket, observed, lost));
}

/// The settings in which a bucket differs from what it shall be. Those that others can make impossible come last, for a failed step
/// holds back the ones after it. `lost` are statements of others that the policy had.
fn settings(bucket: &Bucket, observed: &ObservedBucket, lost: Vec<Value>) -> Vec<Step<BucketOp>> {
    let mut steps = Vec::new();
    let mut step = |change: Change, setting| {
        steps.push(Step { change, op: BucketOp::Put { name: bucket.name.clone(), setting }, follows: None });
    };
    let change = || Change::new(Action::Update, ResourceKind::Bucket, &bucket.name);

    if observed.encryption.as_ref() != Some(&bucket.encryption) {
        step(
            change().between(&json!({"encryption": observed.encryption}), &json!({"encryption": bucket.encryption})),
            Setting::Encryption(bucket.encryption.clone(), observed.blocked_encryption.clone()),
        );
    }
    if observed.lifecycle.ours != bucket.rules {
        step(
            change().between(&json!({"lifecycle": observed.lifecycle.ours}), &json!({"lifecycle": bucket.rules})),
            Setting::Lifecycle(bucket.rules.clone()),
        );
    }
    let policy_differs = !observed.policy.holds(&bucket.statements);
    let is_open = !observed.public_access.is_blocked();
    if policy_differs || is_open {
        let mut change = change();
        if policy_differs {
            change = change.between(
                &json!({"policy": policy::by_sid(&observed.policy.ours())}),
                &json!({"policy": policy::by_sid(&[&lost[..], &bucket.statements].concat())}),
            );
        }
        if is_open {
            change = change.between(
                &json!({"publicAccessBlock": observed.public_access}),
                &json!({"publicAccessBlock": state::PublicAccess::BLOCKED}),
            );
        }
        let statements = policy_differs.then(|| Statements { ours: bucket.statements.clone(), lost });
        step(change, Setting::Access { statements, block: is_open });
    }
    if observed.ownership.as_deref() != Some(state::OWNERSHIP) {
        let old = observed.ownership.as_ref().map(|ownership| json!(ownership));
        step(change().field("objectOwnership", old, Some(json!(state::OWNERSHIP))), Setting::Ownership);
    }
    if observed.versioned != bucket.versioned {
        let (old, new) = (Some(json!(observed.versioned)), Some(json!(bucket.versioned)));
        step(change().field("versioning", old, new), Setting::Versioning(bucket.versioned));
    }
    steps
}

fn remove(monitor: &Monitor, removal: Removal, name: &str, found: &Found, diff: &mut Diff<BucketOp>) {
    let Found::Here(observed) = found else { return };
    if monitor.claim(&observed.tags) != Claim::Ours {
        return;
    }
    let is_adopted = observed.tags.contains_key(ADOPTED);
    if removal == Removal::Everything && !is_adopted {
        let op = BucketOp::Delete { name: name.to_owned() };
        diff.step(Change::new(Action::Delete, ResourceKind::Bucket, name), op);
        return;
    }
    let tags = monitor.retained_tag_diff(&observed.tags);
    if !tags.is_empty() {
        let op = BucketOp::Tag { name: name.to_owned(), tags };
        let mut change = Change::new(Action::Retain, ResourceKind::Bucket, name);
        change.why = is_adopted.then(|| WAS_THERE_BEFORE.to_owned());
        diff.step(change, op);
    }
}

#[cfg(test)]
mod tests;
