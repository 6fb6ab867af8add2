//! The messages that a subscriber of a topic receives.

use std::time::Duration;

use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(30);

/// An HTTP endpoint subscribed to a topic.
pub struct Inbox {
    received: tokio::sync::mpsc::UnboundedReceiver<Value>,
}

impl Inbox {
    /// Subscribes an endpoint and confirms the subscription.
    pub async fn subscribe(sns: &aws_sdk_sns::Client, topic: &str) -> Self {
        let (sender, received) = tokio::sync::mpsc::unbounded_channel();
        let receive = async move |body: String| sender.send(serde_json::from_str(&body).unwrap()).unwrap();
        let app = axum::Router::new().route("/", axum::routing::post(receive));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut inbox = Self { received };
        sns.subscribe().topic_arn(topic).protocol("http").endpoint(url).send().await.unwrap();
        let request = inbox.next().await;
        assert_eq!(request["Type"], "SubscriptionConfirmation");
        let token = request["Token"].as_str().unwrap();
        sns.confirm_subscription().topic_arn(topic).token(token).send().await.unwrap();
        inbox
    }

    /// The next message that SNS posts.
    pub async fn next(&mut self) -> Value {
        tokio::time::timeout(DEADLINE, self.received.recv()).await.expect("SNS posts within the deadline").unwrap()
    }
}
