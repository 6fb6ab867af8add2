//! Queues, to which topics deliver their messages. The operator has no client for SQS.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::client::EmulatorClient;

/// A queue.
#[derive(Clone, Debug)]
pub struct Queue {
    client: EmulatorClient,
    account: String,
    region: String,
    url: String,
    /// Its ARN.
    pub arn: String,
}

impl Queue {
    /// Makes a queue to which all topics and event rules may send.
    pub async fn create(client: &EmulatorClient, account: &str, region: &str, name: &str) -> Result<Self> {
        let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }]});
        let body = json!({"QueueName": name, "Attributes": {"Policy": policy.to_string()}});
        let answer = client.json_call(account, region, "sqs", "AmazonSQS.CreateQueue", &body).await?;
        let url = answer["QueueUrl"].as_str().context("CreateQueue answered no URL")?.to_owned();
        Ok(Self { client: client.clone(), account: account.to_owned(), region: region.to_owned(), url, arn })
    }

    /// The messages of topics and the events of rules that were sent to the queue, as far as they are JSON. Each is received once.
    pub async fn receive(&self) -> Result<Vec<Value>> {
        let mut messages = Vec::new();
        loop {
            let body = json!({"QueueUrl": self.url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": 3600});
            let call = self.client.json_call(&self.account, &self.region, "sqs", "AmazonSQS.ReceiveMessage", &body);
            let answer = call.await?;
            let received = answer["Messages"].as_array().cloned().unwrap_or_default();
            if received.is_empty() {
                return Ok(messages);
            }
            let message = |it: &Value| -> Option<Value> {
                let body: Value = serde_json::from_str(it["Body"].as_str()?).ok()?;
                match body["Message"].as_str() {
                    // A topic's envelope.
                    Some(message) => serde_json::from_str(message).ok(),
                    None => Some(body),
                }
            };
            messages.extend(received.iter().filter_map(message));
        }
    }
}
