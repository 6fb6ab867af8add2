//! Incidents over many interfaces, side by side: in pieces as `CloudWatch` Logs hands them over, and whole in a file.

use detector::message::Message;
use serde_json::{Value, json};

use crate::function::*;

const INTERFACES: usize = 60;
const PARTS: usize = 30;

/// A host behind a peering connection looks for SMB: the interface of each target has one record of it.
fn sweep() -> Vec<Vec<String>> {
    let target = |host| vec![line(host, "192.168.7.9", &format!("10.0.1.{host}"), 445, 120, "REJECT")];
    (0..INTERFACES).map(target).collect()
}

/// A host sends 600 MB in parts of 20 MB, each of which comes in a batch of its own.
fn egress() -> Vec<Vec<String>> {
    let part = |nth| vec![line(100 + nth, "10.0.2.5", "203.0.113.9", 443, 20_000_000, "ACCEPT")];
    (0..PARTS).map(part).collect()
}

/// Rules of the findings in all messages, without the rule about single rejections.
fn rules(messages: &[Message]) -> Vec<String> {
    let findings = messages.iter().flat_map(|message| document(message)["findings"].as_array().unwrap().clone());
    let rules = findings.map(|finding| finding["rule"].as_str().unwrap().to_owned());
    rules.filter(|rule| rule != "rejectedTcp").collect()
}

fn finding(message: &Message, rule: &str) -> Value {
    let findings = document(message)["findings"].as_array().unwrap().clone();
    findings.into_iter().find(|finding| finding["rule"] == rule).unwrap()
}

#[tokio::test]
async fn a_sweep_and_an_egress_over_many_interfaces_are_seen_in_a_file_and_not_in_batches() {
    let parts: Vec<_> = sweep().into_iter().chain(egress()).collect();

    let batches: Vec<_> = parts.iter().map(|lines| batch(lines)).collect();
    let (answers, messages) = invoke_all(&Files::default(), &batches).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap().parsed == 1));
    assert_eq!(rules(&messages), [""; 0], "an interface alone shows neither");

    let lines = parts.concat();
    for (name, content) in [("a.log.gz", text_file(&lines)), ("a.log.parquet", parquet_file(&lines, Absent::Dash))] {
        let key = format!("{FOLDER}/{name}");
        let (answer, messages) = invoke(&key, content).await;
        let answer = answer.unwrap();
        assert_eq!((answer.parsed, answer.bad), ((INTERFACES + PARTS) as u64, 0), "{name}");
        assert_eq!(messages.len(), 1, "{name}");
        let mut found = rules(&messages);
        found.sort();
        assert_eq!(found, ["hostSweep", "largeEgress"], "{name}");
        let message = &messages[0];
        assert_eq!(document(message)["file"], format!("s3://{BUCKET}/{key}"));
        let sweep = finding(message, "hostSweep");
        assert_eq!((&sweep["source"], &sweep["hostCount"]), (&json!("192.168.7.9"), &json!(INTERFACES)));
        let egress = finding(message, "largeEgress");
        assert_eq!((&egress["source"], &egress["bytes"]), (&json!("10.0.2.5"), &json!(600_000_000)));
        assert_eq!(egress["interfaces"].as_array().unwrap().len(), 3, "the first of many");
        // No log group, so no query of Logs Insights; the page of the rule stays.
        assert_eq!(egress["links"].get("logsInsights"), None);
        assert!(egress["links"]["rule"].as_str().unwrap().ends_with("#largeegress"));
    }
}

/// More senders than the function counts at a time in a batch, and an open door.
#[tokio::test]
async fn a_file_has_room_for_more_addresses_than_a_batch() {
    let sender =
        |nth: usize| line(nth, &format!("10.{}.{}.1", nth / 250, nth % 250), "203.0.113.9", 443, 100, "ACCEPT");
    let lines: Vec<_> =
        (0..20_000).map(sender).chain([line(1, "198.51.100.7", "10.0.0.1", 22, 4_000, "ACCEPT")]).collect();
    let unexamined = |messages: &[Message]| document(&messages[0])["omitted"]["unexaminedRecords"].as_u64().unwrap();
    let (_, messages) = invoke_all(&Files::default(), &[batch(&lines)]).await;
    assert!(unexamined(&messages) > 5_000, "{}", unexamined(&messages));
    let (_, messages) = invoke(&format!("{FOLDER}/a.log.gz"), text_file(&lines)).await;
    assert_eq!(unexamined(&messages), 0);
}
