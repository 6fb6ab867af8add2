//! An IAM role that is wholly ours: trust, inline policies, nothing attached.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

use super::policy;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Diff, Existing, Goal, Removal};
use crate::monitor::{Claim, Monitor, ROLE_PATH, TagCall, TagDiff, Tags};

/// A role as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What people read in the console.
    pub description: String,
    /// Who may assume it.
    pub trust: Value,
    /// Its inline policies by name; it has no others.
    pub policies: BTreeMap<String, Value>,
    /// Its permissions boundary, where the operator's owner demands one.
    pub boundary: Option<String>,
}

/// A role as AWS has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedRole {
    path: String,
    description: String,
    trust: Value,
    policies: BTreeMap<String, Value>,
    attached: Vec<String>,
    boundary: Option<String>,
    tags: Tags,
}

impl ObservedRole {
    /// A name is taken whatever the path, but the path is part of the ARN, so a role under another one is not the role we name.
    fn claim(&self, monitor: &Monitor) -> Claim {
        if self.path == ROLE_PATH {
            monitor.claim(&self.tags)
        } else {
            Claim::Foreign(format!("it is under path {}; delete it or choose another cluster name", self.path))
        }
    }
}

/// What can be done to a role.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum RoleOp {
    Create(Role),
    UpdateDescription { name: String, description: String },
    UpdateTrust { name: String, trust: Value },
    PutPolicy { name: String, policy: String, document: Value },
    DeletePolicy { name: String, policy: String },
    Detach { name: String, arn: String },
    PutBoundary { name: String, arn: String },
    Tag { name: String, tags: TagDiff },
    Delete { name: String, policies: Vec<String>, attached: Vec<String> },
}

/// Reads the role of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<ObservedRole>, AwsError> {
    let Some(output) = aws.iam.get_role().role_name(name).send().await.op(ops::GET_ROLE).optional()? else {
        return Ok(None);
    };
    let Some(role) = output.role else { return Ok(None) };
    let names = aws
        .iam
        .list_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .op(ops::LIST_ROLE_POLICIES)
        .optional()?
        .unwrap_or_default();
    let mut policies = BTreeMap::new();
    for policy_name in names {
        let policy = aws
            .iam
            .get_role_policy()
            .role_name(name)
            .policy_name(&policy_name)
            .send()
            .await
            .op(ops::GET_ROLE_POLICY)
            .optional()?;
        if let Some(policy) = policy {
            policies.insert(policy_name, decode(policy.policy_document()));
        }
    }
    let attached = aws
        .iam
        .list_attached_role_policies()
        .role_name(name)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .op(ops::LIST_ATTACHED_ROLE_POLICIES)
        .optional()?
        .unwrap_or_default();
    Ok(Some(ObservedRole {
        trust: decode(role.assume_role_policy_document().unwrap_or_default()),
        path: role.path,
        description: role.description.unwrap_or_default(),
        policies,
        attached: attached.into_iter().filter_map(|policy| policy.policy_arn).collect(),
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
    }))
}

/// IAM hands documents back URL-encoded (RFC 3986), see "`GetRolePolicy`" in its API reference.
fn decode(document: &str) -> Value {
    let text = percent_encoding::percent_decode_str(document).decode_utf8_lossy();
    serde_json::from_str(&text).map_or(Value::Null, |policy| policy::normalise(&policy))
}

/// What must be done, added to `diff`.
pub fn diff<Op: From<RoleOp>>(
    monitor: &Monitor,
    goal: Goal<&Role>,
    name: &str,
    observed: Option<&ObservedRole>,
    diff: &mut Diff<Op>,
) {
    match (goal, observed) {
        (Goal::Present(role), None) => {
            diff.step(Change::new(Action::Create, ResourceKind::Role, name), RoleOp::Create(role.clone()).into());
        }
        (Goal::Present(role), Some(observed)) => match observed.claim(monitor) {
            Claim::Foreign(problem) => diff.conflict(ResourceKind::Role, name, problem),
            claim => repair(monitor, role, observed, &claim, diff),
        },
        (Goal::Absent(_), None) => {}
        (Goal::Absent(removal), Some(observed)) => {
            if observed.claim(monitor) == Claim::Ours {
                remove(monitor, removal, name, observed, diff);
            }
        }
    }
}

fn repair<Op: From<RoleOp>>(
    monitor: &Monitor,
    role: &Role,
    observed: &ObservedRole,
    claim: &Claim,
    diff: &mut Diff<Op>,
) {
    let name = role.name.clone();
    let action = if *claim == Claim::Adopt { Action::Adopt } else { Action::Update };
    let mut step = |action, field: &str, old: Option<Value>, new: Option<Value>, op: RoleOp| {
        diff.step(Change::new(action, ResourceKind::Role, &name).field(field, old, new), op.into());
    };
    let tags = monitor.tag_diff(&observed.tags);
    if !tags.is_empty() {
        step(
            action,
            "tags",
            Some(json!(observed.tags)),
            Some(json!(tags.applied_to(&observed.tags))),
            RoleOp::Tag { name: name.clone(), tags },
        );
    }
    if let Some(boundary) = role.boundary.as_ref().filter(|boundary| observed.boundary.as_ref() != Some(*boundary)) {
        let old = observed.boundary.as_ref().map(|arn| json!(arn));
        let op = RoleOp::PutBoundary { name: name.clone(), arn: boundary.clone() };
        step(Action::Update, "permissionsBoundary", old, Some(json!(boundary)), op);
    }
    if !policy::same(&observed.trust, &role.trust) {
        let op = RoleOp::UpdateTrust { name: name.clone(), trust: role.trust.clone() };
        step(Action::Update, "trust", Some(observed.trust.clone()), Some(role.trust.clone()), op);
    }
    if observed.description != role.description {
        let op = RoleOp::UpdateDescription { name: name.clone(), description: role.description.clone() };
        step(Action::Update, "description", Some(json!(observed.description)), Some(json!(role.description)), op);
    }
    for (policy_name, document) in &role.policies {
        let old = observed.policies.get(policy_name);
        if !old.is_some_and(|old| policy::same(old, document)) {
            let op = RoleOp::PutPolicy { name: name.clone(), policy: policy_name.clone(), document: document.clone() };
            step(Action::Update, &format!("policies.{policy_name}"), old.cloned(), Some(document.clone()), op);
        }
    }
    for (policy_name, document) in &observed.policies {
        if !role.policies.contains_key(policy_name) {
            let op = RoleOp::DeletePolicy { name: name.clone(), policy: policy_name.clone() };
            step(Action::Update, &format!("policies.{policy_name}"), Some(document.clone()), None, op);
        }
    }
    for arn in &observed.attached {
        let op = RoleOp::Detach { name: name.clone(), arn: arn.clone() };
        step(Action::Update, "attachedPolicies", Some(json!(arn)), None, op);
    }
}

fn remove<Op: From<RoleOp>>(
    monitor: &Monitor,
    removal: Removal,
    name: &str,
    observed: &ObservedRole,
    diff: &mut Diff<Op>,
) {
    if removal == Removal::KeepAll {
        let tags = monitor.retained_tag_diff(&observed.tags);
        if !tags.is_empty() {
            let op = RoleOp::Tag { name: name.to_owned(), tags };
            diff.step(Change::new(Action::Retain, ResourceKind::Role, name), op.into());
        }
    } else {
        let op = RoleOp::Delete {
            name: name.to_owned(),
            policies: observed.policies.keys().cloned().collect(),
            attached: observed.attached.clone(),
        };
        diff.step(Change::new(Action::Delete, ResourceKind::Role, name), op.into());
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &RoleOp) -> Result<Applied, AwsError> {
    let iam = &aws.iam;
    match op {
        RoleOp::Create(role) => create(aws, monitor, role).await?,
        RoleOp::UpdateDescription { name, description } => {
            iam.update_role().role_name(name).description(description).send().await.op(ops::UPDATE_ROLE)?;
        }
        RoleOp::UpdateTrust { name, trust } => {
            iam.update_assume_role_policy()
                .role_name(name)
                .policy_document(trust.to_string())
                .send()
                .await
                .op(ops::UPDATE_ASSUME_ROLE_POLICY)?;
        }
        RoleOp::PutPolicy { name, policy, document } => put_policy(aws, name, policy, document).await?,
        RoleOp::DeletePolicy { name, policy } => delete_policy(aws, name, policy).await?,
        RoleOp::Detach { name, arn } => detach(aws, name, arn).await?,
        RoleOp::PutBoundary { name, arn } => {
            iam.put_role_permissions_boundary()
                .role_name(name)
                .permissions_boundary(arn)
                .send()
                .await
                .op(ops::PUT_ROLE_PERMISSIONS_BOUNDARY)?;
        }
        RoleOp::Tag { name, tags } => {
            for call in tags.calls() {
                match call {
                    TagCall::Set(set) => {
                        let set = sdk_tags(set);
                        iam.tag_role().role_name(name).set_tags(Some(set)).send().await.op(ops::TAG_ROLE)?;
                    }
                    TagCall::Unset(unset) => {
                        iam.untag_role()
                            .role_name(name)
                            .set_tag_keys(Some(unset.to_vec()))
                            .send()
                            .await
                            .op(ops::UNTAG_ROLE)?;
                    }
                }
            }
        }
        RoleOp::Delete { name, policies, attached } => {
            for policy in policies {
                delete_policy(aws, name, policy).await?;
            }
            for arn in attached {
                detach(aws, name, arn).await?;
            }
            iam.delete_role().role_name(name).send().await.op(ops::DELETE_ROLE).or_gone()?;
        }
    }
    Ok(Applied::Done)
}

async fn create(aws: &Aws, monitor: &Monitor, role: &Role) -> Result<(), AwsError> {
    aws.iam
        .create_role()
        .role_name(&role.name)
        .path(ROLE_PATH)
        .description(&role.description)
        .assume_role_policy_document(role.trust.to_string())
        .set_permissions_boundary(role.boundary.clone())
        .set_tags(Some(sdk_tags(&monitor.tags)))
        .send()
        .await
        .op(ops::CREATE_ROLE)?;
    for (name, document) in &role.policies {
        put_policy(aws, &role.name, name, document).await?;
    }
    Ok(())
}

async fn put_policy(aws: &Aws, role: &str, name: &str, document: &Value) -> Result<(), AwsError> {
    aws.iam
        .put_role_policy()
        .role_name(role)
        .policy_name(name)
        .policy_document(document.to_string())
        .send()
        .await
        .op(ops::PUT_ROLE_POLICY)?;
    Ok(())
}

async fn delete_policy(aws: &Aws, role: &str, name: &str) -> Result<(), AwsError> {
    aws.iam.delete_role_policy().role_name(role).policy_name(name).send().await.op(ops::DELETE_ROLE_POLICY).or_gone()
}

async fn detach(aws: &Aws, role: &str, arn: &str) -> Result<(), AwsError> {
    aws.iam.detach_role_policy().role_name(role).policy_arn(arn).send().await.op(ops::DETACH_ROLE_POLICY).or_gone()
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    // Both parts are always given, so building cannot fail.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

/// The role for the status, if it is ours.
#[must_use]
pub fn existing(monitor: &Monitor, name: &str, observed: Option<&ObservedRole>) -> Option<Existing> {
    observed.filter(|observed| observed.claim(monitor) == Claim::Ours).map(|observed| Existing {
        retained: monitor.has_retained(&observed.tags),
        ..Existing::new(ResourceKind::Role, name, monitor.role_arn(name))
    })
}

/// `sts:AssumeRole` for an AWS service, under `condition`.
#[must_use]
pub fn service_trust(service: &str, condition: Option<Value>) -> Value {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    });
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::spec::AdoptionPolicy;
    use crate::monitor::fixtures;

    #[test]
    fn a_role_under_another_path_is_never_ours() {
        let mut monitor = fixtures::monitor();
        monitor.spec.adoption_policy = AdoptionPolicy::IfUnowned;
        let role = Role {
            name: "role".into(),
            description: String::new(),
            trust: Value::Null,
            policies: BTreeMap::new(),
            boundary: None,
        };
        let ours = ObservedRole { path: ROLE_PATH.into(), tags: monitor.tags.clone(), ..ObservedRole::default() };
        let unowned = ObservedRole { path: "/".into(), ..ObservedRole::default() };
        let moved = ObservedRole { path: "/elsewhere/".into(), ..ours.clone() };
        let found = |goal, observed| {
            let mut found = Diff::<RoleOp>::default();
            diff(&monitor, goal, "role", Some(observed), &mut found);
            found
        };
        for other in [&unowned, &moved] {
            let present = found(Goal::Present(&role), other);
            let reported = format!("it is under path {}; delete it or choose another cluster name", other.path);
            assert_eq!((present.steps.len(), &present.conflicts[0].problem), (0, &reported));
            assert!(found(Goal::Absent(Removal::Everything), other).steps.is_empty());
            assert_eq!(existing(&monitor, "role", Some(other)), None);
        }
        assert!(found(Goal::Present(&role), &ours).conflicts.is_empty());
        assert_eq!(found(Goal::Absent(Removal::Everything), &ours).steps.len(), 1);
        assert!(existing(&monitor, "role", Some(&ours)).is_some());
    }
}
