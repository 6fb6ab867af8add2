//! Sends a message to the topic.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;

use aws_sdk_sns::Client;
use aws_sdk_sns::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;

use crate::message::Message;

/// The message was not sent, as far as is known.
#[derive(Debug, thiserror::Error)]
#[error("cannot publish to {topic_arn}: {reason}")]
pub struct PublishError {
    /// The topic.
    pub topic_arn: String,
    /// The error of SNS, or of the connection to it.
    pub reason: String,
}

/// Where messages go.
pub trait Publisher {
    /// Sends `message` once; at-least-once delivery is for the caller to arrange, by failing.
    fn publish(&self, message: &Message) -> impl Future<Output = Result<(), PublishError>> + Send;

    /// False if the topic certainly has no subscriber.
    fn has_recipients(&self) -> impl Future<Output = bool> + Send;
}

/// An SNS topic.
#[derive(Clone, Debug)]
pub struct Topic {
    client: Client,
    arn: String,
}

impl Topic {
    /// The topic `arn`, reached by `client`.
    #[must_use]
    pub fn new(client: Client, arn: String) -> Self {
        Self { client, arn }
    }

    fn error(&self, reason: String) -> PublishError {
        PublishError { topic_arn: self.arn.clone(), reason }
    }
}

impl Publisher for Topic {
    async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        let attributes = attributes(message).map_err(|error| self.error(error.to_string()))?;
        let request = attributes
            .into_iter()
            .fold(self.client.publish(), |request, (name, value)| request.message_attributes(name, value));
        request
            .topic_arn(&self.arn)
            .subject(&message.subject)
            .message(&message.body)
            .message_structure("json")
            .send()
            .await
            .map(drop)
            .map_err(|error| self.error(reason(&error)))
    }

    /// By `SubscriptionsConfirmed` of
    /// [GetTopicAttributes](https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html). A topic that cannot be read, such as
    /// one of another account, has recipients for all that is known.
    async fn has_recipients(&self) -> bool {
        let Ok(output) = self.client.get_topic_attributes().topic_arn(&self.arn).send().await else { return true };
        output.attributes().and_then(|them| them.get("SubscriptionsConfirmed")).is_none_or(|confirmed| confirmed != "0")
    }
}

/// SNS's code and message if it answered, else the chain of causes.
pub(crate) fn reason<E, R>(error: &SdkError<E, R>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
    R: Debug,
{
    if let (Some(code), Some(message)) = (error.code(), error.message()) {
        return format!("{code}: {message}");
    }
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The attributes that subscriptions can filter by: `severity`, `monitor`, `vpc` and the list `rules`.
fn attributes(message: &Message) -> Result<[(&'static str, MessageAttributeValue); 4], BuildError> {
    let names: Vec<_> = message.rules.iter().map(|rule| format!("\"{rule}\"")).collect();
    Ok([
        ("severity", attribute("String", &message.severity.to_string())?),
        ("monitor", attribute("String", &message.origin.monitor)?),
        ("vpc", attribute("String", &message.origin.vpc_id)?),
        ("rules", attribute("String.Array", &format!("[{}]", names.join(",")))?),
    ])
}

fn attribute(data_type: &str, value: &str) -> Result<MessageAttributeValue, BuildError> {
    MessageAttributeValue::builder().data_type(data_type).string_value(value).build()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sns::error::ErrorMetadata;
    use aws_sdk_sns::operation::publish::PublishError as SnsError;

    use super::*;
    use crate::rules::{Rule, Severity};
    use crate::settings::Origin;

    #[test]
    fn attributes_carry_what_filter_policies_need() {
        let message = Message {
            subject: String::new(),
            body: String::new(),
            severity: Severity::High,
            rules: [Rule::PortScan, Rule::RejectedTcp].map(Into::into).into(),
            origin: Origin {
                monitor: "network/production".to_owned(),
                vpc_id: "vpc-1".to_owned(),
                ..Origin::default()
            },
        };
        let attributes = attributes(&message).unwrap();
        let flat: Vec<_> = attributes
            .iter()
            .map(|(name, value)| (*name, value.data_type(), value.string_value().unwrap_or_default()))
            .collect();
        assert_eq!(
            flat,
            [
                ("severity", "String", "HIGH"),
                ("monitor", "String", "network/production"),
                ("vpc", "String", "vpc-1"),
                ("rules", "String.Array", r#"["portScan","rejectedTcp"]"#),
            ]
        );
    }

    #[test]
    fn the_reason_is_what_sns_says() {
        let answer = ErrorMetadata::builder().code("NotFound").message("Topic does not exist").build();
        let error = SdkError::service_error(SnsError::generic(answer), ());
        assert_eq!(reason(&error), "NotFound: Topic does not exist");
    }

    #[test]
    fn without_an_answer_the_reason_is_the_chain_of_causes() {
        let error = SdkError::<SnsError, ()>::timeout_error("no answer within 10 s");
        assert_eq!(reason(&error), "request has timed out: no answer within 10 s");
    }
}
