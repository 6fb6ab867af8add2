//! Variants of a message: an incident that goes on, a rule of a user, the notification for chats.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::tests::{body, compose, compose_with, invocation, some_findings};
use super::*;
use crate::analysis::Analyzer;
use crate::custom_rule;
use crate::notification_log::history::Sums;
use crate::record::Parser;
use crate::rules::Rule;
use crate::test_data::{settings, v2_line};

#[test]
fn an_incident_that_goes_on_is_said_to_with_what_came_since() {
    let analysis = some_findings();
    let since = Sums { findings: 12, records: 80, bytes: 3_200 };
    let history = History { first: Time(1_418_500_000), last_message: Time(1_418_508_400), since };
    let ongoing = Ongoing {
        rule: "portScan".to_owned(),
        severity: Severity::Medium,
        summary: "198.51.100.66 tried 62 ports of 10.0.0.1: 22".to_owned(),
        history,
    };
    let list = &analysis.findings.list;
    let findings = vec![(Cow::Borrowed(&list[0]), Some(history)), (Cow::Borrowed(&list[1]), None)];
    let notification = Notification { findings, ongoing: vec![ongoing] };
    let message = Message::compose(&analysis, &settings(), &invocation(), &notification).unwrap();
    assert!(message.subject.starts_with("HIGH, ongoing: 10.0.0.1 sent 60.1 MB"), "{}", message.subject);
    let (document, email) = body(&message);
    let block = "   Ongoing:   first 2014-12-13T19:46:40Z; since the message of\n              2014-12-13T22:06:40Z: 12 findings, 80 records, \
                 3.2 kB\n";
    assert_eq!(email.matches(block).count(), 1, "{email}");
    let line = "\nOngoing, from earlier messages:\nMEDIUM portScan: 198.51.100.66 tried 62 ports of 10.0.0.1: 22 (first \
                2014-12-13T19:46:40Z; since the message of 2014-12-13T22:06:40Z: 12 findings, 80 records, 3.2 kB)\n";
    assert!(email.contains(line), "{email}");
    let expected = serde_json::json!({
        "first": "2014-12-13T19:46:40Z", "lastMessage": "2014-12-13T22:06:40Z", "findings": 12, "records": 80, "bytes": 3200,
    });
    assert_eq!(document["findings"][0]["history"], expected);
    assert_eq!(document["findings"][1]["history"], Value::Null);
    assert_eq!(
        (&document["ongoing"][0]["rule"], &document["ongoing"][0]["findings"]),
        (&"portScan".into(), &12.into())
    );
}

#[test]
fn a_finding_of_a_users_rule_has_its_words() {
    let mut value = custom_rule::tests::database();
    let compose = |value: &Value| {
        let rule = Arc::new(custom_rule::tests::read(value.clone()).unwrap());
        let settings = Settings { custom_rules: vec![rule], ..settings() };
        let parser = Parser::new(settings.format.clone());
        let mut analyzer = Analyzer::new(&parser, &settings.rules).watch(&settings.custom_rules);
        analyzer.add(&v2_line("10.0.3.4", "10.0.9.9", 5432, 6, 40, "ACCEPT"));
        compose_with(&analyzer.finish(), &settings, &invocation()).unwrap()
    };
    let message = compose(&value);
    assert_eq!(message.subject, "HIGH: database_from_elsewhere: 10.0.3.4 to 10.0.9.9, network/production");
    assert_eq!(message.rules.iter().map(RuleId::name).collect::<Vec<_>>(), ["database_from_elsewhere"]);
    let sentence = "database_from_elsewhere: 10.0.3.4 to 10.0.9.9 at port 5432: Only the bastion may open PostgreSQL.";
    let finding = |message: &Message| body(message).0["findings"][0].clone();
    let found = finding(&message);
    assert_eq!((&found["rule"], &found["severity"]), (&"database_from_elsewhere".into(), &"HIGH".into()));
    assert_eq!(
        (&found["summary"], &found["action"]),
        (&sentence.into(), &"Only the bastion may open PostgreSQL.".into())
    );
    assert_eq!((found.get("mitre"), found["links"].get("rule")), (None, None));
    let email = body(&message).1;
    assert!(email.contains("\n1. HIGH database_from_elsewhere\n") && !email.contains("Rule:"), "{email}");

    value["runbook"] = "https://example.com/runbook".into();
    value["mitre"] = serde_json::json!(["T1046"]);
    let message = compose(&value);
    let found = finding(&message);
    assert_eq!(
        (&found["action"], &found["links"]["rule"]),
        (&"follow the runbook of the rule".into(), &value["runbook"])
    );
    assert_eq!(found["mitre"], value["mitre"]);
    assert_eq!(body(&message).1.matches("https://example.com/runbook").count(), 1);
}

#[test]
fn chats_get_their_form_and_the_document_beside_it() {
    let settings = Settings { chat: true, ..settings() };
    let analysis = some_findings();
    let message = compose_with(&analysis, &settings, &invocation()).unwrap();
    let texts: Value = serde_json::from_str(&message.body).unwrap();
    let chat: Value = serde_json::from_str(texts["https"].as_str().unwrap()).unwrap();
    assert_eq!((&chat["version"], &chat["source"]), (&"1.0".into(), &"custom".into()));
    assert_eq!(chat["content"]["textType"], "client-markdown");
    assert_eq!(chat["content"]["title"], message.subject);
    let description = chat["content"]["description"].as_str().unwrap();
    assert!(description.starts_with("HIGH highDataTransfer: 10.0.0.1 sent 60.1 MB to 203.0.113.9"), "{description}");
    assert!(description.contains("\nRule: https://") && description.contains("\nDashboard: https://"), "{description}");
    assert_eq!(chat["content"]["nextSteps"][0], Rule::HighDataTransfer.action());
    assert_eq!(chat["metadata"]["threadId"], analysis.findings.list[0].key(&settings.origin.owner));
    assert_eq!(chat["metadata"]["relatedResources"], serde_json::json!(["vpc-0123456789abcdef0"]));

    let mut document: Value = serde_json::from_str(texts["default"].as_str().unwrap()).unwrap();
    document["version"] = "1.0".into();
    for (name, value) in document.as_object().unwrap() {
        assert_eq!(chat[name], *value, "{name}");
    }
    let without: Value = serde_json::from_str(&compose(&analysis).body).unwrap();
    assert_eq!(without.get("https"), None);
}
