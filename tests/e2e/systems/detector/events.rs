use aws_sdk_eventbridge::types::Target;
use devenv::{Queue, wait_for};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use testkit::sandbox::{REGION, Sandbox};
use vpc_flow_operator::api::spec::Severity;
use vpc_flow_operator::monitor::Monitor;

use super::message::put_records;
use super::{DEADLINE, DETECTOR, logs, settled_function};
use crate::inbox::Inbox;

/// The statement of the detector's role that lets it send events.
const SEND_EVENTS: &str = "SendEvents";

/// A monitor that sends events, its topic's inbox, and a queue that gets the events of its owner from the default event bus. The function may do
/// exactly the things that its role allows.
async fn built(test: &str, least: Severity) -> (Sandbox, Monitor, Inbox, Queue) {
    let sandbox = Sandbox::new(test).await;
    let mut spec = sandbox.spec();
    spec.detector.min_severity = Severity::Low;
    spec.integrations.events.enabled = true;
    spec.integrations.events.min_severity = least;
    let monitor = sandbox.monitor(spec);
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    let inbox = Inbox::subscribe(&sns, &topic).await;
    sandbox.converge(&monitor, DETECTOR).await;
    settled_function(&sandbox, &monitor).await;
    bind_function(&sandbox, &monitor, |_| true).await;

    let queue = Queue::create(&sandbox.emulator, &sandbox.account, REGION, "findings").await.unwrap();
    let events = aws_sdk_eventbridge::Client::new(&sandbox.config);
    let pattern = json!({"source": ["vpcflow.dev"], "detail": {"owner": [monitor.owner]}});
    events.put_rule().name("findings").event_pattern(pattern.to_string()).send().await.unwrap();
    let target = Target::builder().id("queue").arn(&queue.arn).build().unwrap();
    events.put_targets().rule("findings").targets(target).send().await.unwrap();
    (sandbox, monitor, inbox, queue)
}

/// Lets the function do the things that its role allows by the statements for whose names `holds` is true.
async fn bind_function(sandbox: &Sandbox, monitor: &Monitor, holds: fn(&str) -> bool) {
    let (iam, role) = (aws_sdk_iam::Client::new(&sandbox.config), monitor.names.detector_role());
    let found = iam.get_role_policy().role_name(&role).policy_name("detect-anomalies").send().await.unwrap();
    let document = percent_decode_str(&found.policy_document).decode_utf8().unwrap();
    let mut policy: Value = serde_json::from_str(&document).unwrap();
    let statements = policy["Statement"].as_array_mut().unwrap();
    assert!(statements.iter().any(|statement| statement["Sid"] == SEND_EVENTS), "{document}");
    statements.retain(|statement| holds(statement["Sid"].as_str().unwrap()));
    sandbox.emulator.bind_role(&sandbox.account, &role, &[policy]).await.unwrap();
}

/// Records of a finding of severity HIGH, and of one of severity LOW.
async fn attack(sandbox: &Sandbox) {
    let account = &sandbox.account;
    let records = [
        format!("2 {account} eni-1 10.0.0.1 203.0.113.9 443 50000 6 1 50000001 1418530010 1418530070 ACCEPT OK"),
        format!("2 {account} eni-1 10.0.0.7 10.0.0.1 50000 4711 6 1 40 1418530010 1418530070 REJECT OK"),
    ];
    put_records(sandbox, "eni-1-all", &records).await;
}

/// The line with `text` in the function's own log, once it is there.
async fn log_line(sandbox: &Sandbox, monitor: &Monitor, text: &str) -> String {
    wait_for("a line of the function's log", DEADLINE, async || {
        let group = monitor.names.detector_log_group();
        let events = logs(sandbox).filter_log_events().log_group_name(group).send().await?;
        let mut lines = events.events().iter().filter_map(|event| event.message());
        Ok(lines.find(|line| line.contains(text)).map(str::to_owned))
    })
    .await
    .unwrap()
}

/// The findings in the message.
async fn findings_in(inbox: &mut Inbox) -> Vec<Value> {
    let message = inbox.next().await;
    let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    document["findings"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_finding_of_the_message_is_an_event_of_the_default_event_bus() {
    let (sandbox, monitor, mut inbox, queue) = built("detector::events", Severity::Low).await;
    attack(&sandbox).await;
    let findings = findings_in(&mut inbox).await;
    let rules: Vec<_> = findings.iter().map(|finding| &finding["rule"]).collect();
    assert_eq!(rules, ["highDataTransfer", "rejectedTcp"]);
    log_line(&sandbox, &monitor, "batch analyzed").await;
    let events = queue.receive().await.unwrap();
    let in_events: Vec<_> = events.iter().map(|event| event["detail"]["finding"].clone()).collect();
    assert_eq!(in_events, findings);
    let event = &events[0];
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("vpcflow.dev"), &json!("VPC Flow Finding")));
    let vpc = monitor.account_region.arn("ec2", format!("vpc/{}", sandbox.vpc_id));
    assert_eq!((&event["resources"], &event["time"]), (&json!([vpc]), &json!("2014-12-14T04:07:50Z")));
    let detail = json!({
        "version": 1, "owner": monitor.owner, "monitor": "network/production", "vpcId": sandbox.vpc_id,
        "finding": findings[0],
    });
    assert_eq!(event["detail"], detail);
}

#[tokio::test]
async fn findings_below_the_least_severity_are_in_the_message_only() {
    let (sandbox, monitor, mut inbox, queue) = built("detector::events-severity", Severity::High).await;
    attack(&sandbox).await;
    assert_eq!(findings_in(&mut inbox).await.len(), 2);
    log_line(&sandbox, &monitor, "batch analyzed").await;
    let events = queue.receive().await.unwrap();
    let rules: Vec<_> = events.iter().map(|event| &event["detail"]["finding"]["rule"]).collect();
    assert_eq!(rules, ["highDataTransfer"]);
}

#[tokio::test]
async fn a_bus_that_refuses_costs_no_message_and_repeats_none() {
    let (sandbox, monitor, mut inbox, queue) = built("detector::events-denied", Severity::Low).await;
    bind_function(&sandbox, &monitor, |statement| statement != SEND_EVENTS).await;
    let since = sandbox.latest_call().await;
    attack(&sandbox).await;
    assert_eq!(findings_in(&mut inbox).await.len(), 2);
    let warning = log_line(&sandbox, &monitor, "events were not sent").await;
    assert!(warning.contains("AccessDeniedException") && warning.contains(r#""failed":2"#), "{warning}");
    let metrics = log_line(&sandbox, &monitor, "DetectorEventsFailed").await;
    assert!(metrics.contains(r#""DetectorEvents":0,"DetectorEventsFailed":2"#), "{metrics}");
    log_line(&sandbox, &monitor, "batch analyzed").await;
    assert_eq!(queue.receive().await.unwrap(), Vec::<Value>::new());
    let calls = sandbox.emulator.calls(&sandbox.account, since).await.unwrap();
    assert_eq!(calls.iter().filter(|call| call.operation == "Publish").count(), 1, "{calls:#?}");
}
