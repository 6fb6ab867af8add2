//! The event bus that gets the alarms of all accounts, with its policy.
//!
//! See "Permissions for event buses in Amazon `EventBridge`" in its user guide, and `PutPermission` in the API reference.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Overview;
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Owner, ROLE_PATH, TagCall, Tags};
use crate::resources::common::{event_tags, policy};

/// The event bus as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct EventBus {
    name: String,
    policy: Value,
}

/// The event bus as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEventBus {
    policy: Value,
    tags: Tags,
}

/// Replaces the policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PutPolicy(Value);

impl EventBus {
    /// The event bus for events of these accounts. Its policy has at most 10,240 characters: it admits accounts, and among their principals
    /// the roles of the overview, whose ARNs differ in the account only.
    pub fn new(overview: &Overview, accounts: &BTreeSet<&str>) -> Self {
        let partition = &overview.home.partition;
        let accounts: BTreeSet<_> = accounts.iter().copied().chain([overview.home.account.as_str()]).collect();
        let roots: Vec<_> = accounts.iter().map(|account| format!("arn:{partition}:iam::{account}:root")).collect();
        let roles = format!("arn:{partition}:iam::*:role{ROLE_PATH}{}", overview.forward_role());
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Forwarding",
                "Effect": "Allow",
                "Principal": {"AWS": roots},
                "Action": "events:PutEvents",
                "Resource": overview.bus_arn(),
                "Condition": {"ArnLike": {"aws:PrincipalArn": roles}},
            }],
        });
        Self { name: overview.base().to_owned(), policy }
    }
}

/// Reads the event bus.
pub async fn observe(aws: &Aws, overview: &Overview) -> Result<Option<FoundEventBus>, AwsError> {
    let request = aws.events.describe_event_bus().name(overview.base());
    let Some(bus) = request.send().await.op(ops::DESCRIBE_EVENT_BUS).optional()? else { return Ok(None) };
    let policy = bus.policy.and_then(|policy| serde_json::from_str(&policy).ok());
    Ok(Some(FoundEventBus {
        policy: policy.map_or(Value::Null, |policy| policy::normalise(&policy)),
        tags: event_tags::read(aws, &overview.bus_arn()).await?,
    }))
}

async fn put_policy(aws: &Aws, name: &str, policy: &Value) -> Result<(), AwsError> {
    let request = aws.events.put_permission().event_bus_name(name).policy(policy.to_string());
    request.send().await.op(ops::PUT_PERMISSION)?;
    Ok(())
}

impl Resource<Overview> for EventBus {
    const KIND: ResourceKind = ResourceKind::EventBus;

    type Found = FoundEventBus;
    type Call = PutPolicy;

    fn arn(overview: &Overview, _name: &str) -> Option<String> {
        Some(overview.bus_arn())
    }

    fn tags(found: &FoundEventBus) -> Option<&Tags> {
        Some(&found.tags)
    }

    fn differences(&self, _overview: &Overview, found: &FoundEventBus) -> Vec<Step<PutPolicy>> {
        if policy::same(&found.policy, &self.policy) {
            return Vec::new();
        }
        let change = Change::new(Action::Update, Self::KIND, &self.name);
        let change = change.field("policy", &found.policy, &policy::normalise(&self.policy));
        vec![Step::new(change, PutPolicy(self.policy.clone()))]
    }

    async fn create(&self, aws: &Aws, overview: &Overview) -> Result<Applied, AwsError> {
        let tags = event_tags::sdk(overview.tags())?;
        aws.events.create_event_bus().name(&self.name).set_tags(Some(tags)).send().await.op(ops::CREATE_EVENT_BUS)?;
        put_policy(aws, &self.name, &self.policy).await?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, _overview: &Overview, name: &str, call: &PutPolicy) -> Result<Applied, AwsError> {
        put_policy(aws, name, &call.0).await?;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, overview: &Overview, _name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        event_tags::change(aws, &overview.bus_arn(), call).await
    }

    async fn delete(aws: &Aws, _overview: &Overview, name: &str, _found: &FoundEventBus) -> Result<Applied, AwsError> {
        aws.events.delete_event_bus().name(name).send().await.op(ops::DELETE_EVENT_BUS).or_gone()?;
        Ok(Applied::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Goal, ownership};
    use crate::overview::fixtures::overview;

    #[test]
    fn two_hundred_accounts_fit_into_the_policy() {
        let accounts: Vec<_> = (0..200).map(|number| format!("{:012}", 100_000_000_000_u64 + number)).collect();
        let bus = EventBus::new(&overview(), &accounts.iter().map(String::as_str).collect());
        assert!(bus.policy.to_string().len() <= 10_240, "{}", bus.policy.to_string().len());
    }

    #[test]
    fn a_changed_policy_is_put_back() {
        let overview = overview();
        let bus = EventBus::new(&overview, &BTreeSet::from(["444455556666"]));
        let found = FoundEventBus { policy: policy::normalise(&bus.policy), tags: overview.tags().clone() };
        let steps = |found: &FoundEventBus| {
            ownership::diff(&overview, Goal::Present(&bus), overview.base(), Some(found)).steps.len()
        };
        assert_eq!(steps(&found), 0);
        assert_eq!(steps(&FoundEventBus { policy: Value::Null, ..found.clone() }), 1);
        assert_eq!(steps(&FoundEventBus { tags: Tags::new(), ..found }), 0, "it is somebody else's");
    }
}
