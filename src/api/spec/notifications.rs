use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quiet_time::QuietTime;
use crate::api::cel::{key_arn, matching, names_differ, role_arn, rule, rule_at};

/// Notification of alarms and anomalies: the topic and its subscriptions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(".subscriptions", "!has(self.topicArn) || (!has(self.subscriptions) || size(self.subscriptions) == 0)", "subscriptions are kept only on the monitor's own topic: leave out topicArn, or subscribe on the existing topic yourself")
]))]
pub struct Notifications {
    /// ARN of an existing SNS topic to use instead of making one. It is never changed; its policy must let `cloudwatch.amazonaws.com` and
    /// the account's roles publish.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [
        matching("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$", "a topic is named by its ARN, such as arn:aws:sns:eu-west-1:111122223333:alerts")
    ]))]
    pub topic_arn: Option<String>,
    /// Subscriptions to the monitor's own topic. A subscription that is removed from the list is removed in AWS. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self.all(entry, self.exists_one(other, other.protocol == entry.protocol && other.endpoint == entry.endpoint))", "a subscription may be named once only")
    ]))]
    pub subscriptions: Vec<Subscription>,
    /// True words the detector's messages to `https` subscribers for Amazon Q Developer in chat applications, which shows them in Slack, Teams
    /// and Chime. Other `https` subscribers get the same members as before, but `version` is `"1.0"`. Default false.
    pub chat: bool,
    /// True (default) also notifies when an alarm goes back to OK.
    pub notify_on_recovery: bool,
    /// ARN of the KMS key that encrypts the topic; its policy must let `cloudwatch.amazonaws.com` use it (the AWS managed key cannot). Default:
    /// no encryption by KMS. With `topicArn`: the key of that topic, which the detector needs to publish to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), extend("x-kubernetes-validations" = [key_arn()]))]
    pub kms_key_arn: Option<String>,
    /// Times in which the alarms of detections do not notify, such as that of a nightly backup. At most 10. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10), extend("x-kubernetes-validations" = [
        names_differ("the names of quietTimes must differ: rename the repeated one")
    ]))]
    pub quiet_times: Vec<QuietTime>,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            topic_arn: None,
            subscriptions: Vec::new(),
            chat: false,
            notify_on_recovery: true,
            kms_key_arn: None,
            quiet_times: Vec::new(),
        }
    }
}

/// The endpoint in the message of a rule. A URL may have a password in it.
const ENDPOINT: &str = "self.endpoint.contains('://') ? 'a URL' : self.endpoint";

/// A subscription to the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule_at(".endpoint", r"!(self.protocol in ['email', 'email-json']) || self.endpoint.matches('^[^@ ]+@[^@ ]+\\.[^@ ]+$')", "an email endpoint is an address such as soc@example.com").showing("%s", &[ENDPOINT]),
    rule_at(".endpoint", r"self.protocol != 'sms' || self.endpoint.matches('^\\+[1-9][0-9]{1,14}$')", "an sms endpoint is a number in E.164 form, such as +491701234567").showing("%s", &[ENDPOINT]),
    rule_at(".endpoint", "self.protocol != 'https' || self.endpoint.startsWith('https://')", "an https endpoint begins with https://"),
    rule_at(".endpoint", "self.protocol != 'http' || self.endpoint.startsWith('http://')", "an http endpoint begins with http://"),
    rule_at(".endpoint", r"!(self.protocol in ['sqs', 'lambda', 'firehose']) || self.endpoint.matches('^arn:aws[a-z-]*:' + self.protocol + ':[a-z0-9-]+:[0-9]{12}:.+$')", "the endpoint of sqs, lambda and firehose is the ARN of that service's resource").showing("%s", &[ENDPOINT]),
    rule_at(".endpoint", r"self.protocol != 'application' || self.endpoint.matches('^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:endpoint/.+$')", "an application endpoint is the ARN of an SNS platform endpoint").showing("%s", &[ENDPOINT]),
    rule_at(".endpoint", r"!self.endpoint.matches('[\\s\\p{C}\\p{Z}]')", "an endpoint has neither spaces nor characters that cannot be seen"),
    rule_at(".subscriptionRoleArn", "(self.protocol == 'firehose') == has(self.subscriptionRoleArn)", "subscriptionRoleArn is required for firehose, and for nothing else").showing("the protocol is %s", &["self.protocol"])
]))]
pub struct Subscription {
    /// SNS protocol. `email` and `email-json` stay pending until the recipient confirms.
    pub protocol: SubscriptionProtocol,
    /// Address, number, URL or ARN, as the protocol needs. AWS never returns the password of a URL; to change it, remove the subscription
    /// and add it again.
    #[schemars(length(min = 1, max = 2048))]
    pub endpoint: String,
    /// For `firehose` only: ARN of the role that lets SNS write to the stream. The operator's settings must allow the role for this
    /// namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [role_arn()]))]
    pub subscription_role_arn: Option<String>,
}

/// Protocol of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SubscriptionProtocol {
    /// Text by e-mail.
    Email,
    /// JSON by e-mail.
    EmailJson,
    /// Text message.
    Sms,
    /// HTTP POST.
    Http,
    /// HTTPS POST.
    Https,
    /// SQS queue.
    Sqs,
    /// Lambda function.
    Lambda,
    /// Data Firehose stream.
    Firehose,
    /// Mobile push endpoint.
    Application,
}

impl SubscriptionProtocol {
    /// As AWS spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::EmailJson => "email-json",
            Self::Sms => "sms",
            Self::Http => "http",
            Self::Https => "https",
            Self::Sqs => "sqs",
            Self::Lambda => "lambda",
            Self::Firehose => "firehose",
            Self::Application => "application",
        }
    }
}
