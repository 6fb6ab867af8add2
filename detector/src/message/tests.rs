use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::account_region::AccountRegion;
use crate::finding::{Detail, Subject};
use crate::findings::{Findings, Groups};
use crate::notification_log::Batch;
use crate::rules::Rule;
use crate::rules::{Config, Limits};
use crate::settings::ConsoleNames;
use crate::test_data::{FUNCTION_ARN, LOG_GROUP, add, add_at, settings, subject};

pub(super) fn invocation() -> Invocation {
    let account_region = AccountRegion::of_function(FUNCTION_ARN);
    Invocation { account_region, log_group: Some(LOG_GROUP.to_owned()), ..Invocation::default() }
}

fn with_origin(origin: Origin) -> Settings {
    Settings { origin, ..settings() }
}

fn analysis(findings: Findings) -> Analysis {
    Analysis { counts: Counts { parsed: 7, bad: 1 }, findings, ..Analysis::default() }
}

pub(super) fn compose(analysis: &Analysis) -> Message {
    compose_with(analysis, &settings(), &invocation()).unwrap()
}

/// The message of all findings as new ones.
pub(super) fn compose_with(analysis: &Analysis, settings: &Settings, invocation: &Invocation) -> Option<Message> {
    let notification = Batch::new(String::new(), &analysis.findings, settings, 0).into_notification();
    Message::compose(analysis, settings, invocation, &notification)
}

fn sms(message: &Message) -> String {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    body["sms"].as_str().unwrap().to_owned()
}

pub(super) fn body(message: &Message) -> (Value, String) {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let document = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
    (document, body["email"].as_str().unwrap().to_owned())
}

pub(super) fn some_findings() -> Analysis {
    let mut groups = Groups::default();
    let times = "1418530010 1418530070";
    add(&mut groups, Rule::RejectedTcp, subject([10, 0, 0, 2].into()), &format!("443 60 {times}"));
    add(&mut groups, Rule::RejectedTcp, subject([10, 0, 0, 2].into()), &format!("22 60 {times}"));
    let upload = format!("eni-1235b8ca123456789 443 60123456 {times}");
    add_at(&mut groups, Rule::HighDataTransfer, subject([203, 0, 113, 9].into()), &upload);
    analysis(groups.finish())
}

#[test]
fn no_findings_no_message_and_none_of_too_little_severity() {
    assert_eq!(compose_with(&analysis(Findings::default()), &settings(), &invocation()), None);
    let rules = Config { min_severity: Severity::Medium, ..Config::default() };
    let message = compose_with(&some_findings(), &Settings { rules, ..settings() }, &invocation()).unwrap();
    assert_eq!(message.rules, [Rule::HighDataTransfer]);
    assert!(!message.body.contains("rejectedTcp"));
    assert_eq!(message.subject, "HIGH: 10.0.0.1 sent 60.1 MB to 203.0.113.9, network/production");
}

#[test]
fn findings_below_the_least_severity_are_counted_in_the_last_line() {
    let rules = Config { min_severity: Severity::High, ..settings().rules };
    let message = compose_with(&some_findings(), &Settings { rules, ..settings() }, &invocation()).unwrap();
    let email = body(&message).1;
    assert!(email.ends_with("\nCounted only, below minSeverity HIGH: 1 finding.\n"), "{email}");
    assert!(!body(&compose(&some_findings())).1.contains("Counted only"));
}

#[test]
fn people_read_what_happened_and_what_to_do() {
    let message = compose(&some_findings());
    assert_eq!(message.severity, Severity::High);
    assert_eq!(message.rules, [Rule::HighDataTransfer, Rule::RejectedTcp]);
    assert_eq!(message.subject, "HIGH: 10.0.0.1 sent 60.1 MB to 203.0.113.9 (+1 more), network/production");
    assert_eq!(sms(&message), message.subject);
    let email = body(&message).1;
    let is_link = |line: &str| line.trim_start().starts_with("https://");
    let without_links: String = email.split_inclusive('\n').filter(|line| !is_link(line)).collect();
    assert_eq!(
        without_links,
        r#"HIGH: 10.0.0.1 sent 60.1 MB to 203.0.113.9 (+1 more), network/production

Account:  123456789012
Region:   eu-west-1
VPC:      vpc-0123456789abcdef0
Monitor:  network/production
Findings: 2 (1 HIGH, 1 LOW)
Records:  7 parsed, 1 could not be parsed and were skipped
Dashboard:

1. HIGH highDataTransfer
   10.0.0.1 sent 60.1 MB to 203.0.113.9 at port 443 in flows above the
   threshold
   Time:      2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z
   Traffic:   1 record, 60.1 MB
   Interface: eni-1235b8ca123456789
   Threshold: 50.0 MB in one record
   Do:        find the program on the source that sends the data; isolate the
              source if nothing explains it
   Rule:
   Records in Logs Insights:
   Athena, for the statement below:
     SELECT *
     FROM "vfm_network_production_aa0df1549f"."vpc_flow_logs"
     WHERE year IN ('2014')
       AND month IN ('12')
       AND year || month || day BETWEEN '20141214' AND '20141214'
       AND "start" BETWEEN 1418529410 AND 1418530670
       AND srcaddr = '10.0.0.1'
       AND dstaddr = '203.0.113.9'
       AND dstport = 443
       AND bytes > 50000000
     ORDER BY "bytes" DESC
     LIMIT 1000

2. LOW rejectedTcp
   connections from 10.0.0.1 to 10.0.0.2 were rejected at ports 22 443
   Time:      2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z
   Traffic:   2 records, 120 B
   Do:        check if the source is yours; if it is, add the missing rule of
              the security group
   Rule:
   Records in Logs Insights:
"#
    );
    assert!(without_links.lines().all(|line| line.len() <= block::MAX_CHARS), "{without_links}");
    let links: Vec<_> = email.lines().map(str::trim_start).filter(|line| is_link(line)).collect();
    let (document, _) = body(&message);
    let [first, second] = [0, 1].map(|index| document["findings"][index]["links"].clone());
    assert_eq!(
        links,
        [
            first["dashboard"].as_str().unwrap(),
            first["rule"].as_str().unwrap(),
            first["logsInsights"].as_str().unwrap(),
            "https://eu-west-1.console.aws.amazon.com/athena/home?region=eu-west-1#/query-editor?\
             workgroup=vfm-network-production-aa0df1549f",
            second["rule"].as_str().unwrap(),
            second["logsInsights"].as_str().unwrap(),
        ]
    );
}

/// Findings beyond the first few are lines, and a message without the facts of AWS has neither them nor links to its console.
#[test]
fn a_message_names_only_known_facts() {
    let mut groups = Groups::default();
    for last in 0..=text::MAX_BLOCKS {
        let destination: IpAddr = [10, 0, 0, u8::try_from(last).unwrap()].into();
        add(&mut groups, Rule::RejectedTcp, subject(destination), "22 60 - -");
    }
    let console = ConsoleNames::default();
    let bare = Settings { console, ..settings() };
    let message = compose_with(&analysis(groups.finish()), &bare, &Invocation::default()).unwrap();
    let (document, email) = body(&message);
    assert_eq!((&document["accountId"], &document["region"]), (&Value::Null, &Value::Null));
    let links = serde_json::json!({"rule": links::rule(Rule::RejectedTcp)});
    assert_eq!(document["findings"][0]["links"], links);
    assert!(email.contains("\n\nVPC:      vpc-0123456789abcdef0\n"), "{email}");
    assert_eq!(email.matches("   Traffic:   1 record, 60 B\n").count(), text::MAX_BLOCKS);
    let last = "\nOther findings:\nLOW rejectedTcp: connection from 10.0.0.1 to 10.0.0.5:22 was rejected (records 1)\n";
    assert!(email.ends_with(last), "{email}");
    for absent in ["console", "Account", "Dashboard", "Time:", "Interface:", "Athena", "SELECT"] {
        assert!(!email.contains(absent), "{absent}: {email}");
    }
}

#[test]
fn programs_read_a_document() {
    let (document, _) = body(&compose(&some_findings()));
    let id = document["findings"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, some_findings().findings.list[1].id("network/production"));
    let key = some_findings().findings.list[1].key("cluster/network/production");
    let links =
        |index: usize| serde_json::json!(Links::of(&some_findings().findings.list[index], &settings(), &invocation()));
    let expected = serde_json::json!({
        "version": 1,
        "monitor": "network/production",
        "vpcId": "vpc-0123456789abcdef0",
        "accountId": "123456789012",
        "region": "eu-west-1",
        "severity": "HIGH",
        "records": {"total": 8, "parsed": 7, "bad": 1},
        "findings": [
            {
                "id": document["findings"][0]["id"], "key": document["findings"][0]["key"],
                "rule": "highDataTransfer", "severity": "HIGH",
                "source": "10.0.0.1", "destination": "203.0.113.9", "records": 1, "bytes": 60_123_456, "ports": [443],
                "first": "2014-12-14T04:06:50Z", "last": "2014-12-14T04:07:50Z",
                "summary": "10.0.0.1 sent 60.1 MB to 203.0.113.9 at port 443 in flows above the threshold",
                "interfaces": ["eni-1235b8ca123456789"],
                "threshold": {"value": 50_000_000, "unit": "bytes"},
                "action": Rule::HighDataTransfer.action(),
                "links": links(0),
            },
            {
                "id": id, "key": key, "rule": "rejectedTcp", "severity": "LOW",
                "source": "10.0.0.1", "destination": "10.0.0.2", "records": 2, "bytes": 120, "ports": [22, 443],
                "first": "2014-12-14T04:06:50Z", "last": "2014-12-14T04:07:50Z",
                "summary": "connections from 10.0.0.1 to 10.0.0.2 were rejected at ports 22 443",
                "action": Rule::RejectedTcp.action(),
                "links": links(1),
            },
        ],
        "omitted": {"findings": 0, "records": 0, "unexaminedRecords": 0},
    });
    assert_eq!(document, expected);
}

#[test]
fn folded_findings_are_in_every_form_of_the_message() {
    let mut groups = Groups::default();
    for rule in [Rule::SensitivePortAccepted, Rule::SensitivePortRejected, Rule::SensitivePortRejected] {
        add(&mut groups, rule, subject([10, 0, 0, 2].into()), "22 60 - -");
    }
    let message = compose_with(&analysis(groups.finish()), &settings(), &invocation()).unwrap();
    assert_eq!(message.rules, [Rule::SensitivePortAccepted, Rule::SensitivePortRejected]);
    let (document, email) = body(&message);
    let finding = &document["findings"][0];
    let sentence = "connection from 10.0.0.1 to 10.0.0.2:22 was accepted; 2 connections were rejected";
    assert_eq!((&document["findings"][1], &finding["summary"]), (&Value::Null, &sentence.into()));
    let includes = serde_json::json!([{"rule": "sensitivePortRejected", "records": 2, "bytes": 120}]);
    assert_eq!((&finding["records"], &finding["includes"]), (&1.into(), &includes));
    let unwrapped = email.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains(&format!("1. HIGH sensitivePortAccepted {sentence} ")), "{email}");
}

/// As large as a batch can make it: every finding, the longest addresses, ports and numbers.
fn largest() -> Analysis {
    let mut groups = Groups::default();
    for rule in Rule::ALL {
        for pair in 0..=Limits::FUNCTION.findings_per_rule as u128 {
            let far = |low: u128| Some(IpAddr::V6((u128::MAX - low).into()));
            let subject = Subject { source: far(pair), destination: far(pair), detail: Detail::None };
            for port in 0..20 {
                let interface = format!("eni-{port:017x}");
                let values = format!("{interface} {} {} 0 {}", u16::MAX - port, u64::MAX, u32::MAX);
                add_at(&mut groups, rule, subject.clone(), &values);
            }
        }
    }
    let findings = Findings { unexamined_records: u64::MAX, ..groups.finish() };
    Analysis { counts: Counts { parsed: u64::MAX / 2, bad: u64::MAX / 2 }, ..analysis(findings) }
}

#[test]
fn the_largest_batch_fits_and_the_message_says_what_is_missing() {
    let analysis = largest();
    let message = compose(&analysis);
    assert!(message.body.len() <= MAX_BODY_BYTES, "{}", message.body.len());
    assert!(message.body.len() > MAX_BODY_BYTES - 8192, "room wasted: {}", message.body.len());
    let (document, email) = body(&message);
    let listed = document["findings"].as_array().unwrap().len();
    assert!(listed > 100);
    assert_eq!(document["omitted"]["findings"], analysis.findings.list.len() - listed);
    assert_eq!(document["omitted"]["records"], 20 * Rule::ALL.len());
    assert_eq!(
        email.lines().filter(|line| line.starts_with("HIGH largeEgress")).count(),
        text::MAX_LISTED - text::MAX_BLOCKS
    );
    assert_eq!(email.matches(". HIGH largeEgress\n").count(), text::MAX_BLOCKS);
    assert!(email.contains(&format!("{} less important findings.", analysis.findings.list.len() - text::MAX_LISTED)));
    assert!(email.contains("too many: 180 more records."));
    assert!(email.contains(&format!("too many: {} records.", u64::MAX)));
    assert!(email.contains(" and more"));
    let chat = compose_with(&analysis, &Settings { chat: true, ..settings() }, &invocation()).unwrap();
    assert!(chat.body.len() <= MAX_BODY_BYTES, "{}", chat.body.len());
    assert!(body(&chat).0["findings"].as_array().unwrap().len() > 50);
}

/// Anybody who may write to the log group may write lines that no flow log writes.
#[test]
fn names_that_no_interface_has_do_not_make_the_message_too_large() {
    let mut groups = Groups::default();
    for number in 0..8 {
        let detail = Detail::Interface(format!("eni-{number}{}", "é".repeat(100_000)).as_str().into());
        let subject = Subject { source: None, destination: None, detail };
        add(&mut groups, Rule::SkippedRecords, subject, "- - 1 2");
    }
    let message = compose(&analysis(groups.finish()));
    assert!(message.body.len() <= MAX_BODY_BYTES, "{}", message.body.len());
    let (document, _) = body(&message);
    let interfaces: Vec<_> = document["findings"].as_array().unwrap().iter().map(|it| &it["interface"]).collect();
    assert_eq!(interfaces.len(), 8);
    assert!(interfaces.iter().all(|it| it.as_str().unwrap().len() <= 32), "{interfaces:?}");
}

#[test]
fn a_long_name_is_cut_from_the_subject_but_not_from_the_body() {
    let monitor = format!("{}/{}", "n".repeat(63), "m".repeat(253));
    let settings = with_origin(Origin { monitor: monitor.clone(), ..settings().origin });
    let message = compose_with(&some_findings(), &settings, &invocation()).unwrap();
    assert_eq!(message.subject.len(), MAX_SUBJECT_CHARS);
    assert!(message.subject.starts_with("HIGH: 10.0.0.1 sent 60.1 MB to 203.0.113.9 (+1 more), nnn"));
    assert!(message.subject.ends_with("nnn..."));
    assert_eq!(sms(&message).len(), MAX_SMS_CHARS);
    assert!(body(&message).1.contains(&monitor));
}

/// The worst case of every rule: the longest addresses, numbers and counts.
#[test]
fn both_addresses_are_in_every_subject_and_each_cut_is_marked() {
    let far: IpAddr = "2001:db8:1111:2222:3333:4444:5555:6666".parse().unwrap();
    for rule in Rule::ALL {
        for detail in [Detail::None, Detail::Port(u16::MAX), Detail::Protocol(u8::MAX)] {
            let mut groups = Groups::default();
            let long = Subject { source: Some(far), destination: Some(far), detail };
            add(&mut groups, rule, long, "65535 999900000 - -");
            let mut findings = groups.finish();
            findings.list[0].distinct = u32::MAX;
            findings.list.extend(vec![findings.list[0].clone(); 9_999]);
            let message = compose(&analysis(findings));
            let line = format!("{rule}: {}", message.subject);
            let named = message.subject.matches(&far.to_string()).count();
            let expected = match rule {
                Rule::SkippedRecords => 0,
                Rule::HostSweep => 1,
                _ => 2,
            };
            assert_eq!(named, expected, "{line}");
            let is_whole = message.subject.ends_with(" (+9999 more), network/production");
            assert!(is_whole || message.subject.contains("..."), "{line}");
            assert!(message.subject.contains(" (+9999 more)") || message.subject.ends_with("..."), "{line}");
            assert!(sms(&message).contains("(+9999 more)"), "{}", sms(&message));
        }
    }
}

#[test]
fn a_subject_names_the_worst_finding() {
    let of = |rule, subject: Subject, values: &str, distinct| {
        let mut groups = Groups::default();
        add(&mut groups, rule, subject, values);
        let mut findings = groups.finish();
        findings.list[0].distinct = distinct;
        compose(&analysis(findings)).subject
    };
    let target: IpAddr = [10, 20, 0, 13].into();
    let to = |destination: Option<IpAddr>, detail| Subject { destination, detail, ..subject(target) };
    let values = "22 612000000 - -";
    for (subject, expected) in [
        (of(Rule::SensitivePortAccepted, subject(target), values, 0), "HIGH: 10.0.0.1 reached 10.20.0.13:22"),
        (of(Rule::LargeEgress, subject(target), values, 0), "HIGH: 10.0.0.1 sent 612.0 MB to 10.20.0.13"),
        (of(Rule::LargeEgress, to(None, Detail::None), values, 0), "HIGH: 10.0.0.1 sent 612.0 MB to public addresses"),
        (of(Rule::PortScan, subject(target), values, 31), "MEDIUM: 10.0.0.1 scanned 31 ports of 10.20.0.13"),
        (of(Rule::HostSweep, to(None, Detail::Port(22)), values, 77), "MEDIUM: 10.0.0.1 tried port 22 of 77 addresses"),
        (of(Rule::RejectedTcp, subject(target), values, 0), "LOW: 10.0.0.1 was rejected at 10.20.0.13:22"),
        (
            of(Rule::SensitivePortRejected, subject("2001:db8::2".parse().unwrap()), values, 0),
            "LOW: 10.0.0.1 was rejected at [2001:db8::2]:22",
        ),
        (
            of(Rule::UnusualProtocol, to(Some(target), Detail::Protocol(47)), values, 0),
            "LOW: 10.0.0.1 sent protocol 47 to 10.20.0.13",
        ),
        (
            of(Rule::SkippedRecords, to(None, Detail::Interface("eni-é".into())), "- - 1 2", 0),
            "LOW: AWS skipped records of eni-?",
        ),
    ] {
        assert_eq!(subject, format!("{expected}, network/production"));
    }
}

proptest! {
    #[test]
    fn a_message_is_always_one_sns_takes(monitor in any::<String>(), vpc_id in any::<String>()) {
        let message = compose_with(&some_findings(), &with_origin(Origin { monitor, vpc_id, ..settings().origin }), &invocation()).unwrap();
        for (line, limit) in [(message.subject.clone(), MAX_SUBJECT_CHARS), (sms(&message), MAX_SMS_CHARS)] {
            prop_assert!(line.len() <= limit);
            prop_assert!(line.bytes().all(|it| it == b' ' || it.is_ascii_graphic()), "{}", line);
            prop_assert!(line.starts_with("HIGH: 10.0.0.1 sent 60.1 MB to 203.0.113.9 (+1 more)"), "{}", line);
        }
        body(&message);
    }

    #[test]
    fn a_subject_fits_whatever_the_finding(
        rule in prop::sample::select(Rule::ALL.to_vec()),
        source: Option<IpAddr>,
        destination: Option<IpAddr>,
        port: u16,
        bytes: u64,
        distinct: u32,
        more in 0_usize..100,
    ) {
        let mut groups = Groups::default();
        let detail = Detail::Port(port);
        add(&mut groups, rule, Subject { source, destination, detail }, &format!("{port} {bytes} - -"));
        let mut findings = groups.finish();
        findings.list[0].distinct = distinct;
        findings.list.extend(vec![findings.list[0].clone(); more]);
        let message = compose(&analysis(findings));
        let severity = format!("{}: ", rule.severity());
        for (line, limit) in [(message.subject.clone(), MAX_SUBJECT_CHARS), (sms(&message), MAX_SMS_CHARS)] {
            prop_assert!(line.len() <= limit, "{}", line);
            prop_assert!(line.len() > severity.len() && line.starts_with(&severity), "{}", line);
        }
    }

    #[test]
    fn a_text_is_never_longer_in_json_than_reckoned(text in any::<String>()) {
        prop_assert!(serde_json::to_string(&text).unwrap().len() <= quoted_bytes(&text));
    }
}
