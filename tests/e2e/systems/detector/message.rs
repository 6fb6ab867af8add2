use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use devenv::wait_for;
use serde_json::{Value, json};
use vpc_flow_operator::api::spec::Severity;

use super::{DEADLINE, DETECTOR, RECORDS, logs, settled_function};
use crate::inbox::Inbox;
use testkit::sandbox::Sandbox;

#[tokio::test]
async fn records_in_the_log_group_become_a_message_on_the_topic() {
    let sandbox = Sandbox::new("detector::message").await;
    let mut spec = sandbox.spec();
    spec.detector.min_severity = Severity::Low;
    let monitor = sandbox.monitor(spec);
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
        "eni-1-all",
        &[
            format!("2 {account} eni-1 10.0.0.1 203.0.113.9 443 50000 6 1 50000001 1418530010 1418530070 ACCEPT OK"),
            format!("2 {account} eni-1 198.51.100.7 10.0.0.1 50000 22 6 1 40 1418530010 1418530070 REJECT OK"),
            format!("2 {account} eni-1 10.0.0.1 10.0.0.2 443 50000 6 1 40 1418530010 1418530070 ACCEPT OK"),
            "not a record".to_owned(),
        ],
    )
    .await;
    let message = inbox.next().await;
    assert_eq!(message["Type"], "Notification");
    assert_eq!(message["Subject"], "HIGH: 10.0.0.1 sent 50.0 MB to 203.0.113.9 (+1 more), network/production");
    let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    assert_eq!((&document["accountId"], &document["region"]), (&json!(account), &json!("eu-west-1")));
    assert_eq!(document["records"], json!({"total": 4, "parsed": 3, "bad": 1}));
    let links = document["findings"][0]["links"].as_object().unwrap();
    assert_eq!(links.keys().collect::<Vec<_>>(), ["dashboard", "logsInsights", "rule"]);
    let log_group = RECORDS.replace('/', "*2f");
    assert!(links["logsInsights"].as_str().unwrap().contains(&log_group), "{links:?}");
    let findings = document["findings"].as_array().unwrap();
    let outline: Vec<_> = findings.iter().map(|it| (&it["rule"], &it["source"], &it["bytes"])).collect();
    assert_eq!(outline[0], (&json!("highDataTransfer"), &json!("10.0.0.1"), &json!(50_000_001)));
    let rules: Vec<_> = outline.iter().map(|(rule, _, _)| rule.as_str().unwrap()).collect();
    assert_eq!(rules, ["highDataTransfer", "sensitivePortRejected"]);
    assert_eq!(message["MessageAttributes"]["severity"]["Value"], "HIGH");

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

/// Puts records into a new stream of the log group, as the flow log does for an interface.
pub(super) async fn put_records(sandbox: &Sandbox, stream: &str, records: &[String]) {
    let logs = logs(sandbox);
    logs.create_log_stream().log_group_name(RECORDS).log_stream_name(stream).send().await.unwrap();
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    let events =
        records.iter().map(|it| InputLogEvent::builder().timestamp(now).message(it).build().unwrap()).collect();
    logs.put_log_events()
        .log_group_name(RECORDS)
        .log_stream_name(stream)
        .set_log_events(Some(events))
        .send()
        .await
        .unwrap();
}
