//! The subscriptions of the owner's own topic.
//!
//! Subscriptions carry no tags: the topic records ours. All others belong to somebody else, who made them by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::name::{in_one_case, masked, name};
use super::{TopicOwner, record};
use crate::api::spec::{Subscription, SubscriptionProtocol};
use crate::api::status::{Notice, NoticeReason};
use crate::api::{Component, Invalid, ResourceKind};
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing};
use crate::monitor::Tags;

const ROLE: &str = "SubscriptionRoleArn";

/// A subscription as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedSubscription {
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) arrival: Arrival,
    /// Read for `firehose` only.
    pub(super) role_arn: Option<String>,
}

/// State of a subscription's delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The recipient has not confirmed. AWS returns no ARN, so the operator cannot unsubscribe it; it lapses by itself.
    Pending,
    /// Messages arrive. The subscription's ARN is needed to unsubscribe it.
    Confirmed(String),
}

/// A change of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum SubscriptionOp {
    Subscribe(Subscription),
    SetRole { arn: String, role_arn: String },
    Unsubscribe { arn: String, name: String },
}

impl ObservedSubscription {
    pub(super) fn name(&self) -> String {
        name(&self.protocol, &self.endpoint)
    }

    fn is(&self, wanted: &Subscription) -> bool {
        is_of(wanted, &self.protocol, &self.endpoint)
    }

    /// True if the spec asks for it, or did when the record was last written.
    fn is_ours(&self, owner: &impl TopicOwner, tags: &Tags) -> bool {
        self.is_wanted(owner) || self.is_recorded(tags)
    }

    fn is_wanted(&self, owner: &impl TopicOwner) -> bool {
        owner.subscriptions().iter().any(|wanted| self.is(wanted))
    }

    pub(super) fn is_recorded(&self, tags: &Tags) -> bool {
        record::contains(tags, &self.name())
    }

    /// The ARN by which to unsubscribe it, if it is ours and no longer wanted.
    pub(super) fn to_unsubscribe(&self, owner: &impl TopicOwner, tags: &Tags) -> Option<&String> {
        match &self.arrival {
            Arrival::Confirmed(arn) if !self.is_wanted(owner) && self.is_recorded(tags) => Some(arn),
            _ => None,
        }
    }
}

/// Names of all our subscriptions. Existing ones of former specs come first, since they are recorded nowhere else. The wanted ones follow,
/// whether or not they exist.
pub fn recorded(owner: &impl TopicOwner, observed: &[ObservedSubscription], tags: &Tags) -> Vec<String> {
    let ours = observed.iter().filter(|subscription| subscription.is_recorded(tags));
    let (wanted, mut names) = (record::wanted(owner), Vec::new());
    names.extend(ours.map(|subscription| in_one_case(&subscription.name())).filter(|name| !wanted.contains(name)));
    names.extend(wanted);
    names
}

/// True if a subscription of that protocol and endpoint, as SNS lists them, is the wanted one.
#[must_use]
pub fn is_of(wanted: &Subscription, protocol: &str, endpoint: &str) -> bool {
    same(&name(protocol, endpoint), &name(wanted.protocol.as_str(), &wanted.endpoint))
}

/// E-mail addresses in another case reach the same mailbox; a second subscription would send everything twice.
fn same(left: &str, right: &str) -> bool {
    left == right || (left.starts_with("email") && left.eq_ignore_ascii_case(right))
}

/// Reads the topic's subscriptions, in the order of their names. It skips the calls if the spec asks for none and none was made.
pub async fn observe(
    aws: &Aws,
    owner: &impl TopicOwner,
    topic: &str,
    tags: &Tags,
) -> Result<Vec<ObservedSubscription>, AwsError> {
    if owner.subscriptions().is_empty() && !tags.contains_key(record::KEY) {
        return Ok(Vec::new());
    }
    let listed = aws
        .sns
        .list_subscriptions_by_topic()
        .topic_arn(topic)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .op(ops::LIST_SUBSCRIPTIONS)
        .optional()?
        .unwrap_or_default();
    let mut subscriptions = Vec::new();
    for subscription in listed {
        let arrival = match subscription.subscription_arn.unwrap_or_default() {
            arn if arn == "PendingConfirmation" => Arrival::Pending,
            arn if arn.starts_with("arn:") => Arrival::Confirmed(arn),
            // SNS lists unsubscribed ones as `Deleted` for a while.
            _ => continue,
        };
        let protocol = subscription.protocol.unwrap_or_default();
        let role_arn = match &arrival {
            Arrival::Confirmed(arn) if protocol == SubscriptionProtocol::Firehose.as_str() => role(aws, arn).await?,
            _ => None,
        };
        let endpoint = subscription.endpoint.unwrap_or_default();
        subscriptions.push(ObservedSubscription { protocol, endpoint, arrival, role_arn });
    }
    // SNS promises no order, and the status must not change with it.
    subscriptions.sort_by(|left, right| (&left.protocol, &left.endpoint).cmp(&(&right.protocol, &right.endpoint)));
    Ok(subscriptions)
}

async fn role(aws: &Aws, arn: &str) -> Result<Option<String>, AwsError> {
    let output = aws
        .sns
        .get_subscription_attributes()
        .subscription_arn(arn)
        .send()
        .await
        .op(ops::GET_SUBSCRIPTION_ATTRIBUTES)
        .optional()?;
    Ok(output.and_then(|output| output.attributes).and_then(|mut attributes| attributes.remove(ROLE)))
}

/// The steps to the wanted subscriptions.
pub fn diff(
    owner: &impl TopicOwner,
    wanted: &[Subscription],
    observed: &[ObservedSubscription],
    tags: &Tags,
) -> Diff<SubscriptionOp> {
    let mut diff = Diff::default();
    diff.invalid.extend(wanted.iter().filter_map(|subscription| refused_role(owner, subscription)));
    let change = |action, name: String| Change::new(action, ResourceKind::Subscription, name);
    for subscription in wanted.iter().filter(|subscription| refused_role(owner, subscription).is_none()) {
        let name = name(subscription.protocol.as_str(), &subscription.endpoint);
        match observed.iter().find(|observed| observed.is(subscription)) {
            None => diff.step(change(Action::Create, name), SubscriptionOp::Subscribe(subscription.clone())),
            Some(ObservedSubscription { arrival: Arrival::Confirmed(arn), role_arn, .. }) => {
                if let Some(role) =
                    subscription.subscription_role_arn.clone().filter(|role| role_arn.as_ref() != Some(role))
                {
                    let change = change(Action::Update, name).field("subscriptionRoleArn", role_arn, &role);
                    diff.step(change, SubscriptionOp::SetRole { arn: arn.clone(), role_arn: role });
                }
            }
            Some(_) => {}
        }
    }
    for subscription in observed {
        if let Some(arn) = subscription.to_unsubscribe(owner, tags) {
            let op = SubscriptionOp::Unsubscribe { arn: arn.clone(), name: subscription.name() };
            diff.step(change(Action::Delete, subscription.name()), op);
        }
    }
    diff
}

/// Returns an error if the operator may not pass the role to SNS for this namespace. The check is needed because SNS receives the role with
/// the operator's permission, whoever owns the stream that the role writes to.
fn refused_role(owner: &impl TopicOwner, subscription: &Subscription) -> Option<Invalid> {
    let (role, namespace) = (subscription.subscription_role_arn.as_ref()?, owner.namespace());
    let allowed = owner.settings().allowed_subscription_roles.allow(namespace, role);
    (!allowed).then(|| {
        Invalid::new(
            owner.subscriptions_field(),
            format!(
            "subscriptionRoleArn {role} is not allowed for namespace {namespace}; the operator must be started with \
             --allowed-subscription-role {namespace}={role}"
        ),
        )
    })
}

impl<O: TopicOwner> Call<O> for SubscriptionOp {
    async fn run(&self, aws: &Aws, owner: &O) -> Result<Applied, AwsError> {
        let sns = &aws.sns;
        match self {
            Self::Subscribe(subscription) => {
                let role = subscription.subscription_role_arn.clone();
                sns.subscribe()
                    .topic_arn(owner.own_topic_arn())
                    .protocol(subscription.protocol.as_str())
                    .endpoint(&subscription.endpoint)
                    .set_attributes(role.map(|role| [(ROLE.to_owned(), role)].into()))
                    .send()
                    .await
                    .op(ops::SUBSCRIBE)
                    .map_err(|error| without_password(error, &subscription.endpoint))?;
            }
            Self::SetRole { arn, role_arn } => {
                sns.set_subscription_attributes()
                    .subscription_arn(arn)
                    .attribute_name(ROLE)
                    .attribute_value(role_arn)
                    .send()
                    .await
                    .op(ops::SET_SUBSCRIPTION_ATTRIBUTES)?;
            }
            Self::Unsubscribe { arn, name } => {
                sns.unsubscribe().subscription_arn(arn).send().await.op(ops::UNSUBSCRIBE).or_gone()?;
                record::forget(aws, owner, name).await?;
            }
        }
        Ok(Applied::Done)
    }
}

/// Masks the endpoint's password in an error: AWS may repeat the endpoint that it rejects.
fn without_password(mut error: AwsError, endpoint: &str) -> AwsError {
    error.message = error.message.replace(endpoint, &masked(endpoint));
    error
}

/// Our subscriptions for the status. One that waits for its confirmation stays there after its removal from the spec, so that it is still
/// known as ours if the recipient confirms later.
pub fn existing(owner: &impl TopicOwner, observed: &[ObservedSubscription], tags: &Tags) -> Vec<Existing> {
    let wanted = owner.subscriptions();
    let ours = observed.iter().filter(|subscription| subscription.is_ours(owner, tags));
    ours.map(|subscription| {
        // The spec's spelling, so that the name is the same before and after AWS has the subscription.
        let name = wanted
            .iter()
            .find(|wanted| subscription.is(wanted))
            .map_or_else(|| subscription.name(), |wanted| name(wanted.protocol.as_str(), &wanted.endpoint));
        let is_wanted = wanted.iter().any(|wanted| subscription.is(wanted));
        let (arn, message) = match &subscription.arrival {
            Arrival::Confirmed(arn) => (Some(arn.clone()), None),
            Arrival::Pending if is_wanted => (None, Some("waits for confirmation by its recipient")),
            Arrival::Pending => {
                (None, Some("no longer wanted; lapses unless its recipient confirms it, and is then removed"))
            }
        };
        Existing { kind: ResourceKind::Subscription, name, arn, retained: false, message: message.map(str::to_owned) }
    })
    .collect()
}

/// The way to confirm subscriptions of these protocols: "Subscribing an email endpoint to an Amazon SNS topic" and "Sending Amazon SNS
/// messages to HTTPS endpoints" in the SNS developer guide.
#[must_use]
pub fn how_to_confirm<'a>(protocols: impl IntoIterator<Item = &'a str>) -> String {
    let way = |protocol: &str| match protocol {
        "email" | "email-json" => {
            "follow the link in the message from AWS Notifications (valid for two days; look among spam too)"
        }
        "http" | "https" => "the endpoint must visit the SubscribeURL that SNS posts to it",
        _ => "its owner must confirm with the token that SNS sends to it",
    };
    let mut ways: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for protocol in protocols {
        ways.entry(way(protocol)).or_default().insert(protocol);
    }
    let is_one = ways.len() == 1;
    let text = |(way, protocols): (&str, BTreeSet<&str>)| {
        if is_one { way.to_owned() } else { format!("{}: {way}", protocols.into_iter().collect::<Vec<_>>().join(", ")) }
    };
    ways.into_iter().map(text).collect::<Vec<_>>().join("; ")
}

fn found<'a>(wanted: &Subscription, observed: &'a [ObservedSubscription]) -> Option<&'a ObservedSubscription> {
    observed.iter().find(|subscription| subscription.is(wanted))
}

/// The number of wanted subscriptions whose recipient gets messages.
#[must_use]
pub fn confirmed(wanted: &[Subscription], observed: &[ObservedSubscription]) -> usize {
    let arrives = |wanted: &&Subscription| matches!(found(wanted, observed), Some(it) if matches!(it.arrival, Arrival::Confirmed(_)));
    wanted.iter().filter(arrives).count()
}

/// The notice of subscriptions that their recipients have not confirmed.
#[must_use]
pub fn pending_notice(wanted: &[Subscription], observed: &[ObservedSubscription]) -> Option<Notice> {
    let waits = |wanted: &&Subscription| found(wanted, observed).is_some_and(|it| it.arrival == Arrival::Pending);
    let pending: Vec<_> = wanted.iter().filter(waits).collect();
    if pending.is_empty() {
        return None;
    }
    let endpoints: Vec<_> = pending.iter().map(|it| masked(&it.endpoint)).collect();
    let how = how_to_confirm(pending.iter().map(|it| it.protocol.as_str()));
    let (count, of) = (pending.len(), wanted.len());
    Some(Notice {
        component: Component::Notifications,
        reason: NoticeReason::SubscriptionPending,
        message: format!("{count} of {of} subscriptions not confirmed: {}; {how}", endpoints.join(", ")),
    })
}

#[cfg(test)]
mod tests;
