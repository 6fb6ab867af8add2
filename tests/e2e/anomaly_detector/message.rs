use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use devenv::wait_for;
use serde_json::Value;

use super::{DEADLINE, DETECTOR, RECORDS, logs, settled_function};
use crate::support::Sandbox;

#[tokio::test]
async fn records_in_the_log_group_become_a_message_on_the_topic() {
    let sandbox = Sandbox::new("anomaly_detector::message").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    assert_eq!(topic, monitor.topic_arn());
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;

    let since = sandbox.latest_call().await;
    let account = &sandbox.account;
    put_records(
        &sandbox,
        &[
            format!("2 {account} eni-1 10.0.0.1 203.0.113.9 443 50000 6 1 50000001 1418530010 1418530070 ACCEPT OK"),
            format!("2 {account} eni-1 198.51.100.7 10.0.0.1 50000 22 6 1 40 1418530010 1418530070 REJECT OK"),
            format!("2 {account} eni-1 10.0.0.1 10.0.0.2 443 50000 6 1 40 1418530010 1418530070 ACCEPT OK"),
        ],
    )
    .await;
    let message = inbox.next().await;
    assert_eq!(message["Type"], "Notification");
    let subject = format!("HIGH: 2 network anomalies in {}, monitor network/production", sandbox.vpc_id);
    assert_eq!(message["Subject"], subject);
    let text = message["Message"].as_str().unwrap();
    assert!(text.contains("HIGH high_data_transfer 10.0.0.1 -> 203.0.113.9: records 1, bytes 50000001"), "{text}");
    assert!(text.contains("MEDIUM rejected_tcp 198.51.100.7 -> 10.0.0.1: records 1, bytes 40"), "{text}");
    assert!(!text.contains("10.0.0.2"), "{text}");

    let calls = sandbox.emulator.calls(account, since).await.unwrap();
    let publish = calls.iter().find(|call| call.operation == "Publish").unwrap();
    assert_eq!(publish.caller, Some(monitor.names.detector_role()), "published as the detector's own role");
    wait_for("the detector's own log", DEADLINE, async || {
        let events =
            logs(&sandbox).filter_log_events().log_group_name(monitor.names.detector_log_group()).send().await?;
        Ok(events
            .events()
            .iter()
            .any(|event| event.message().is_some_and(|it| it.contains("batch analyzed")))
            .then_some(()))
    })
    .await
    .unwrap();
}

async fn put_records(sandbox: &Sandbox, records: &[String]) {
    let logs = logs(sandbox);
    logs.create_log_stream().log_group_name(RECORDS).log_stream_name("eni-1-all").send().await.unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let events =
        records.iter().map(|it| InputLogEvent::builder().timestamp(now).message(it).build().unwrap()).collect();
    logs.put_log_events()
        .log_group_name(RECORDS)
        .log_stream_name("eni-1-all")
        .set_log_events(Some(events))
        .send()
        .await
        .unwrap();
}

/// An HTTP endpoint subscribed to a topic.
struct Inbox {
    received: tokio::sync::mpsc::UnboundedReceiver<Value>,
}

impl Inbox {
    async fn subscribe(sns: &aws_sdk_sns::Client, topic: &str) -> Self {
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

    async fn next(&mut self) -> Value {
        tokio::time::timeout(DEADLINE, self.received.recv()).await.expect("SNS posts within the deadline").unwrap()
    }
}
