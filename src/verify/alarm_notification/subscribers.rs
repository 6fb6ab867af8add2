//! The subscribers of the topic.

use aws_sdk_sns::types::Subscription;

use crate::api::spec;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::Monitor;
use crate::resources::notifications::{how_to_confirm, is_of};

/// The subscribers of the topic.
#[derive(Clone, Debug)]
pub enum Subscribers {
    /// AWS lists them.
    Known {
        /// Number of subscriptions that get messages.
        confirmed: usize,
        /// Those that get none, because they have not been confirmed.
        pending: Vec<Pending>,
    },
    /// AWS does not list them: the topic may be another account's.
    Unknown(AwsError),
}

/// A subscription that has not been confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its protocol.
    pub protocol: String,
    /// Its endpoint.
    pub endpoint: String,
    /// True if the spec asks for it.
    pub is_wanted: bool,
}

impl Subscribers {
    /// True if a subscription of the spec has not been confirmed.
    pub fn lack_a_wanted_one(&self) -> bool {
        matches!(self, Self::Known { pending, .. } if pending.iter().any(|it| it.is_wanted))
    }

    /// The next step for subscriptions that have not been confirmed.
    pub fn pending_step(&self) -> Option<String> {
        match self {
            Self::Known { pending, .. } if !pending.is_empty() => {
                let endpoints: Vec<_> = pending.iter().map(|it| it.endpoint.as_str()).collect();
                let how = how_to_confirm(pending.iter().map(|it| it.protocol.as_str()));
                Some(format!("not confirmed: {}; {how}", endpoints.join(", ")))
            }
            _ => None,
        }
    }
}

/// Reads the subscriptions of the topic in use.
pub async fn subscribers(aws: &Aws, monitor: &Monitor) -> Subscribers {
    let list = aws.sns.list_subscriptions_by_topic().topic_arn(monitor.topic_arn());
    let listed: Result<Vec<_>, AwsError> =
        list.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.op(ops::LIST_SUBSCRIPTIONS);
    match listed {
        Ok(listed) => sort(&listed, &monitor.spec.notifications.subscriptions),
        Err(error) => Subscribers::Unknown(error),
    }
}

fn sort(listed: &[Subscription], wanted: &[spec::Subscription]) -> Subscribers {
    let (mut confirmed, mut pending) = (0, Vec::new());
    for subscription in listed {
        match subscription.subscription_arn().unwrap_or_default() {
            "PendingConfirmation" => {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                let (protocol, endpoint) = (text(subscription.protocol()), text(subscription.endpoint()));
                let is_wanted = wanted.iter().any(|it| is_of(it, &protocol, &endpoint));
                pending.push(Pending { protocol, endpoint, is_wanted });
            }
            arn if arn.starts_with("arn:") => confirmed += 1,
            // Unsubscribed ones are listed as `Deleted` for a while.
            _ => {}
        }
    }
    Subscribers::Known { confirmed, pending }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_has_confirmed_counts() {
        let listed = ["PendingConfirmation", "arn:aws:sns:1", "Deleted", "arn:aws:sns:2"].map(|arn| {
            let builder = Subscription::builder().subscription_arn(arn).protocol("email");
            builder.endpoint(format!("{arn}@example.com")).build()
        });
        let wanted: Vec<spec::Subscription> = serde_json::from_value(
            serde_json::json!([{"protocol": "email", "endpoint": "pendingconfirmation@example.com"}]),
        )
        .unwrap();
        let sorted = sort(&listed, &wanted);
        let pending = vec![Pending {
            protocol: "email".to_owned(),
            endpoint: "PendingConfirmation@example.com".to_owned(),
            is_wanted: true,
        }];
        assert!(
            matches!(&sorted, Subscribers::Known { confirmed: 2, pending: found } if *found == pending),
            "{sorted:?}"
        );
        assert!(sorted.pending_step().unwrap().starts_with("not confirmed: PendingConfirmation@example.com; follow"));
        assert!(sorted.lack_a_wanted_one() && !sort(&listed, &[]).lack_a_wanted_one());
        assert_eq!(sort(&listed[1..], &wanted).pending_step(), None);
    }
}
