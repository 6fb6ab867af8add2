use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::cel::{key_arn, matching, rule, rule_at};
use crate::api::spec::Subscription;

/// The alarms and findings of the monitors on one topic: event rules in each account and region send them to an event bus, and from there to the topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(".subscriptions", "!has(self.topicArn) || (!has(self.subscriptions) || size(self.subscriptions) == 0)", "subscriptions are kept only on the overview's own topic: leave out topicArn, or subscribe on the existing topic yourself"),
    rule_at(".kmsKeyArn", "!has(self.topicArn) || !has(self.kmsKeyArn)", "kmsKeyArn is for the overview's own topic: leave out topicArn, or set the key on the existing topic yourself")
]))]
pub struct Alerts {
    /// True (default) sends the alarms and findings of the monitors to the topic.
    pub enabled: bool,
    /// ARN of an existing SNS topic in the account and region of the overview, to use instead of making one. It is never changed; its policy
    /// must let `events.amazonaws.com` publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [
        matching("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", "a topic is named by its ARN, such as arn:aws:sns:eu-west-1:111122223333:alerts")
    ]))]
    pub topic_arn: Option<String>,
    /// Subscriptions to the overview's own topic. A subscription that is removed from the list is removed in AWS. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self.all(entry, self.exists_one(other, other.protocol == entry.protocol && other.endpoint == entry.endpoint))", "a subscription may be named once only")
    ]))]
    pub subscriptions: Vec<Subscription>,
    /// True (default) also sends an alarm when it goes back to OK.
    pub notify_on_recovery: bool,
    /// True (default) also sends the findings of monitors that have `integrations.events.enabled`.
    pub findings: bool,
    /// ARN of the KMS key that encrypts the overview's own topic; its policy must let `events.amazonaws.com` use it (the AWS managed key
    /// cannot). Default: no encryption by KMS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [key_arn()]))]
    pub kms_key_arn: Option<String>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self {
            enabled: true,
            topic_arn: None,
            subscriptions: Vec::new(),
            notify_on_recovery: true,
            findings: true,
            kms_key_arn: None,
        }
    }
}
