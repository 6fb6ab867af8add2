//! Queries and the links that carry them.

use serde_json::Value;

use super::links::{self, Links};
use super::tests::invocation;
use super::{Invocation, QUERIED_FIELDS, query};
use crate::account_region::AccountRegion;
use crate::finding::{Detail, Finding, Subject};
use crate::findings::Groups;
use crate::rules::Rule;
use crate::settings::Settings;
use crate::test_data::{CUSTOM_FORMAT, LOG_GROUP, add_at, settings, subject};

const PARSE: &str = "parse @message \"* * * * * * * * * * * * * *\" as flow_version, flow_account_id, flow_interface_id, \
    flow_srcaddr, flow_dstaddr, flow_srcport, flow_dstport, flow_protocol, flow_packets, flow_bytes, flow_start, flow_end, \
    flow_action, flow_log_status";

fn finding(rule: Rule, subject: &Subject, records: &[&str]) -> Finding {
    let mut groups = Groups::default();
    for record in records {
        add_at(&mut groups, rule, subject.clone(), record);
    }
    groups.finish().list.remove(0)
}

fn with_format(format: &str) -> Settings {
    Settings { format: format.parse().unwrap(), ..settings() }
}

/// The conditions of a query for Logs Insights.
fn filters(finding: &Finding, settings: &Settings) -> Vec<String> {
    let text = query::insights(finding, settings);
    text.lines().filter_map(|line| line.strip_prefix("| filter ")).map(str::to_owned).collect()
}

/// The state in a link to Logs Insights, read as a browser and the console read it.
fn state(link: &str) -> String {
    let (_, detail) = link.split_once("#logsV2:logs-insights$3FqueryDetail$3D").unwrap();
    let percent = |text: &str, mark: char| -> String {
        let mut parts = text.split(mark);
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |mut text, part| {
            text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
            text + &part[2..]
        })
    };
    percent(&percent(detail, '$'), '%')
}

/// A text in JSURL, from `'` to the next structure.
fn text(state: &str, name: &str) -> String {
    let (_, rest) = state.split_once(&format!("{name}~'")).unwrap();
    let mut units = rest.split(['~', ')']).next().unwrap().split('*');
    let first = units.next().unwrap().to_owned();
    units.fold(first, |mut text, part| {
        text.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        text + &part[2..]
    })
}

#[test]
fn a_link_carries_the_query_the_log_group_and_the_time() {
    let subject = subject([203, 0, 113, 9].into());
    let finding = finding(Rule::SensitivePortAccepted, &subject, &["eni-1 22 60 1418530010 1418530070"]);
    let link = Links::of(&finding, &settings(), &invocation()).logs_insights.unwrap();
    assert!(link.starts_with("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#"), "{link}");
    assert!(link.bytes().all(|it| it.is_ascii_alphanumeric() || b":/.?=#$*-_".contains(&it)), "{link}");
    let state = state(&link);
    assert_eq!(text(&state, "editorString"), query::insights(&finding, &settings()));
    assert_eq!(
        query::insights(&finding, &settings()),
        format!(
            "{PARSE}\n| filter flow_srcaddr = \"10.0.0.1\"\n| filter flow_dstaddr = \"203.0.113.9\"\n\
             | filter flow_dstport = 22\n| filter flow_action = \"ACCEPT\"\n| sort @timestamp desc\n| limit 1000"
        )
    );
    assert_eq!(text(&state, "source~("), LOG_GROUP);
    assert_eq!(text(&state, "start"), "2014-12-14T03:56:50.000Z");
    assert_eq!(text(&state, "end"), "2014-12-14T04:17:50.000Z");
    assert_eq!(text(&state, "timeType"), "ABSOLUTE");
    assert!(state.starts_with("~(end~'") && state.ends_with("))"), "{state}");
}

#[test]
fn records_without_times_are_looked_up_in_the_last_day() {
    let finding = finding(Rule::RejectedTcp, &subject([10, 0, 0, 2].into()), &["eni-1 22 60 - -"]);
    let state = state(&Links::of(&finding, &settings(), &invocation()).logs_insights.unwrap());
    assert!(
        state.starts_with("~(end~0~start~-86400~timeType~'RELATIVE~tz~'UTC~unit~'seconds~editorString~'parse"),
        "{state}"
    );
    assert_eq!(query::athena(&finding, &settings()), None);
}

#[test]
fn every_partition_has_its_own_console() {
    let finding = finding(Rule::RejectedTcp, &subject([10, 0, 0, 2].into()), &["eni-1 22 60 1 2"]);
    for (partition, region, host) in [
        ("aws-cn", "cn-north-1", "console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "console.amazonaws-us-gov.com"),
    ] {
        let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:detector");
        let invocation = Invocation { account_region: AccountRegion::of_function(&arn), ..invocation() };
        let links = Links::of(&finding, &settings(), &invocation);
        let start = format!("https://{host}/cloudwatch/home?region={region}#");
        assert!(links.logs_insights.unwrap().starts_with(&start));
        assert_eq!(links.dashboard.unwrap(), format!("{start}dashboards:name=vfm-network-production-aa0df1549f"));
        assert!(links::query_editor(&settings(), &invocation).unwrap().starts_with(&format!("https://{host}/athena/")));
    }
    assert_eq!(
        links::rule(Rule::PortScan),
        "https://github.com/vpcflow-dev/vpc-flow-operator/blob/main/docs/rules.md#portscan"
    );
}

#[test]
fn each_rule_has_its_conditions() {
    let (from, to) = (r#"flow_srcaddr = "10.0.0.1""#, r#"flow_dstaddr = "10.0.0.2""#);
    let target = || subject([10, 0, 0, 2].into());
    let one = |rule, subject| filters(&finding(rule, &subject, &["eni-1 22 60 1 2"]), &settings());
    let detailed = |destination, detail| Subject { destination, detail, ..target() };
    let (port, reject) = ("flow_dstport = 22", r#"flow_action = "REJECT""#);
    assert_eq!(one(Rule::HighDataTransfer, target()), [from, to, port, "flow_bytes > 50000000"]);
    assert_eq!(one(Rule::LargeEgress, detailed(None, Detail::None)), [from, port]);
    assert_eq!(one(Rule::PortScan, target()), [from, to]);
    assert_eq!(one(Rule::HostSweep, detailed(None, Detail::Port(23))), [from, "flow_dstport = 23"]);
    assert_eq!(one(Rule::RejectedTcp, target()), [from, to, port, reject, "flow_protocol = 6"]);
    assert_eq!(one(Rule::SensitivePortRejected, target()), [from, to, port, reject]);
    let unusual = detailed(target().destination, Detail::Protocol(47));
    assert_eq!(one(Rule::UnusualProtocol, unusual), [from, to, port, "flow_protocol = 47"]);
    let nowhere = Subject { source: None, destination: None, detail: Detail::Interface("eni-1".into()) };
    let skipped = finding(Rule::SkippedRecords, &nowhere, &["eni-1 - - 1 2"]);
    let expected = [r#"flow_log_status = "SKIPDATA""#, r#"flow_interface_id = "eni-1""#];
    assert_eq!(filters(&skipped, &settings()), expected);
}

#[test]
fn a_list_of_ports_is_a_condition_only_if_it_is_complete() {
    let record = |port: u16| format!("eni-1 {port} 60 1 2");
    let of = |ports: std::ops::Range<u16>| {
        let records: Vec<_> = ports.map(record).collect();
        let records: Vec<_> = records.iter().map(String::as_str).collect();
        filters(&finding(Rule::SensitivePortAccepted, &subject([10, 0, 0, 2].into()), &records), &settings())
    };
    assert_eq!(of(22..24)[2], "(flow_dstport = 22 or flow_dstport = 23)");
    assert!(of(0..17).iter().all(|filter| !filter.contains("dstport")));
}

/// The rules prefer the addresses of the packet, and fall back on the others.
#[test]
fn the_fields_of_the_format_are_asked_for() {
    let finding = finding(Rule::PortScan, &subject([10, 0, 0, 2].into()), &["eni-1 22 60 1418530010 1418530070"]);
    let custom = with_format(CUSTOM_FORMAT);
    assert_eq!(
        filters(&finding, &custom),
        [
            r#"(flow_pkt_srcaddr = "10.0.0.1" or flow_srcaddr = "10.0.0.1")"#,
            r#"(flow_pkt_dstaddr = "10.0.0.2" or flow_dstaddr = "10.0.0.2")"#,
        ]
    );
    let statement = query::athena(&finding, &custom).unwrap();
    assert!(statement.contains("\n  AND (pkt_srcaddr = '10.0.0.1' OR srcaddr = '10.0.0.1')\n"), "{statement}");
    let few = with_format("${bytes} ${new-field} ${dstaddr}");
    assert_eq!(filters(&finding, &few), [r#"flow_dstaddr = "10.0.0.2""#]);
    assert!(
        query::insights(&finding, &few)
            .starts_with("parse @message \"* * *\" as flow_bytes, flow_new_field, flow_dstaddr\n")
    );
    assert_eq!(query::athena(&finding, &few), None, "no column `start`");
}

#[test]
fn athena_is_asked_for_the_months_and_days_of_the_records() {
    let over = |first: u64, last: u64| {
        let record = format!("eni-1 22 60 {first} {last}");
        query::athena(&finding(Rule::PortScan, &subject([10, 0, 0, 2].into()), &[&record]), &settings())
    };
    // The last minute of the year 2014.
    let statement = over(1_420_070_340, 1_420_070_399).unwrap();
    assert!(statement.contains("WHERE year IN ('2014', '2015')\n  AND month IN ('12', '01')\n"), "{statement}");
    assert!(statement.contains("BETWEEN '20141231' AND '20150101'\n"), "{statement}");
    assert_eq!(over(1_420_070_340, 1_420_070_340 + 28 * 86_400), None, "it would name months only in part");
}

#[test]
fn every_field_of_a_query_is_known_to_the_operator() {
    let fields: Vec<_> = QUERIED_FIELDS.iter().map(|field| field.name().replace('-', "_")).collect();
    let format: Vec<_> = flow_log_fields::Field::ALL.iter().map(|field| format!("${{{}}}", field.name())).collect();
    let all = with_format(&format.join(" "));
    for rule in Rule::ALL {
        for detail in [Detail::Protocol(47), Detail::Port(1), Detail::Interface("eni-1".into())] {
            let subject = Subject { detail, ..subject([10, 0, 0, 2].into()) };
            let statement =
                query::athena(&finding(rule, &subject, &["eni-1 22 60 1418530010 1418530070"]), &all).unwrap();
            let conditions = statement.lines().skip(5).filter_map(|line| line.strip_prefix("  AND "));
            for test in conditions.flat_map(|condition| condition.split(" OR ")) {
                let column = test.trim_start_matches('(').split(' ').next().unwrap().trim_matches('"');
                assert!(fields.iter().any(|field| field == column), "{column}");
            }
        }
    }
}

#[test]
fn links_as_json_have_the_documented_names() {
    let finding = finding(Rule::RejectedTcp, &subject([10, 0, 0, 2].into()), &["eni-1 22 60 1 2"]);
    let links: Value = serde_json::json!(Links::of(&finding, &settings(), &invocation()));
    let names: Vec<_> = links.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["dashboard", "logsInsights", "rule"]);
}
