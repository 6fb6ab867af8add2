//! An IAM role that is wholly ours: trust, inline policies, nothing attached.

use std::collections::BTreeMap;

use aws_sdk_iam::types::Tag;
use serde_json::{Value, json};

use super::policy;
use crate::api::ResourceKind;
use crate::aws::operations::Service;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Claim, Claims, Owner, ROLE_PATH, TagCall, Tags, role_arn};

/// A role as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Its description in the console.
    pub description: String,
    /// Its trust policy: the principals that may assume it.
    pub trust: Value,
    /// Its inline policies by name; it has no others.
    pub policies: BTreeMap<String, Value>,
    /// Its permissions boundary, if the operator's configuration demands one.
    pub boundary: Option<String>,
}

/// A role as AWS has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundRole {
    path: String,
    description: String,
    trust: Value,
    policies: BTreeMap<String, Value>,
    attached: Vec<String>,
    boundary: Option<String>,
    tags: Tags,
}

/// Changes one setting of a role.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum RoleCall {
    UpdateDescription(String),
    UpdateTrust(Value),
    PutPolicy { policy: String, document: Value },
    DeletePolicy(String),
    Detach(String),
    PutBoundary(String),
}

/// The inline policies of the role, by name.
async fn policies(aws: &Aws, role: &str) -> Result<BTreeMap<String, Value>, AwsError> {
    let pages = aws.iam.list_role_policies().role_name(role).into_paginator().items().send();
    let names = pages.collect::<Result<Vec<_>, _>>().await.op(ops::LIST_ROLE_POLICIES).optional()?;
    let mut policies = BTreeMap::new();
    for name in names.unwrap_or_default() {
        let request = aws.iam.get_role_policy().role_name(role).policy_name(&name);
        if let Some(policy) = request.send().await.op(ops::GET_ROLE_POLICY).optional()? {
            policies.insert(name, decode(policy.policy_document()));
        }
    }
    Ok(policies)
}

/// The ARNs of the managed policies that are attached to the role.
async fn attached(aws: &Aws, role: &str) -> Result<Vec<String>, AwsError> {
    let pages = aws.iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
    let attached = pages.collect::<Result<Vec<_>, _>>().await.op(ops::LIST_ATTACHED_ROLE_POLICIES).optional()?;
    Ok(attached.unwrap_or_default().into_iter().filter_map(|policy| policy.policy_arn).collect())
}

/// Reads the role of that name.
pub async fn observe(aws: &Aws, name: &str) -> Result<Option<FoundRole>, AwsError> {
    let Some(output) = aws.iam.get_role().role_name(name).send().await.op(ops::GET_ROLE).optional()? else {
        return Ok(None);
    };
    let Some(role) = output.role else { return Ok(None) };
    let (policies, attached) = futures::try_join!(policies(aws, name), attached(aws, name))?;
    Ok(Some(FoundRole {
        trust: decode(role.assume_role_policy_document().unwrap_or_default()),
        path: role.path,
        description: role.description.unwrap_or_default(),
        policies,
        attached,
        boundary: role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn),
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
    }))
}

/// IAM returns documents URL-encoded (RFC 3986), see "`GetRolePolicy`" in its API reference.
fn decode(document: &str) -> Value {
    let text = percent_encoding::percent_decode_str(document).decode_utf8_lossy();
    serde_json::from_str(&text).map_or(Value::Null, |policy| policy::normalise(&policy))
}

impl<O: Owner> Resource<O> for Role {
    const KIND: ResourceKind = ResourceKind::Role;

    type Found = FoundRole;
    type Call = RoleCall;

    fn arn(owner: &O, name: &str) -> Option<String> {
        Some(role_arn(owner.account_region(), name))
    }

    fn tags(found: &FoundRole) -> Option<&Tags> {
        Some(&found.tags)
    }

    /// Role names are unique across paths, but the path is part of the ARN, so a role under another path is not the role that we name.
    fn claim(owner: &O, _name: &str, found: &FoundRole) -> Claim {
        if found.path == ROLE_PATH {
            owner.claim(&found.tags)
        } else {
            Claim::Foreign(format!("it is under path {}; delete it or choose another cluster name", found.path))
        }
    }

    fn differences(&self, _owner: &O, found: &FoundRole) -> Vec<Step<RoleCall>> {
        let mut steps = Vec::new();
        let mut step = |field: &str, old: Option<Value>, new: Option<Value>, call| {
            steps.push(Step::new(
                Change::new(Action::Update, ResourceKind::Role, &self.name).field(field, &old, &new),
                call,
            ));
        };
        if let Some(boundary) = self.boundary.as_ref().filter(|boundary| found.boundary.as_ref() != Some(*boundary)) {
            let old = found.boundary.as_ref().map(|arn| json!(arn));
            step("permissionsBoundary", old, Some(json!(boundary)), RoleCall::PutBoundary(boundary.clone()));
        }
        if !policy::same(&found.trust, &self.trust) {
            let call = RoleCall::UpdateTrust(self.trust.clone());
            step("trust", Some(found.trust.clone()), Some(policy::normalise(&self.trust)), call);
        }
        if found.description != self.description {
            let call = RoleCall::UpdateDescription(self.description.clone());
            step("description", Some(json!(found.description)), Some(json!(self.description)), call);
        }
        for (name, document) in &self.policies {
            let old = found.policies.get(name);
            if !old.is_some_and(|old| policy::same(old, document)) {
                let call = RoleCall::PutPolicy { policy: name.clone(), document: document.clone() };
                step(&format!("policies.{name}"), old.cloned(), Some(policy::normalise(document)), call);
            }
        }
        for (name, document) in found.policies.iter().filter(|(name, _)| !self.policies.contains_key(*name)) {
            let call = RoleCall::DeletePolicy(name.clone());
            step(&format!("policies.{name}"), Some(document.clone()), None, call);
        }
        for arn in &found.attached {
            step("attachedPolicies", Some(json!(arn)), None, RoleCall::Detach(arn.clone()));
        }
        steps
    }

    async fn create(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        aws.iam
            .create_role()
            .role_name(&self.name)
            .path(ROLE_PATH)
            .description(&self.description)
            .assume_role_policy_document(self.trust.to_string())
            .set_permissions_boundary(self.boundary.clone())
            .set_tags(Some(sdk_tags(owner.tags())))
            .send()
            .await
            .op(ops::CREATE_ROLE)?;
        for (name, document) in &self.policies {
            put_policy(aws, &self.name, name, document).await?;
        }
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _owner: &O, name: &str, call: &RoleCall) -> Result<Applied, AwsError> {
        let iam = &aws.iam;
        match call {
            RoleCall::UpdateDescription(description) => {
                iam.update_role().role_name(name).description(description).send().await.op(ops::UPDATE_ROLE)?;
            }
            RoleCall::UpdateTrust(trust) => {
                let request = iam.update_assume_role_policy().role_name(name).policy_document(trust.to_string());
                request.send().await.op(ops::UPDATE_ASSUME_ROLE_POLICY)?;
            }
            RoleCall::PutPolicy { policy, document } => put_policy(aws, name, policy, document).await?,
            RoleCall::DeletePolicy(policy) => delete_policy(aws, name, policy).await?,
            RoleCall::Detach(arn) => detach(aws, name, arn).await?,
            RoleCall::PutBoundary(arn) => {
                let request = iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
                request.send().await.op(ops::PUT_ROLE_PERMISSIONS_BOUNDARY)?;
            }
        }
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, _owner: &O, name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        match call {
            TagCall::Set(set) => {
                aws.iam.tag_role().role_name(name).set_tags(Some(sdk_tags(set))).send().await.op(ops::TAG_ROLE)?;
            }
            TagCall::Unset(unset) => {
                let request = aws.iam.untag_role().role_name(name).set_tag_keys(Some(unset.to_vec()));
                request.send().await.op(ops::UNTAG_ROLE)?;
            }
        }
        Ok(())
    }

    async fn delete(aws: &Aws, _owner: &O, name: &str, found: &FoundRole) -> Result<Applied, AwsError> {
        for policy in found.policies.keys() {
            delete_policy(aws, name, policy).await?;
        }
        for arn in &found.attached {
            detach(aws, name, arn).await?;
        }
        let result = aws.iam.delete_role().role_name(name).send().await.op(ops::DELETE_ROLE).or_gone();
        result.map_err(|error| releasing(error, name))?;
        Ok(Applied::Done)
    }
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

/// Adds a remedy to the error if a resource of others uses the role.
fn releasing(error: AwsError, name: &str) -> AwsError {
    if error.is(Service::Iam, "DeleteConflict") && error.message.contains("instance profile") {
        let remedy = format!(
            "an instance profile that is not the operator's contains the role; `aws iam list-instance-profiles-for-role --role-name {name}` \
             names it, and `aws iam remove-role-from-instance-profile` takes the role out"
        );
        return error.with_remedy(remedy);
    }
    error
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    // Both parts are always given, so building cannot fail.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
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
    use crate::engine::{Goal, Removal, existing, ownership};
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
        let ours = FoundRole { path: ROLE_PATH.into(), tags: monitor.tags.clone(), ..FoundRole::default() };
        let unowned = FoundRole { path: "/".into(), ..FoundRole::default() };
        let moved = FoundRole { path: "/elsewhere/".into(), ..ours.clone() };
        let diff = |goal, found| ownership::diff::<Role, _>(&monitor, goal, "role", Some(found));
        let removed = Goal::Absent(Removal::OwnerDeleted);
        for other in [&unowned, &moved] {
            let present = diff(Goal::Present(&role), other);
            let reported = format!("it is under path {}; delete it or choose another cluster name", other.path);
            assert_eq!((present.steps.len(), &present.conflicts[0].problem), (0, &reported));
            assert!(diff(removed, other).steps.is_empty());
            assert_eq!(existing::<Role, _>(&monitor, "role", Some(other)), None);
        }
        assert!(diff(Goal::Present(&role), &ours).conflicts.is_empty());
        assert_eq!(diff(removed, &ours).steps.len(), 1);
        assert!(existing::<Role, _>(&monitor, "role", Some(&ours)).is_some());
    }
}
