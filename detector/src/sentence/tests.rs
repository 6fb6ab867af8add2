use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::finding::{Detail, Folded, Subject};
use crate::findings::Groups;
use crate::rules::Rule;
use crate::test_data::{add, subject};

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
    fn every_time_can_be_written(seconds: u64) {
        prop_assert!(!Time(seconds).to_string().is_empty());
    }
}
