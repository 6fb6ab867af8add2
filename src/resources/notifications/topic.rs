//! A topic that is the owner's own: policy, key, tags.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::subscriptions::{self, ObservedSubscription};
use super::{TopicOwner, record, topic_tags};
use crate::api::ResourceKind;
use crate::aws::{AccountRegion, Aws, AwsError, AwsResult, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Change, Resource, Step};
use crate::monitor::{Claims, Monitor, TagCall, TagDiff, Tags};
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::policy;

const POLICY: &str = "Policy";
const KEY: &str = "KmsMasterKeyId";

/// The topic as declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its policy.
    pub policy: Value,
    /// The KMS key that encrypts it.
    pub kms_key_arn: Option<String>,
}

/// The topic as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTopic {
    pub(super) policy: Value,
    pub(super) kms_key_arn: Option<String>,
    pub(super) tags: Tags,
    pub(super) subscriptions: Vec<ObservedSubscription>,
}

/// Changes one setting of the topic.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum TopicCall {
    SetPolicy(Value),
    SetKey(Option<String>),
}

impl Topic {
    /// The topic that the spec asks for.
    #[must_use]
    pub fn new(monitor: &Monitor) -> Self {
        Self {
            name: monitor.names.topic(),
            policy: topic_policy(monitor),
            kms_key_arn: monitor.spec.notifications.kms_key_arn.clone(),
        }
    }
}

/// The topic's policy. It replaces the default policy of SNS, so it states the account's own rights too: action by action, since
/// SNS rejects `sns:*` here. See "Example cases for Amazon SNS access control" in the SNS developer guide, and "Amazon SNS" under
/// "Using Amazon `CloudWatch` alarms" for the alarms' principal and source.
fn topic_policy(monitor: &Monitor) -> Value {
    let (account_region, topic) = (&monitor.account_region, monitor.own_topic_arn());
    let alarms = json!({
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": topic,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": account_region.account},
            "ArnLike": {"aws:SourceArn": alarm_arns(monitor)},
        },
    });
    policy_of(account_region, &topic, &alarms)
}

/// The policy of a topic that its account and one service may use.
#[must_use]
pub fn policy_of(account_region: &AccountRegion, topic: &str, service: &Value) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "OwnAccount",
                "Effect": "Allow",
                "Principal": {"AWS": account_region.global_arn("iam", "root")},
                "Action": [
                    "SNS:AddPermission",
                    "SNS:DeleteTopic",
                    "SNS:GetTopicAttributes",
                    "SNS:ListSubscriptionsByTopic",
                    "SNS:Publish",
                    "SNS:RemovePermission",
                    "SNS:SetTopicAttributes",
                    "SNS:Subscribe",
                ],
                "Resource": topic,
            },
            service,
        ],
    })
}

/// Every alarm that may notify, whether or not the spec asks for it now: the policy changes before the alarms do.
fn alarm_arns(monitor: &Monitor) -> Vec<String> {
    AlarmKind::declared(monitor).into_iter().flat_map(|kind| kind.notifying_arns(monitor)).collect()
}

/// Reads the topic of the owner's own name, with its subscriptions.
pub async fn observe(aws: &Aws, owner: &impl TopicOwner) -> Result<Option<FoundTopic>, AwsError> {
    let arn = owner.own_topic_arn();
    let output =
        aws.sns.get_topic_attributes().topic_arn(&arn).send().await.op(ops::GET_TOPIC_ATTRIBUTES).optional()?;
    let Some(output) = output else { return Ok(None) };
    let mut attributes = output.attributes.unwrap_or_default();
    let tags = topic_tags::read(aws, &arn).await.expected()?;
    let subscriptions = subscriptions::observe(aws, owner, &arn, &tags).await?;
    Ok(Some(FoundTopic {
        policy: attributes
            .remove(POLICY)
            .and_then(|policy| serde_json::from_str(&policy).ok())
            .map_or(Value::Null, |policy| policy::normalise(&policy)),
        kms_key_arn: attributes.remove(KEY).filter(|key| !key.is_empty()),
        tags,
        subscriptions,
    }))
}

impl<O: TopicOwner> Resource<O> for Topic {
    const KIND: ResourceKind = ResourceKind::Topic;

    type Found = FoundTopic;
    type Call = TopicCall;

    fn arn(owner: &O, _name: &str) -> Option<String> {
        Some(owner.own_topic_arn())
    }

    fn tags(found: &FoundTopic) -> Option<&Tags> {
        Some(&found.tags)
    }

    /// The record of our subscriptions is a tag too, written before any of them is subscribed.
    fn tag_diff(owner: &O, found: &FoundTopic, tags: &Tags) -> TagDiff {
        let mut diff = owner.tag_diff(tags);
        record::note(&subscriptions::recorded(owner, &found.subscriptions, tags), tags, &mut diff);
        diff
    }

    fn differences(&self, _owner: &O, found: &FoundTopic) -> Vec<Step<TopicCall>> {
        let change = || Change::new(Action::Update, ResourceKind::Topic, &self.name);
        let mut steps = Vec::new();
        if found.kms_key_arn != self.kms_key_arn {
            let change = change().field("kmsKeyArn", &found.kms_key_arn, &self.kms_key_arn);
            steps.push(Step::new(change, TopicCall::SetKey(self.kms_key_arn.clone())));
        }
        if !policy::same(&found.policy, &self.policy) {
            let change = change().field("policy", &found.policy, &policy::normalise(&self.policy));
            steps.push(Step::new(change, TopicCall::SetPolicy(self.policy.clone())));
        }
        steps
    }

    async fn create(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        let mut attributes = HashMap::from([(POLICY.to_owned(), self.policy.to_string())]);
        attributes.extend(self.kms_key_arn.clone().map(|key| (KEY.to_owned(), key)));
        aws.sns
            .create_topic()
            .name(&self.name)
            .set_attributes(Some(attributes))
            .set_tags(Some(topic_tags::sdk(&tags_of_new(owner))))
            .send()
            .await
            .op(ops::CREATE_TOPIC)?;
        Ok(Applied::Done)
    }

    async fn call(aws: &Aws, owner: &O, _name: &str, call: &TopicCall) -> Result<Applied, AwsError> {
        let (name, value) = match call {
            TopicCall::SetPolicy(policy) => (POLICY, policy.to_string()),
            // An empty key switches encryption off, see `SetTopicAttributes`.
            TopicCall::SetKey(key) => (KEY, key.clone().unwrap_or_default()),
        };
        let request = aws.sns.set_topic_attributes().topic_arn(owner.own_topic_arn()).attribute_name(name);
        request.attribute_value(value).send().await.op(ops::SET_TOPIC_ATTRIBUTES)?;
        Ok(Applied::Done)
    }

    async fn tag(aws: &Aws, owner: &O, _name: &str, call: TagCall<'_>) -> Result<(), AwsError> {
        topic_tags::change(aws, &owner.own_topic_arn(), call).await
    }

    async fn delete(aws: &Aws, owner: &O, _name: &str, _found: &FoundTopic) -> Result<Applied, AwsError> {
        // This deletes its subscriptions too.
        aws.sns.delete_topic().topic_arn(owner.own_topic_arn()).send().await.op(ops::DELETE_TOPIC).or_gone()?;
        Ok(Applied::Done)
    }
}

fn tags_of_new<O: TopicOwner>(owner: &O) -> Tags {
    let mut diff = TagDiff { set: owner.tags().clone(), ..TagDiff::default() };
    record::note(&record::wanted(owner), &Tags::new(), &mut diff);
    diff.set
}

#[cfg(test)]
impl FoundTopic {
    /// The topic as AWS returns it if all is as declared.
    pub(super) fn as_wanted(monitor: &Monitor) -> Self {
        let topic = Topic::new(monitor);
        Self {
            policy: policy::normalise(&topic.policy),
            kms_key_arn: topic.kms_key_arn,
            tags: tags_of_new(monitor),
            subscriptions: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Goal, Removal, ownership};
    use crate::monitor::fixtures;

    fn reported(monitor: &Monitor, observed: &FoundTopic) -> Vec<String> {
        let found = ownership::diff(monitor, Goal::Present(&Topic::new(monitor)), "topic", Some(observed));
        found.steps.iter().flat_map(|step| &step.change.fields).map(|field| field.path.clone()).collect()
    }

    #[test]
    fn only_our_account_and_our_alarms_may_use_it() {
        let monitor = fixtures::monitor();
        let policy = topic_policy(&monitor);
        assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::123456789012:root");
        let alarms = &policy["Statement"][1]["Condition"];
        assert_eq!(alarms["StringEquals"]["aws:SourceAccount"], "123456789012");
        let own = alarms["ArnLike"]["aws:SourceArn"].as_array().unwrap();
        assert_eq!(own.len(), 7, "four alarms, and a composite alarm for each detection");
        let begin = format!("arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{}-", monitor.names.base());
        assert!(own.iter().all(|arn| arn.as_str().unwrap().starts_with(&begin)), "{own:?}");
    }

    #[test]
    fn all_that_is_set_is_compared() {
        let monitor = fixtures::monitor();
        let wanted = FoundTopic::as_wanted(&monitor);
        assert_eq!(reported(&monitor, &wanted), Vec::<String>::new());
        assert_eq!(
            reported(&monitor, &FoundTopic { kms_key_arn: Some("alias/aws/sns".into()), ..wanted.clone() }),
            ["kmsKeyArn"]
        );
        let mut policy = wanted.policy.clone();
        policy["Statement"][0]["Effect"] = json!("Deny");
        assert_eq!(
            reported(&monitor, &FoundTopic { policy, ..wanted.clone() }),
            [r#"policy.Statement["OwnAccount"].Effect"#]
        );
        let mut tags = wanted.tags.clone();
        tags.remove(crate::monitor::MANAGED_BY);
        assert_eq!(reported(&monitor, &FoundTopic { tags, ..wanted }), [r#"tags["vpcflow.dev/managed-by"]"#]);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let monitor = fixtures::monitor();
        let foreign = FoundTopic { tags: Tags::new(), ..FoundTopic::as_wanted(&monitor) };
        let diff = |goal| ownership::diff::<Topic, _>(&monitor, goal, "topic", Some(&foreign));
        let topic = Topic::new(&monitor);
        let present = diff(Goal::Present(&topic));
        assert_eq!((present.steps.len(), present.conflicts.len()), (0, 1));
        assert!(diff(Goal::Absent(Removal::OwnerDeleted)).steps.is_empty());
    }
}
