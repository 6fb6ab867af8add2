//! Who receives what is published to the monitor's own topic.

use std::borrow::Cow;

use serde_json::json;

use super::{ObservedTopic, Op, topic};
use crate::api::Component;
use crate::api::ResourceKind;
use crate::api::spec::{Subscription, SubscriptionProtocol};
use crate::aws::{Aws, AwsError, AwsResult, Gone, Optional, operations as ops};
use crate::engine::{Action, Change, Diff, Existing};
use crate::monitor::Monitor;

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

/// Whether messages arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The recipient has not confirmed. AWS tells no ARN, so it cannot be unsubscribed; it lapses by itself.
    Pending,
    /// They do; by the subscription's ARN it can be unsubscribed.
    Confirmed(String),
}

/// What can be done to a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named for the calls they are")]
pub enum SubscriptionOp {
    Subscribe(Subscription),
    SetRole { arn: String, role_arn: String },
    Unsubscribe { arn: String },
}

/// `<protocol>:<endpoint>`: how status and events name a subscription, and how it is recognised.
fn name(protocol: &str, endpoint: &str) -> String {
    format!("{protocol}:{}", masked(endpoint))
}

/// The endpoint with `****` for the password of its URL, as SNS lists it: only so can the two be compared, and nobody else is told.
fn masked(endpoint: &str) -> Cow<'_, str> {
    let parts = || {
        let (scheme, rest) = endpoint.split_once("://")?;
        let (authority, _) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user_info, host) = authority.rsplit_once('@')?;
        let (user, _) = user_info.split_once(':')?;
        Some((scheme, user, host, &rest[authority.len()..]))
    };
    match parts() {
        Some((scheme, user, host, path)) => Cow::Owned(format!("{scheme}://{user}:****@{host}{path}")),
        None => Cow::Borrowed(endpoint),
    }
}

impl ObservedSubscription {
    fn name(&self) -> String {
        name(&self.protocol, &self.endpoint)
    }

    fn is(&self, wanted: &Subscription) -> bool {
        same(&self.name(), &name(wanted.protocol.as_str(), &wanted.endpoint))
    }

    /// True if the spec asks for it, or did when the status was last written. Others are somebody else's, made by hand.
    fn is_ours(&self, monitor: &Monitor) -> bool {
        monitor.spec.notifications.subscriptions.iter().any(|wanted| self.is(wanted))
            || recorded(monitor).any(|recorded| same(recorded, &self.name()))
    }
}

fn recorded(monitor: &Monitor) -> impl Iterator<Item = &str> {
    monitor
        .recorded
        .iter()
        .filter(|resource| {
            resource.component == Component::Notifications && resource.kind == ResourceKind::Subscription
        })
        .map(|resource| resource.name.as_str())
}

/// E-mail addresses in another case reach the same mailbox; a second subscription would send everything twice.
fn same(left: &str, right: &str) -> bool {
    left == right || (left.starts_with("email") && left.eq_ignore_ascii_case(right))
}

/// Reads the topic's subscriptions, in the order of their names, unless none is asked for and none was made.
pub async fn observe(aws: &Aws, monitor: &Monitor, topic: &str) -> Result<Vec<ObservedSubscription>, AwsError> {
    if monitor.spec.notifications.subscriptions.is_empty() && recorded(monitor).next().is_none() {
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
            // Unsubscribed ones are listed as `Deleted` for a while.
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

/// What must be done, added to `diff`.
pub fn diff(monitor: &Monitor, wanted: &[Subscription], topic: Option<&ObservedTopic>, diff: &mut Diff<Op>) {
    let observed = topic.map_or(&[][..], |topic| &topic.subscriptions);
    let mut step = |change, op| diff.step(change, Op::Subscription(op));
    let change = |action, name: String| Change::new(action, ResourceKind::Subscription, name);
    for subscription in wanted {
        let name = name(subscription.protocol.as_str(), &subscription.endpoint);
        match observed.iter().find(|observed| observed.is(subscription)) {
            None => step(change(Action::Create, name), SubscriptionOp::Subscribe(subscription.clone())),
            Some(ObservedSubscription { arrival: Arrival::Confirmed(arn), role_arn, .. }) => {
                if let Some(role) =
                    subscription.subscription_role_arn.clone().filter(|role| role_arn.as_ref() != Some(role))
                {
                    let old = role_arn.as_ref().map(|role| json!(role));
                    let change = change(Action::Update, name).field("subscriptionRoleArn", old, Some(json!(role)));
                    step(change, SubscriptionOp::SetRole { arn: arn.clone(), role_arn: role });
                }
            }
            Some(_) => {}
        }
    }
    for subscription in observed {
        let is_wanted = wanted.iter().any(|wanted| subscription.is(wanted));
        if let (Arrival::Confirmed(arn), false, true) =
            (&subscription.arrival, is_wanted, subscription.is_ours(monitor))
        {
            let op = SubscriptionOp::Unsubscribe { arn: arn.clone() };
            step(change(Action::Delete, subscription.name()), op);
        }
    }
}

/// Carries out a step.
pub async fn apply(aws: &Aws, monitor: &Monitor, op: &SubscriptionOp) -> Result<(), AwsError> {
    let sns = &aws.sns;
    match op {
        SubscriptionOp::Subscribe(subscription) => {
            let role = subscription.subscription_role_arn.clone();
            sns.subscribe()
                .topic_arn(topic::arn(monitor))
                .protocol(subscription.protocol.as_str())
                .endpoint(&subscription.endpoint)
                .set_attributes(role.map(|role| [(ROLE.to_owned(), role)].into()))
                .send()
                .await
                .op(ops::SUBSCRIBE)
                .map_err(|error| without_password(error, &subscription.endpoint))?;
        }
        SubscriptionOp::SetRole { arn, role_arn } => {
            sns.set_subscription_attributes()
                .subscription_arn(arn)
                .attribute_name(ROLE)
                .attribute_value(role_arn)
                .send()
                .await
                .op(ops::SET_SUBSCRIPTION_ATTRIBUTES)?;
        }
        SubscriptionOp::Unsubscribe { arn } => {
            sns.unsubscribe().subscription_arn(arn).send().await.op(ops::UNSUBSCRIBE).or_gone()?;
        }
    }
    Ok(())
}

/// AWS may repeat the endpoint that it refuses.
fn without_password(mut error: AwsError, endpoint: &str) -> AwsError {
    error.message = error.message.replace(endpoint, &masked(endpoint));
    error
}

/// Our subscriptions for the status. One that waits for its confirmation stays there after it was taken out of the spec, so that it is
/// still known as ours if the recipient confirms after all.
pub fn existing(monitor: &Monitor, topic: &ObservedTopic) -> Vec<Existing> {
    let wanted = &monitor.spec.notifications.subscriptions;
    let ours = topic.subscriptions.iter().filter(|subscription| subscription.is_ours(monitor));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::status::{ResourceState, ResourceStatus};
    use crate::monitor::fixtures;

    fn wanted(protocol: SubscriptionProtocol, endpoint: &str) -> Subscription {
        Subscription { protocol, endpoint: endpoint.to_owned(), subscription_role_arn: None }
    }

    fn observed(protocol: &str, endpoint: &str, arn: Option<&str>) -> ObservedSubscription {
        ObservedSubscription {
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            arrival: arn.map_or(Arrival::Pending, |arn| Arrival::Confirmed(arn.to_owned())),
            role_arn: None,
        }
    }

    fn monitor(wanted: Vec<Subscription>, recorded: &[&str]) -> Monitor {
        let mut monitor = fixtures::monitor();
        monitor.spec.notifications.subscriptions = wanted;
        monitor.recorded = recorded
            .iter()
            .map(|name| ResourceStatus {
                component: Component::Notifications,
                kind: ResourceKind::Subscription,
                name: (*name).to_owned(),
                arn: None,
                state: ResourceState::InSync,
                message: None,
            })
            .collect();
        monitor
    }

    fn steps(monitor: &Monitor, subscriptions: Vec<ObservedSubscription>) -> Vec<SubscriptionOp> {
        let topic = ObservedTopic { subscriptions, ..ObservedTopic::as_wanted(monitor) };
        let mut found = Diff::default();
        diff(monitor, &monitor.spec.notifications.subscriptions, Some(&topic), &mut found);
        let op = |op| match op {
            Op::Subscription(op) => op,
            Op::Topic(op) => panic!("{op:?}"),
        };
        found.steps.into_iter().map(|step| op(step.op)).collect()
    }

    #[test]
    fn a_pending_subscription_is_present_and_cannot_be_removed() {
        let pending = vec![observed("email", "SOC@example.com", None)];
        let asked = monitor(vec![wanted(SubscriptionProtocol::Email, "soc@example.com")], &[]);
        assert_eq!(steps(&asked, pending.clone()), []);
        let dropped = monitor(vec![], &["email:soc@example.com"]);
        assert_eq!(steps(&dropped, pending.clone()), []);
        let topic = ObservedTopic { subscriptions: pending, ..ObservedTopic::as_wanted(&dropped) };
        assert!(existing(&dropped, &topic)[0].message.as_ref().unwrap().starts_with("no longer wanted"));
        assert_eq!(existing(&asked, &topic)[0].name, "email:soc@example.com");
    }

    #[test]
    fn only_what_we_made_is_unsubscribed() {
        let there = vec![observed("sqs", "ours", Some("arn:1")), observed("sqs", "theirs", Some("arn:2"))];
        let dropped = monitor(vec![], &["sqs:ours"]);
        assert_eq!(steps(&dropped, there), [SubscriptionOp::Unsubscribe { arn: "arn:1".into() }]);
    }

    #[test]
    fn protocols_are_told_apart() {
        let asked = monitor(
            vec![wanted(SubscriptionProtocol::Email, "a@b.c"), wanted(SubscriptionProtocol::EmailJson, "a@b.c")],
            &[],
        );
        let missing = wanted(SubscriptionProtocol::EmailJson, "a@b.c");
        assert_eq!(steps(&asked, vec![observed("email", "a@b.c", None)]), [SubscriptionOp::Subscribe(missing)]);
    }

    #[test]
    fn a_password_is_told_to_sns_alone_and_its_subscription_is_recognised() {
        let endpoint = "https://user:secret@example.com/alerts";
        let asked = monitor(vec![wanted(SubscriptionProtocol::Https, endpoint)], &[]);
        let mut missing = Diff::default();
        diff(&asked, &asked.spec.notifications.subscriptions, None, &mut missing);
        let name = "https:https://user:****@example.com/alerts";
        assert_eq!(missing.steps[0].change.name, name);
        let subscribe = SubscriptionOp::Subscribe(wanted(SubscriptionProtocol::Https, endpoint));
        assert_eq!(missing.steps[0].op, Op::Subscription(subscribe));

        let listed = vec![observed("https", "https://user:****@example.com/alerts", Some("arn:1"))];
        assert_eq!(steps(&asked, listed.clone()), []);
        let topic = ObservedTopic { subscriptions: listed.clone(), ..ObservedTopic::as_wanted(&asked) };
        assert_eq!(existing(&asked, &topic)[0].name, name);
        let dropped = monitor(vec![], &[name]);
        assert_eq!(steps(&dropped, listed), [SubscriptionOp::Unsubscribe { arn: "arn:1".into() }]);
    }

    #[test]
    fn nothing_but_the_password_is_masked() {
        for (endpoint, shown) in [
            ("https://user:a:b@c@host:8443/x?y#z", "https://user:****@host:8443/x?y#z"),
            ("http://:secret@host", "http://:****@host"),
            ("https://user:secret@host?mail=a@b", "https://user:****@host?mail=a@b"),
        ] {
            assert_eq!(masked(endpoint), shown);
            assert_eq!(masked(shown), shown);
        }
        for endpoint in [
            "https://user@host/",
            "https://host:8443/a:b@c",
            "https://host?a:b@c",
            "soc@example.com",
            "arn:aws:sqs:eu-west-1:123456789012:alerts",
        ] {
            assert_eq!(masked(endpoint), endpoint);
        }
    }

    #[test]
    fn the_role_of_a_firehose_subscription_is_kept() {
        let role = "arn:aws:iam::123456789012:role/firehose".to_owned();
        let mut subscription = wanted(SubscriptionProtocol::Firehose, "arn:stream");
        subscription.subscription_role_arn = Some(role.clone());
        let asked = monitor(vec![subscription], &[]);
        let mut there = observed("firehose", "arn:stream", Some("arn:1"));
        there.role_arn = Some("arn:other".to_owned());
        let set = SubscriptionOp::SetRole { arn: "arn:1".into(), role_arn: role.clone() };
        assert_eq!(steps(&asked, vec![there.clone()]), [set]);
        there.role_arn = Some(role);
        assert_eq!(steps(&asked, vec![there]), []);
    }
}
