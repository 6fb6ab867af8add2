//! Resources of others that a monitor may name: a topic, a key.

use aws_config::SdkConfig;

use testkit::sandbox::{REGION, Sandbox};

/// Resources that others have made in an account.
#[derive(Clone, Debug)]
pub struct Others {
    pub account: String,
    pub topic_arn: String,
    pub key_arn: String,
}

impl Others {
    pub async fn new(sandbox: &Sandbox) -> Self {
        let config: &SdkConfig = &sandbox.config;
        let topic = aws_sdk_sns::Client::new(config).create_topic().name("others").send().await.unwrap();
        Self {
            account: sandbox.account.clone(),
            topic_arn: topic.topic_arn.unwrap(),
            key_arn: sandbox.emulator.create_key(&sandbox.account, REGION).await.unwrap(),
        }
    }
}
