//! The IAM policies that the operator needs, and no more. They are made from the table of AWS operations, so they allow exactly the calls
//! that the code can make.
//!
//! The possible restrictions of each action are from the Service Authorization Reference; the rows of `table.rs` follow it.

mod document;
mod feature;
mod grant;
mod scope;
mod table;
pub mod trust;

use std::collections::BTreeMap;

use clap::ValueEnum as _;
use serde_json::{Value, json};

pub use document::{MANAGED_POLICY_CHARS, split};
pub use feature::Feature;

use self::grant::{Extra, Grant, When};
use self::scope::PolicyScope;
use self::table::grants;
use crate::api::spec::DeletionPolicy;
use crate::aws::operations::{self, Caller};
use crate::monitor::{MANAGED_BY, OPERATOR, OWNER, RETAINED_BY, boundary_in};

/// Options for the policies.
#[derive(Clone, Debug)]
pub struct Options {
    /// The caller that gets them: the operator, or `plan`, which only reads.
    pub caller: Caller,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The account of the monitors; all if none.
    pub account: Option<String>,
    /// Their regions; all if none.
    pub regions: Vec<String>,
    /// The name of the operator's cluster: resources of other clusters' operators stay out of reach.
    pub cluster_name: Option<String>,
    /// The features that monitors may use, of those that a spec can switch off.
    pub features: Vec<Feature>,
    /// The most that a monitor's deletion may do.
    pub deletion_policy: DeletionPolicy,
    /// The permissions boundary that the operator is started with.
    pub permissions_boundary_arn: Option<String>,
    /// Roles that monitors may work through.
    pub assumed_roles: Vec<String>,
    /// Roles that monitors may hand to SNS.
    pub subscription_roles: Vec<String>,
    /// ARN patterns of buckets, log groups, databases and topics that monitors name themselves.
    pub also: Vec<String>,
}

impl Options {
    /// For all that monitors can use, in any account and region.
    #[must_use]
    pub fn everything(caller: Caller) -> Self {
        Self {
            caller,
            partition: "aws".to_owned(),
            account: None,
            regions: Vec::new(),
            cluster_name: None,
            features: Feature::value_variants().to_vec(),
            deletion_policy: DeletionPolicy::Delete,
            permissions_boundary_arn: None,
            assumed_roles: Vec::new(),
            subscription_roles: Vec::new(),
            also: Vec::new(),
        }
    }
}

/// A statement before it is written: actions under one heading with the same resources and conditions.
type Statements = BTreeMap<(&'static str, Vec<String>, String), (Vec<&'static str>, Value)>;

/// The policies: one, or several if it would be longer than a managed policy may be.
#[must_use]
pub fn policies(options: &Options) -> Vec<Value> {
    split(statements(options))
}

/// All actions that the code can need for a caller.
#[must_use]
pub fn actions(caller: Caller) -> Vec<&'static str> {
    let mut actions: Vec<&'static str> = operations::ALL
        .iter()
        .filter(|operation| operation.is_for(caller))
        .flat_map(|operation| operation.actions.iter().copied())
        .collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

fn statements(options: &Options) -> Vec<Value> {
    let mut statements = Statements::new();
    let actions = actions(options.caller);
    let granted = grants().filter(|grant| actions.contains(&grant.action) && is_wanted(grant, options));
    for grant in granted {
        let resources = grant.scope.arns(options);
        if resources.is_empty() {
            continue;
        }
        for condition in conditions(&grant, options) {
            let key = (grant.part, resources.clone(), condition.to_string());
            statements.entry(key).or_insert_with(|| (Vec::new(), condition)).0.push(grant.action);
        }
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let statement = |((part, resources, _), (mut actions, condition)): (_, (Vec<&str>, Value))| {
        let (part, resources): (&'static str, Vec<String>) = (part, resources);
        let count = counts.entry(part).or_default();
        *count += 1;
        actions.sort_unstable();
        actions.dedup();
        let sid = if *count == 1 { part.to_owned() } else { format!("{part}{count}") };
        let mut statement = json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources});
        if condition.as_object().is_some_and(|tests| !tests.is_empty()) {
            statement["Condition"] = condition;
        }
        statement
    };
    statements.into_iter().map(statement).collect()
}

fn is_wanted(grant: &Grant, options: &Options) -> bool {
    let is_used = grant.features.is_empty() || grant.features.iter().any(|feature| options.features.contains(feature));
    is_used
        && match grant.extra {
            Extra::DeletesData => options.deletion_policy == DeletionPolicy::Delete,
            Extra::ForBoundary => options.permissions_boundary_arn.is_some(),
            Extra::None | Extra::WithBoundary => true,
        }
}

/// Each makes a statement of its own: IAM has no "or" within one.
fn conditions(grant: &Grant, options: &Options) -> Vec<Value> {
    let owner = options.cluster_name.as_ref().map_or_else(|| "*".to_owned(), |cluster| format!("{cluster}/*"));
    let on_resource = |tag: &str| format!("aws:ResourceTag/{tag}");
    let not_foreign = json!({"StringLikeIfExists": {on_resource(OWNER): owner}});
    // A resource that was left behind has no owner's tag, but that of its former owner.
    let ours = json!({
        "StringEquals": {on_resource(MANAGED_BY): OPERATOR},
        "StringLikeIfExists": {on_resource(OWNER): owner, on_resource(RETAINED_BY): owner},
    });
    let mut becomes_ours = not_foreign.clone();
    becomes_ours["StringLike"] = json!({format!("aws:RequestTag/{OWNER}"): owner});
    // No document defines the key for a bucket that is not there yet.
    let in_account =
        options.account.as_ref().map(|account| json!({"StringEqualsIfExists": {"aws:ResourceAccount": account}}));
    let boundary = options.permissions_boundary_arn.as_ref().map(|arn| {
        let arn = options.account.as_ref().map_or_else(|| arn.clone(), |account| boundary_in(arn, account));
        json!({"StringEquals": {"iam:PermissionsBoundary": arn}})
    });
    let conditions = match grant.when {
        When::Always => vec![json!({})],
        When::Ours => vec![ours],
        When::NotForeign => vec![not_foreign],
        When::BecomesOurs => vec![becomes_ours],
        When::OursOrBecomesOurs => vec![ours, becomes_ours],
        When::InAccount => vec![in_account.unwrap_or_else(|| json!({}))],
        When::PassedTo(service) => vec![json!({"StringEquals": {"iam:PassedToService": service}})],
    };
    // For actions without ARNs that contain the region. No document says that AWS sends the key with the further actions of a call.
    let in_regions = (grant.scope == PolicyScope::Any && !options.regions.is_empty())
        .then(|| json!({"StringEqualsIfExists": {"aws:RequestedRegion": options.regions}}));
    let boundary = boundary.filter(|_| matches!(grant.extra, Extra::WithBoundary | Extra::ForBoundary));
    let merged = |condition| merged(merged(condition, boundary.as_ref()), in_regions.as_ref());
    conditions.into_iter().map(merged).collect()
}

fn merged(mut condition: Value, more: Option<&Value>) -> Value {
    for (operator, tests) in more.and_then(Value::as_object).into_iter().flatten() {
        for (key, value) in tests.as_object().into_iter().flatten() {
            condition[operator][key] = value.clone();
        }
    }
    condition
}

#[cfg(test)]
mod tests;
