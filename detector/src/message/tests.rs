use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::findings::{Detail, Findings, Folded, Groups, Subject};
use crate::record::Parser;
use crate::rules::Limits;

fn origin() -> Origin {
    Origin {
        monitor: "network/production".to_owned(),
        owner: "cluster/network/production".to_owned(),
        vpc_id: "vpc-0123456789abcdef0".to_owned(),
    }
}

fn subject(destination: IpAddr) -> Subject {
    Subject { source: Some([10, 0, 0, 1].into()), destination: Some(destination), detail: Detail::None }
}

fn add(groups: &mut Groups, rule: Rule, subject: Subject, values: &str) {
    let parser = Parser::new("${dstport} ${bytes} ${start} ${end}".parse().unwrap());
    groups.add(rule, subject, &parser.parse(values).unwrap());
}

fn analysis(findings: Findings) -> Analysis {
    Analysis { counts: Counts { parsed: 7, bad: 1 }, bad_lines: Vec::new(), findings }
}

fn compose(analysis: &Analysis) -> Message {
    Message::compose(analysis, &origin(), Severity::Low).unwrap()
}

fn body(message: &Message) -> (Value, String) {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    let document = serde_json::from_str(body["default"].as_str().unwrap()).unwrap();
    (document, body["email"].as_str().unwrap().to_owned())
}

fn some_findings() -> Analysis {
    let mut groups = Groups::default();
    let times = "1418530010 1418530070";
    add(&mut groups, Rule::RejectedTcp, subject([10, 0, 0, 2].into()), &format!("443 60 {times}"));
    add(&mut groups, Rule::RejectedTcp, subject([10, 0, 0, 2].into()), &format!("22 60 {times}"));
    add(&mut groups, Rule::HighDataTransfer, subject([203, 0, 113, 9].into()), &format!("443 60123456 {times}"));
    analysis(groups.finish())
}

#[test]
fn no_findings_no_message_and_none_of_too_little_severity() {
    let origin = origin();
    assert_eq!(Message::compose(&analysis(Findings::default()), &origin, Severity::Low), None);
    let message = Message::compose(&some_findings(), &origin, Severity::Medium).unwrap();
    assert_eq!(message.rules, [Rule::HighDataTransfer]);
    assert!(!message.body.contains("rejectedTcp"));
    assert!(message.subject.starts_with("HIGH: 1 network anomaly in "));
}

#[test]
fn people_read_sentences() {
    let message = compose(&some_findings());
    assert_eq!(message.severity, Severity::High);
    assert_eq!(message.rules, [Rule::HighDataTransfer, Rule::RejectedTcp]);
    assert_eq!(message.subject, "HIGH: 2 network anomalies in vpc-0123456789abcdef0, monitor network/production");
    assert_eq!(
        body(&message).1,
        "HIGH: 2 network anomalies in vpc-0123456789abcdef0, monitor network/production\n\
         Records: 7 parsed, 1 could not be parsed and were skipped\n\
         \n\
         HIGH highDataTransfer: 10.0.0.1 sent 60.1 MB to 203.0.113.9 at port 443 in flows above the threshold \
         (records 1, 2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z)\n\
         LOW rejectedTcp: connections from 10.0.0.1 to 10.0.0.2 were rejected at ports 22 443 \
         (records 2, 2014-12-14T04:06:50Z to 2014-12-14T04:07:50Z)\n"
    );
}

#[test]
fn programs_read_a_document() {
    let (document, _) = body(&compose(&some_findings()));
    let id = document["findings"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(id, some_findings().findings.list[1].id("network/production"));
    let key = some_findings().findings.list[1].key("cluster/network/production");
    let expected = serde_json::json!({
        "version": 1,
        "monitor": "network/production",
        "vpcId": "vpc-0123456789abcdef0",
        "severity": "HIGH",
        "records": {"total": 8, "parsed": 7, "bad": 1},
        "findings": [
            {
                "id": document["findings"][0]["id"], "key": document["findings"][0]["key"],
                "rule": "highDataTransfer", "severity": "HIGH",
                "source": "10.0.0.1", "destination": "203.0.113.9", "records": 1, "bytes": 60_123_456, "ports": [443],
                "first": "2014-12-14T04:06:50Z", "last": "2014-12-14T04:07:50Z",
                "summary": "10.0.0.1 sent 60.1 MB to 203.0.113.9 at port 443 in flows above the threshold",
            },
            {
                "id": id, "key": key, "rule": "rejectedTcp", "severity": "LOW",
                "source": "10.0.0.1", "destination": "10.0.0.2", "records": 2, "bytes": 120, "ports": [22, 443],
                "first": "2014-12-14T04:06:50Z", "last": "2014-12-14T04:07:50Z",
                "summary": "connections from 10.0.0.1 to 10.0.0.2 were rejected at ports 22 443",
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
    let message = Message::compose(&analysis(groups.finish()), &origin(), Severity::High).unwrap();
    assert_eq!(message.rules, [Rule::SensitivePortAccepted, Rule::SensitivePortRejected]);
    let (document, email) = body(&message);
    let finding = &document["findings"][0];
    let sentence = "connection from 10.0.0.1 to 10.0.0.2:22 was accepted; 2 connections were rejected";
    assert_eq!((&document["findings"][1], &finding["summary"]), (&Value::Null, &sentence.into()));
    let includes = serde_json::json!([{"rule": "sensitivePortRejected", "records": 2, "bytes": 120}]);
    assert_eq!((&finding["records"], &finding["includes"]), (&1.into(), &includes));
    assert!(email.ends_with(&format!("\nHIGH sensitivePortAccepted: {sentence} (records 1)\n")), "{email}");
}

#[test]
fn a_sentence_reports_the_findings_that_were_folded() {
    let sentence = |folded: &[(Rule, u64)]| {
        let mut groups = Groups::default();
        add(&mut groups, Rule::LargeEgress, subject([203, 0, 113, 9].into()), "443 612000000 - -");
        let mut finding = groups.finish().list.remove(0);
        let sums = |&(rule, records)| Folded { rule, records, bytes: 100_000_000 * records };
        finding.folded = folded.iter().map(sums).collect();
        let text = Sentence(&finding).to_string();
        text.strip_prefix("10.0.0.1 sent 612.0 MB to public address 203.0.113.9 at port 443").unwrap().to_owned()
    };
    for (folded, expected) in [
        (&[][..], ""),
        (&[(Rule::HighDataTransfer, 1)], "; 1 flow of 100.0 MB was above the threshold for a flow"),
        (&[(Rule::HighDataTransfer, 6)], "; 6 flows of 600.0 MB in all were above the threshold for a flow"),
        (&[(Rule::RejectedTcp, 1)], "; 1 connection was rejected"),
        (&[(Rule::RejectedTcp, 28), (Rule::SensitivePortRejected, 2)], "; 30 connections were rejected"),
    ] {
        assert_eq!(sentence(folded), expected);
    }
}

#[test]
fn every_rule_has_a_sentence_of_its_own() {
    let sentence = |rule, subject: Subject, values: &str, distinct| {
        let mut groups = Groups::default();
        add(&mut groups, rule, subject, values);
        let mut list = groups.finish().list;
        list[0].distinct = distinct;
        Sentence(&list[0]).to_string()
    };
    let target: IpAddr = [10, 0, 0, 2].into();
    let to = |destination: Option<IpAddr>, detail| Subject { destination, detail, ..subject(target) };
    let plain = || subject(target);
    let values = "22 612000000 - -";
    for (text, expected) in [
        (
            sentence(Rule::LargeEgress, to(None, Detail::None), values, 0),
            "10.0.0.1 sent 612.0 MB to several public addresses at port 22",
        ),
        (
            sentence(Rule::LargeEgress, plain(), values, 0),
            "10.0.0.1 sent 612.0 MB to public address 10.0.0.2 at port 22",
        ),
        (
            sentence(Rule::SensitivePortAccepted, plain(), values, 0),
            "connection from 10.0.0.1 to 10.0.0.2:22 was accepted",
        ),
        (
            sentence(Rule::SensitivePortRejected, plain(), values, 0),
            "connection from 10.0.0.1 to 10.0.0.2:22 was rejected",
        ),
        (
            sentence(Rule::RejectedTcp, subject("2001:db8::2".parse().unwrap()), values, 0),
            "connection from 10.0.0.1 to [2001:db8::2]:22 was rejected",
        ),
        (sentence(Rule::PortScan, plain(), values, 31), "10.0.0.1 tried 31 ports of 10.0.0.2: 22"),
        (sentence(Rule::HostSweep, to(None, Detail::Port(22)), values, 77), "10.0.0.1 tried port 22 of 77 addresses"),
        (
            sentence(Rule::UnusualProtocol, to(Some(target), Detail::Protocol(47)), values, 0),
            "10.0.0.1 sent 10.0.0.2 packets of protocol 47",
        ),
        (
            sentence(Rule::SkippedRecords, to(None, Detail::Interface("eni-1".into())), "- - 1 2", 0),
            "AWS skipped records of eni-1: its traffic in this time is incomplete",
        ),
        (
            sentence(
                Rule::RejectedTcp,
                Subject { source: None, destination: None, detail: Detail::None },
                "- - - -",
                0,
            ),
            "connection from an unknown address to an unknown address was rejected",
        ),
    ] {
        assert_eq!(text, expected);
    }
}

/// As large as a batch can make it: every finding, the longest addresses, ports and numbers.
fn largest() -> Analysis {
    let mut groups = Groups::default();
    for rule in Rule::ALL {
        for pair in 0..=Limits::FUNCTION.findings_per_rule as u128 {
            let far = |low: u128| Some(IpAddr::V6((u128::MAX - low).into()));
            let subject = Subject { source: far(pair), destination: far(pair), detail: Detail::None };
            for port in 0..20 {
                add(&mut groups, rule, subject.clone(), &format!("{} {} 0 {}", u16::MAX - port, u64::MAX, u32::MAX));
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
    assert_eq!(email.lines().filter(|line| line.starts_with("HIGH largeEgress")).count(), text::MAX_LISTED);
    assert!(email.contains(&format!("{} less important findings.", analysis.findings.list.len() - text::MAX_LISTED)));
    assert!(email.contains("too many: 180 more records."));
    assert!(email.contains(&format!("too many: {} records.", u64::MAX)));
    assert!(email.contains(" and more"));
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
    let message =
        Message::compose(&some_findings(), &Origin { monitor: monitor.clone(), ..origin() }, Severity::Low).unwrap();
    assert_eq!(message.subject.len(), MAX_SUBJECT_CHARS);
    assert!(message.subject.ends_with("nnn..."));
    assert!(body(&message).1.contains(&monitor));
}

#[test]
fn bytes_have_units() {
    for (bytes, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (50_999_999, "50.9 MB"),
        (1_250_000_000, "1.2 GB"),
        (u64::MAX, "18.4 EB"),
    ] {
        assert_eq!(Bytes(bytes).to_string(), text);
    }
}

proptest! {
    #[test]
    fn a_message_is_always_one_sns_takes(monitor in any::<String>(), vpc_id in any::<String>()) {
        let message = Message::compose(&some_findings(), &Origin { monitor, vpc_id, ..origin() }, Severity::Low).unwrap();
        prop_assert!(message.subject.len() <= MAX_SUBJECT_CHARS);
        prop_assert!(message.subject.bytes().all(|it| it == b' ' || it.is_ascii_graphic()), "{}", message.subject);
        body(&message);
    }

    #[test]
    fn a_text_is_never_longer_in_json_than_reckoned(text in any::<String>()) {
        prop_assert!(serde_json::to_string(&text).unwrap().len() <= quoted_bytes(&text));
    }

    #[test]
    fn every_time_can_be_written(seconds: u64) {
        prop_assert!(!Time(seconds).to_string().is_empty());
    }
}
