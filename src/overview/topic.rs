//! The topic of an overview.

use serde_json::json;

use super::Overview;
use crate::api::spec::Subscription;
use crate::monitor::Owner;
use crate::resources::notifications::{Topic, TopicOwner, policy_of};

impl TopicOwner for Overview {
    fn own_topic_arn(&self) -> String {
        self.home.arn("sns", self.topic())
    }

    fn subscriptions(&self) -> &[Subscription] {
        &self.spec.alerts.subscriptions
    }

    fn subscriptions_field(&self) -> &'static str {
        "alerts.subscriptions"
    }
}

/// The overview's own topic, to which `EventBridge` may publish. A condition on the rule is not possible: "You can't use Condition blocks in Amazon
/// SNS topic policies for `EventBridge`", under "Using resource-based policies for Amazon `EventBridge`" in its user guide.
pub fn own_topic(overview: &Overview) -> Topic {
    let arn = overview.own_topic_arn();
    let events = json!({
        "Sid": "Events",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": arn,
    });
    Topic {
        name: overview.topic(),
        policy: policy_of(overview.account_region(), &arn, &events),
        kms_key_arn: overview.spec.alerts.kms_key_arn.clone(),
    }
}
