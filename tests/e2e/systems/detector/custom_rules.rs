//! Rules of the user and suppressions: the function applies them, and a broken one never reaches it.

use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde_json::{Value, json};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{CustomRule, Suppression};
use vpc_flow_operator::api::status::NoticeReason;
use vpc_flow_operator::monitor::Monitor;

use super::message::put_records;
use super::{DETECTOR, built, detector, settled_function};
use crate::inbox::Inbox;
use testkit::sandbox::Sandbox;

fn rule(changes: &Value) -> CustomRule {
    let mut rule = json!({
        "name": "database_from_elsewhere",
        "severity": "HIGH",
        "when": "action == \"ACCEPT\" && dstport == 5432\n&& !in_networks(source, [\"10.0.7.0/24\"])",
        "description": "Only the bastion may open PostgreSQL.",
        "tests": [
            {"name": "from the application", "matches": true, "record": {"action": "ACCEPT", "dstport": 5432, "srcaddr": "10.0.3.4"}},
            {"name": "from the bastion", "matches": false, "record": {"action": "ACCEPT", "dstport": 5432, "srcaddr": "10.0.7.4"}},
        ],
    });
    for (name, value) in changes.as_object().unwrap() {
        rule[name] = value.clone();
    }
    serde_json::from_value(rule).unwrap()
}

/// A time this many days from now.
fn in_days(days: u64) -> String {
    let time = DateTime::from(SystemTime::now() + Duration::from_hours(24 * days));
    DateTime::from_secs(time.secs()).fmt(Format::DateTime).unwrap()
}

fn suppression(changes: &Value) -> Suppression {
    let mut suppression =
        json!({"name": "ours", "when": "srcport == 50001", "until": in_days(1), "reason": "a scanner of ours"});
    for (name, value) in changes.as_object().unwrap() {
        suppression[name] = value.clone();
    }
    serde_json::from_value(suppression).unwrap()
}

fn with(sandbox: &Sandbox, rules: Vec<CustomRule>, suppress: Vec<Suppression>) -> Monitor {
    let mut spec = sandbox.spec();
    spec.detector.custom_rules = rules;
    spec.detector.suppress = suppress;
    sandbox.monitor(spec)
}

/// A record of an accepted connection.
fn accepted(sandbox: &Sandbox, source: &str, source_port: u16, port: u16) -> String {
    let account = &sandbox.account;
    format!("2 {account} eni-1 {source} 10.0.0.1 {source_port} {port} 6 1 40 1418530010 1418530070 ACCEPT OK")
}

/// Rules and sources of the findings in the next message.
async fn reported(inbox: &mut Inbox) -> (Vec<(String, String)>, Value) {
    let message = inbox.next().await;
    let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = document["findings"].as_array().unwrap();
    let mut outline: Vec<_> = findings.iter().map(|it| (text(&it["rule"]), text(&it["source"]))).collect();
    outline.sort();
    (outline, message)
}

async fn converged(sandbox: &Sandbox, monitor: &Monitor) {
    sandbox.converge(monitor, DETECTOR).await;
    settled_function(sandbox, monitor).await;
}

#[tokio::test]
async fn rules_and_suppressions_reach_the_function_and_act_on_records() {
    let sandbox = Sandbox::new("detector::custom_rules").await;
    let details =
        json!({"runbook": "https://example.com/database", "mitre": ["T1046"], "groupBy": ["source", "dstport"]});
    let off = rule(&json!({"name": "off", "when": "dstport > 0", "enabled": false, "tests": []}));
    let monitor = with(&sandbox, vec![rule(&details), off], Vec::new());
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(monitor.names.topic()).send().await.unwrap().topic_arn.unwrap();
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    converged(&sandbox, &monitor).await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;

    let of = |source: &str| ("database_from_elsewhere".to_owned(), source.to_owned());
    let database = |source: &str, source_port: u16| accepted(&sandbox, source, source_port, 5432);
    put_records(&sandbox, "rule", &[database("10.0.7.4", 50000), database("10.0.3.4", 50000)]).await;
    let (findings, message) = reported(&mut inbox).await;
    assert_eq!(findings, [of("10.0.3.4")]);
    assert_eq!(message["MessageAttributes"]["rules"]["Value"], r#"["database_from_elsewhere"]"#);
    let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
    let finding = &document["findings"][0];
    assert_eq!((&finding["severity"], &finding["mitre"]), (&json!("HIGH"), &json!(["T1046"])));
    assert_eq!((&finding["ports"], &finding["destination"]), (&json!([5432]), &Value::Null));
    assert!(document.to_string().contains("https://example.com/database"), "{document}");

    // A suppression of all rules; the function has another code, and so another instance.
    let monitor = with(&sandbox, vec![rule(&json!({}))], vec![suppression(&json!({}))]);
    let before = sandbox.latest_call().await;
    converged(&sandbox, &monitor).await;
    let writes: Vec<_> = sandbox.writes_since(before).await.into_iter().map(|call| call.operation).collect();
    assert_eq!(writes, ["UpdateFunctionCode", "UpdateFunctionConfiguration"]);
    let ssh = |source: &str, source_port: u16| accepted(&sandbox, source, source_port, 22);
    let records = [database("10.0.4.1", 50001), database("10.0.4.2", 50000), ssh("198.51.100.1", 50001)];
    put_records(&sandbox, "suppressed", &records).await;
    assert_eq!(reported(&mut inbox).await.0, [of("10.0.4.2")]);

    // One of a single rule leaves the others, and an expired one has no effect.
    let suppress = vec![
        suppression(&json!({"rules": ["sensitivePortAccepted"]})),
        suppression(&json!({"name": "former", "when": "dstport == 5432", "until": "2020-01-01T00:00:00Z"})),
    ];
    let monitor = with(&sandbox, vec![rule(&json!({}))], suppress);
    converged(&sandbox, &monitor).await;
    put_records(&sandbox, "one", &[database("10.0.5.1", 50001), ssh("198.51.100.2", 50001)]).await;
    assert_eq!(reported(&mut inbox).await.0, [of("10.0.5.1")]);

    // A finding begins at three records.
    let monitor = with(&sandbox, vec![rule(&json!({"minRecords": 3, "severity": "MEDIUM"}))], Vec::new());
    converged(&sandbox, &monitor).await;
    let mut records = vec![database("10.0.6.1", 50000); 2];
    records.extend(vec![database("10.0.6.2", 50000); 3]);
    put_records(&sandbox, "several", &records).await;
    let (findings, message) = reported(&mut inbox).await;
    assert_eq!(findings, [of("10.0.6.2")]);
    assert_eq!(message["MessageAttributes"]["severity"]["Value"], "MEDIUM");
}

#[tokio::test]
async fn a_broken_rule_is_refused_and_the_function_keeps_its_code_until_it_is_corrected() {
    let (sandbox, _) = built("detector::broken_rule").await;
    let monitor = with(&sandbox, vec![rule(&json!({}))], vec![suppression(&json!({}))]);
    converged(&sandbox, &monitor).await;
    let (before, since) = (sandbox.inventory().await, sandbox.latest_call().await);

    let failing = json!({"tests": [
        {"name": "hit", "matches": true, "record": {"action": "ACCEPT", "dstport": 5433, "srcaddr": "10.0.3.4"}},
        {"name": "miss", "matches": false, "record": {"action": "REJECT", "dstport": 5432, "srcaddr": "10.0.3.4"}},
    ]});
    let wide = |number: u32| {
        let ports = vec!["dstport > 1"; 60].join(" || ");
        rule(&json!({"name": format!("rule_{number}"), "when": ports, "tests": []}))
    };
    for (rules, suppress, reason, expected) in [
        (
            vec![rule(&json!({"when": "action == \"ACCEPT\"\n&& dstprt == 5432"}))],
            vec![],
            Reason::InvalidSpec,
            "spec.detector.customRules[0].when: `database_from_elsewhere`, line 2, column 4: there is no field `dstprt`; write \
             `dstport` if you mean it: && ^dstprt^ == 5432",
        ),
        (
            vec![rule(&failing)],
            vec![],
            Reason::TestsFailed,
            "spec.detector.customRules[0].tests[0]: the test `hit` of the rule `database_from_elsewhere` fails: `when` does not match \
             action=ACCEPT dstport=5433 srcaddr=10.0.3.4, and should; correct the rule or the test",
        ),
        (
            (0..5).map(wide).collect(),
            vec![],
            Reason::InvalidSpec,
            "spec.detector.customRules: the rules have 300 conditions",
        ),
        (
            vec![],
            vec![suppression(&json!({"when": "syn &&"}))],
            Reason::InvalidSpec,
            "spec.detector.suppress[0].when: `ours`, line 1, column 7: expected a condition, found the end: syn &&^^",
        ),
        (
            vec![],
            vec![suppression(&json!({"until": in_days(367)}))],
            Reason::InvalidSpec,
            "spec.detector.suppress[0].until: `ours` ends at ",
        ),
    ] {
        let outcomes = sandbox.pass(&with(&sandbox, rules, suppress), DETECTOR).await;
        let (_, failure) = &detector(&outcomes).failures[0];
        assert_eq!(failure.reason, reason, "{failure}");
        assert!(failure.to_string().starts_with(expected), "{failure}");
    }
    assert!(sandbox.writes_since(since).await.is_empty());
    assert_eq!(sandbox.inventory().await, before);

    let monitor = with(
        &sandbox,
        vec![rule(&json!({"when": "dstport == 5432 && !in_networks(source, [\"10.0.7.0/24\"])"}))],
        vec![],
    );
    converged(&sandbox, &monitor).await;
    let function = |inventory: &Value| inventory["functions"][monitor.names.detector()]["codeSha256"].clone();
    assert_ne!(function(&sandbox.inventory().await), function(&before));
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
}

#[tokio::test]
async fn a_new_function_has_the_built_in_rules_until_a_broken_rule_is_corrected() {
    let sandbox = Sandbox::new("detector::new_broken").await;
    let broken = with(&sandbox, vec![rule(&json!({"when": "dstprt == 5432"}))], Vec::new());
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    let topic = sns.create_topic().name(broken.names.topic()).send().await.unwrap().topic_arn.unwrap();
    let mut inbox = Inbox::subscribe(&sns, &topic).await;
    for _ in 0..3 {
        let outcomes = sandbox.pass(&broken, DETECTOR).await;
        let (_, failure) = &detector(&outcomes).failures[0];
        assert!(
            failure
                .to_string()
                .ends_with("until then the function has the built-in rules and detections only, and none of yours"),
            "{failure}"
        );
    }
    settled_function(&sandbox, &broken).await;
    let since = sandbox.latest_call().await;
    sandbox.pass(&broken, DETECTOR).await;
    assert!(sandbox.writes_since(since).await.is_empty(), "it is made once");
    put_records(&sandbox, "ssh", &[accepted(&sandbox, "198.51.100.1", 50000, 22)]).await;
    let (findings, _) = reported(&mut inbox).await;
    assert_eq!(findings, [("sensitivePortAccepted".to_owned(), "198.51.100.1".to_owned())]);

    let mended = with(&sandbox, vec![rule(&json!({}))], Vec::new());
    let changes = sandbox.converge(&mended, DETECTOR).await;
    let name = mended.names.detector();
    let expected =
        format!("function {name}: the settings in the package change: customRules (database_from_elsewhere added)");
    assert_eq!(changes[0].to_string(), expected);
}

#[tokio::test]
async fn a_rule_without_its_field_is_idle() {
    let (sandbox, _) = built("detector::idle_rule").await;
    let tests = json!([
        {"name": "a SYN", "matches": true, "record": {"tcp-flags": 2}},
        {"name": "an ACK", "matches": false, "record": {"tcp-flags": 16}},
    ]);
    let monitor = with(&sandbox, vec![rule(&json!({"when": "syn", "tests": tests}))], Vec::new());
    converged(&sandbox, &monitor).await;
    sandbox.assert_at_rest(&monitor, DETECTOR).await;
    let outcomes = sandbox.pass(&monitor, DETECTOR).await;
    let notices = detector(&outcomes).report.as_ref().map(|report| report.notices.clone()).unwrap_or_default();
    assert_eq!(notices.iter().map(|notice| notice.reason).collect::<Vec<_>>(), [NoticeReason::RuleIdle]);
    assert!(notices[0].message.contains("database_from_elsewhere needs tcp-flags"), "{notices:?}");
}
