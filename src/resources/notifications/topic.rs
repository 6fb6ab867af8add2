//! The monitor's own topic: policy, key, tags.

use std::collections::HashMap;

use aws_sdk_sns::types::Tag;
use serde_json::{Value, json};

use super::subscriptions::{self, ObservedSubscription};
use super::{Op, record};
use crate::api::ResourceKind;
use crate::aws::{Aws, AwsError, AwsResult, Class, Expected, Gone, Optional, operations as ops};
use crate::engine::{Action, Change, Diff, Removal};
use crate::monitor::{Claim, Monitor, OWNER, TagCall, TagDiff, Tags};
use crate::resources::alarms::alarm_kind::AlarmKind;
use crate::resources::common::policy;

const POLICY: &str = "Policy";
const KEY: &str = "KmsMasterKeyId";

/// The topic as it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    policy: Value,
    kms_key_arn: Option<String>,
}

/// The topic as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedTopic {
    pub(super) policy: Value,
    pub(super) kms_key_arn: Option<String>,
    pub(super) tags: Tags,
    pub(super) subscriptions: Vec<ObservedSubscription>,
}

/// What can be done to the topic.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum TopicOp {
    Create(Topic),
    SetPolicy(Value),
    SetKey(Option<String>),
    Tag(TagDiff),
    Delete,
}

/// ARN of the monitor's own topic.
#[must_use]
pub fn arn(monitor: &Monitor) -> String {
    monitor.account_region.arn("sns", monitor.names.topic())
}

impl Topic {
    /// The topic that the spec asks for.
    #[must_use]
    pub fn new(monitor: &Monitor) -> Self {
        Self { policy: topic_policy(monitor), kms_key_arn: monitor.spec.notifications.kms_key_arn.clone() }
    }
}

/// A policy replaces the one that SNS gives a topic by default, so the account's own rights are stated too: action by action, since
/// SNS refuses `sns:*` here. See "Example cases for Amazon SNS access control" in the SNS developer guide, and "Amazon SNS" under
/// "Using Amazon `CloudWatch` alarms" for the alarms' principal and source.
fn topic_policy(monitor: &Monitor) -> Value {
    let (account_region, topic) = (&monitor.account_region, arn(monitor));
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
            {
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "SNS:Publish",
                "Resource": topic,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account_region.account},
                    "ArnLike": {"aws:SourceArn": AlarmKind::ALL.map(|kind| kind.alarm_arn(monitor))},
                },
            },
        ],
    })
}

/// Reads the topic of the monitor's own name, with its subscriptions.
pub async fn observe(aws: &Aws, monitor: &Monitor) -> Result<Option<ObservedTopic>, AwsError> {
    let arn = arn(monitor);
    let output =
        aws.sns.get_topic_attributes().topic_arn(&arn).send().await.op(ops::GET_TOPIC_ATTRIBUTES).optional()?;
    let Some(output) = output else { return Ok(None) };
    let mut attributes = output.attributes.unwrap_or_default();
    let tags = tags(aws, &arn).await.expected()?;
    let subscriptions = subscriptions::observe(aws, monitor, &arn, &tags).await?;
    Ok(Some(ObservedTopic {
        policy: attributes
            .remove(POLICY)
            .and_then(|policy| serde_json::from_str(&policy).ok())
            .map_or(Value::Null, |policy| policy::normalise(&policy)),
        kms_key_arn: attributes.remove(KEY).filter(|key| !key.is_empty()),
        tags,
        subscriptions,
    }))
}

/// Reads the tags of a topic.
pub async fn tags(aws: &Aws, arn: &str) -> Result<Tags, AwsError> {
    let output = aws.sns.list_tags_for_resource().resource_arn(arn).send().await.op(ops::LIST_TOPIC_TAGS)?;
    Ok(output.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
}

/// The monitor that a topic belongs to, as far as its tags may be read.
pub async fn owner(aws: &Aws, arn: &str) -> Result<Option<String>, AwsError> {
    match tags(aws, arn).await {
        Ok(mut tags) => Ok(tags.remove(OWNER)),
        Err(error) if matches!(error.class, Class::Denied | Class::NotFound | Class::Terminal) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What must be done, added to `diff`. False if the topic is not ours to touch.
pub fn diff(monitor: &Monitor, topic: &Topic, observed: Option<&ObservedTopic>, diff: &mut Diff<Op>) -> bool {
    let name = monitor.names.topic();
    let change = |action| Change::new(action, ResourceKind::Topic, &name);
    let Some(observed) = observed else {
        diff.step(change(Action::Create), Op::Topic(TopicOp::Create(topic.clone())));
        return true;
    };
    let claim = monitor.claim(&observed.tags);
    if let Claim::Foreign(problem) = claim {
        diff.conflict(ResourceKind::Topic, &name, problem);
        return false;
    }
    let mut tags = monitor.tag_diff(&observed.tags);
    // Before any of them is subscribed.
    record::note(&record::recorded(monitor, observed), &observed.tags, &mut tags);
    if !tags.is_empty() {
        let action = if claim == Claim::Adopt { Action::Adopt } else { Action::Update };
        let wanted = tags.applied_to(&observed.tags);
        let change = change(action).field("tags", Some(json!(observed.tags)), Some(json!(wanted)));
        diff.step(change, Op::Topic(TopicOp::Tag(tags)));
    }
    if observed.kms_key_arn != topic.kms_key_arn {
        let value = |arn: &Option<String>| arn.as_ref().map(|arn| json!(arn));
        let change = change(Action::Update).field("kmsKeyArn", value(&observed.kms_key_arn), value(&topic.kms_key_arn));
        diff.step(change, Op::Topic(TopicOp::SetKey(topic.kms_key_arn.clone())));
    }
    if !policy::same(&observed.policy, &topic.policy) {
        let change = change(Action::Update).field("policy", Some(observed.policy.clone()), Some(topic.policy.clone()));
        diff.step(change, Op::Topic(TopicOp::SetPolicy(topic.policy.clone())));
    }
    true
}

/// What must be done to be rid of the topic, added to `diff`. Its subscriptions go with it.
pub fn remove(monitor: &Monitor, removal: Removal, observed: Option<&ObservedTopic>, diff: &mut Diff<Op>) {
    let Some(observed) = observed.filter(|observed| monitor.claim(&observed.tags) == Claim::Ours) else { return };
    let change = |action| Change::new(action, ResourceKind::Topic, monitor.names.topic());
    if removal == Removal::KeepAll {
        let tags = monitor.retained_tag_diff(&observed.tags);
        if !tags.is_empty() {
            diff.step(change(Action::Retain), Op::Topic(TopicOp::Tag(tags)));
        }
    } else {
        diff.step(change(Action::Delete), Op::Topic(TopicOp::Delete));
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &TopicOp) -> Result<(), AwsError> {
    let (sns, arn) = (&aws.sns, arn(monitor));
    match op {
        TopicOp::Create(topic) => {
            let mut attributes = HashMap::from([(POLICY.to_owned(), topic.policy.to_string())]);
            attributes.extend(topic.kms_key_arn.clone().map(|key| (KEY.to_owned(), key)));
            sns.create_topic()
                .name(monitor.names.topic())
                .set_attributes(Some(attributes))
                .set_tags(Some(sdk_tags(&tags_of_new(monitor))))
                .send()
                .await
                .op(ops::CREATE_TOPIC)?;
        }
        TopicOp::SetPolicy(policy) => set_attribute(aws, &arn, POLICY, &policy.to_string()).await?,
        // An empty key takes encryption off, see `SetTopicAttributes`.
        TopicOp::SetKey(key) => set_attribute(aws, &arn, KEY, key.as_deref().unwrap_or_default()).await?,
        TopicOp::Tag(tags) => {
            for call in tags.calls() {
                match call {
                    TagCall::Set(set) => {
                        let set = sdk_tags(set);
                        sns.tag_resource().resource_arn(&arn).set_tags(Some(set)).send().await.op(ops::TAG_TOPIC)?;
                    }
                    TagCall::Unset(unset) => {
                        sns.untag_resource()
                            .resource_arn(&arn)
                            .set_tag_keys(Some(unset.to_vec()))
                            .send()
                            .await
                            .op(ops::UNTAG_TOPIC)?;
                    }
                }
            }
        }
        TopicOp::Delete => sns.delete_topic().topic_arn(&arn).send().await.op(ops::DELETE_TOPIC).or_gone()?,
    }
    Ok(())
}

async fn set_attribute(aws: &Aws, arn: &str, name: &str, value: &str) -> Result<(), AwsError> {
    aws.sns
        .set_topic_attributes()
        .topic_arn(arn)
        .attribute_name(name)
        .attribute_value(value)
        .send()
        .await
        .op(ops::SET_TOPIC_ATTRIBUTES)?;
    Ok(())
}

fn tags_of_new(monitor: &Monitor) -> Tags {
    let mut diff = TagDiff { set: monitor.tags.clone(), ..TagDiff::default() };
    record::note(&record::wanted(monitor), &Tags::new(), &mut diff);
    diff.set
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    // Both parts are always given, so building cannot fail.
    tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect()
}

#[cfg(test)]
impl ObservedTopic {
    /// The topic as AWS shows it when all is as wanted.
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
    use crate::monitor::fixtures;

    fn reported(monitor: &Monitor, observed: &ObservedTopic) -> Vec<String> {
        let mut found = Diff::default();
        diff(monitor, &Topic::new(monitor), Some(observed), &mut found);
        found.steps.iter().flat_map(|step| &step.change.fields).map(|field| field.path.clone()).collect()
    }

    #[test]
    fn only_our_account_and_our_alarms_may_use_it() {
        let monitor = fixtures::monitor();
        let policy = topic_policy(&monitor);
        assert_eq!(policy["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::123456789012:root");
        let alarms = &policy["Statement"][1]["Condition"];
        assert_eq!(alarms["StringEquals"]["aws:SourceAccount"], "123456789012");
        let own = AlarmKind::ALL.map(|kind| kind.alarm_arn(&monitor));
        assert_eq!(alarms["ArnLike"]["aws:SourceArn"], json!(own));
    }

    #[test]
    fn all_that_is_set_is_compared() {
        let monitor = fixtures::monitor();
        let wanted = ObservedTopic::as_wanted(&monitor);
        assert_eq!(reported(&monitor, &wanted), Vec::<String>::new());
        assert_eq!(
            reported(&monitor, &ObservedTopic { kms_key_arn: Some("alias/aws/sns".into()), ..wanted.clone() }),
            ["kmsKeyArn"]
        );
        assert_eq!(
            reported(&monitor, &ObservedTopic { policy: json!({"Statement": []}), ..wanted.clone() }),
            ["policy"]
        );
        let mut tags = wanted.tags.clone();
        tags.remove(crate::monitor::MANAGED_BY);
        assert_eq!(reported(&monitor, &ObservedTopic { tags, ..wanted }), ["tags"]);
    }

    #[test]
    fn what_is_not_ours_stays() {
        let monitor = fixtures::monitor();
        let foreign = ObservedTopic { tags: Tags::new(), ..ObservedTopic::as_wanted(&monitor) };
        let mut found = Diff::default();
        assert!(!diff(&monitor, &Topic::new(&monitor), Some(&foreign), &mut found));
        remove(&monitor, Removal::Everything, Some(&foreign), &mut found);
        assert!(found.steps.is_empty());
        assert_eq!(found.conflicts.len(), 1);
    }
}
