//! The bucket for records and query results.
//!
//! Bucket policy and lifecycle configuration are shared with others. The operator recognises its own statements and rules by `Sid` and
//! `ID`, and keeps only these as declared. `CreateFlowLogs` replaces the policy with AWS's own statements for the flow log. The operator
//! then puts back its own statements and those of others; AWS's stay. Until then the status stores those of others, because the operator
//! may end between the two calls.

mod apply;
mod empty;
mod event_bridge;
mod keep_policy;
mod lifecycle;
mod observe;
mod policy;
mod state;
mod tags;

use serde_json::{Value, json};

pub use self::apply::{Setting, Statements};
pub use self::keep_policy::keep_policy;
pub use self::policy::{aws_own, without_aws_own};
use self::state::ObservedBucket;
pub use self::state::{Bucket, Encryption, Found};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{About, Aws, AwsError};
use crate::engine::{
    Action, AnyCall, Applied, Change, Details, Diff, Goal, Report, Resource, Step, System, claim_by_tags, existing,
    ownership,
};
use detector::notification_log::OBJECT_PREFIX;

use crate::monitor::{Chosen, Claim, Monitor, Owner, RESULTS_PREFIX, TagDiff, Tags};

/// The system [`Component::Bucket`].
#[derive(Debug)]
pub struct BucketSystem;

/// The buckets of the wanted name and of the names that the spec had before.
#[derive(Debug)]
pub struct Observed {
    buckets: Vec<(String, Option<Found>)>,
}

impl System for BucketSystem {
    type Desired = Bucket;
    type Observed = Observed;

    const COMPONENT: Component = Component::Bucket;
    const NEEDS: &'static [Component] = &[];
    // The flow logs report if AWS can no longer deliver records.
    const TOUCHES: &'static [Component] = &[Component::FlowLogs];
    const OPTIONAL_KINDS: &'static [ResourceKind] = &[ResourceKind::BucketEvents];

    fn desired(monitor: &Monitor) -> Result<Option<Bucket>, Invalid> {
        let reserved =
            [(RESULTS_PREFIX, "query results, which expire"), (OBJECT_PREFIX, "the detector's notification log")];
        if let Some((folder, content)) = reserved.iter().find(|(folder, _)| monitor.key_prefix().starts_with(folder)) {
            return Err(Invalid::new("s3.prefix", format!("{folder} is for {content}; choose another prefix")));
        }
        lifecycle::check(monitor)?;
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
            let found = Box::pin(observe::observe(aws, monitor, &name)).await.about(ResourceKind::Bucket, &name)?;
            buckets.push((name, found));
        }
        Ok(Observed { buckets })
    }

    fn diff(monitor: &Monitor, goal: Goal<&Bucket>, observed: &Observed) -> Diff<AnyCall> {
        let mut diff = Diff::default();
        for (name, found) in &observed.buckets {
            let goal = goal.of_name(name, |bucket| &bucket.name);
            let events = event_bridge::diff(monitor, goal, name, found.as_ref());
            let bucket = ownership::diff(monitor, goal, name, found.as_ref());
            if let Goal::Present(_) = goal {
                diff.include(bucket);
                diff.include(events);
            } else {
                diff.include(events);
                diff.include(bucket);
            }
        }
        diff
    }

    fn report(monitor: &Monitor, _goal: Goal<&Bucket>, observed: &Observed) -> Report {
        // An unfinished bucket stays recorded as one that is to be created, and the next pass recognises it by that.
        let existing = |(name, found): &(String, Option<Found>)| {
            let found = found.as_ref().filter(|found| !found.is_unfinished());
            [existing::<Bucket, _>(monitor, name, found), event_bridge::existing(monitor, name, found)]
        };
        Report::of(observed.buckets.iter().flat_map(existing).flatten())
    }

    fn details(monitor: &Monitor, _goal: Goal<&Bucket>, observed: &Observed) -> Details {
        let policy = others_policy(monitor, observed);
        Details::new(move |status| status.others_bucket_policy.clone_from(&policy))
    }
}

/// The statements in the policy of the declared bucket that are not ours, as JSON. The system of the flow logs removes AWS's own statements
/// for them.
fn others_policy(monitor: &Monitor, observed: &Observed) -> Option<String> {
    match observed.buckets.iter().find(|(name, _)| *name == monitor.names.bucket)? {
        (_, Some(Found::Here(bucket))) => {
            bucket.policy.others(monitor.recorded_policy.as_ref(), &monitor.account_region.account)
        }
        _ => None,
    }
}

static NO_TAGS: Tags = Tags::new();

impl Resource for Bucket {
    const KIND: ResourceKind = ResourceKind::Bucket;
    const HOLDS_DATA: bool = true;

    type Found = Found;
    type Call = Setting;

    fn arn(monitor: &Monitor, name: &str) -> Option<String> {
        Some(monitor.account_region.s3_arn(name))
    }

    fn tags(found: &Found) -> Option<&Tags> {
        Some(match found {
            Found::Elsewhere(_) => &NO_TAGS,
            Found::Here(bucket) => &bucket.tags,
        })
    }

    fn chosen_by_user(monitor: &Monitor) -> Option<Chosen> {
        Some(Chosen { field: "s3.bucketName", by_spec: monitor.spec.s3.bucket_name.is_some() })
    }

    fn witness(monitor: &Monitor, found: &Found) -> Option<String> {
        found.is_unfinished().then(|| monitor.owner.clone())
    }

    fn claim(monitor: &Monitor, name: &str, found: &Found) -> Claim {
        match found {
            Found::Elsewhere(problem) => Claim::Foreign(problem.clone()),
            Found::Here(_) => claim_by_tags::<Self, _>(monitor, name, found),
        }
    }

    fn differences(&self, monitor: &Monitor, found: &Found) -> Vec<Step<Setting>> {
        let Found::Here(observed) = found else { return Vec::new() };
        let lost = observed.policy.lost(monitor.recorded_policy.as_ref(), &monitor.account_region.account);
        settings(self, observed, lost)
    }

    async fn create(&self, aws: &Aws, monitor: &Monitor) -> Result<Applied, AwsError> {
        apply::create(aws, monitor, self).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _monitor: &Monitor, name: &str, call: &Setting) -> Result<Applied, AwsError> {
        apply::put(aws, name, call, None).await?;
        Ok(Applied::Done)
    }

    async fn retag(aws: &Aws, _monitor: &Monitor, name: &str, diff: &TagDiff) -> Result<(), AwsError> {
        tags::put(aws, name, diff).await
    }

    async fn delete(aws: &Aws, _monitor: &Monitor, name: &str, _found: &Found) -> Result<Applied, AwsError> {
        empty::delete(aws, name).await
    }
}

/// The steps for the settings in which a bucket differs from the declared one. Settings that others can make impossible come last, since a
/// failed step stops those after it. `lost` are statements of others that the policy had.
fn settings(bucket: &Bucket, observed: &ObservedBucket, lost: Vec<Value>) -> Vec<Step<Setting>> {
    let mut steps = Vec::new();
    let mut step = |change: Change, setting| steps.push(Step::new(change, setting));
    let change = || Change::new(Action::Update, ResourceKind::Bucket, &bucket.name);

    if observed.encryption.as_ref() != Some(&bucket.encryption) {
        step(
            change().between(&json!({"encryption": observed.encryption}), &json!({"encryption": bucket.encryption})),
            Setting::Encryption(bucket.encryption.clone(), observed.blocked_encryption.clone()),
        );
    }
    let rules = lifecycle::with_former_folders(bucket.rules.clone(), &observed.lifecycle.ours);
    if observed.lifecycle.ours != rules {
        step(
            change().between(&json!({"lifecycle": observed.lifecycle.ours}), &json!({"lifecycle": rules})),
            Setting::Lifecycle(rules),
        );
    }
    let policy_differs = !observed.policy.ours_are(&bucket.statements);
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
        step(change().field("objectOwnership", &observed.ownership, &state::OWNERSHIP), Setting::Ownership);
    }
    if observed.versioned != bucket.versioned {
        let change = change().field("versioning", &observed.versioned, &bucket.versioned);
        step(change, Setting::Versioning(bucket.versioned));
    }
    steps
}

#[cfg(test)]
mod tests;
