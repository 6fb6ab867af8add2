//! Formats and lines that several modules' tests use.

use std::io::Write;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, write::GzEncoder};

use crate::envelope::{Event, Payload};
use crate::finding::{Detail, Subject};
use crate::findings::Groups;
use crate::record::Parser;
use crate::rules::{Config, Rule};
use crate::settings::{ConsoleNames, DEFAULT_RENOTIFY_AFTER, Origin, Settings, Source};

/// The ARN of the function.
pub const FUNCTION_ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:vfm-network-production-detector";

/// The log group of the records.
pub const LOG_GROUP: &str = "/aws/vpc/flowlogs/network/production";

/// The default format (version 2).
pub const V2_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} \
     ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// The operator's default for S3: the fields of versions 2 and 3.
pub const CUSTOM_FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} \
     ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id} ${subnet-id} ${instance-id} \
     ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr}";

/// The settings of a function; every finding is severe enough.
pub fn settings() -> Settings {
    let name = || Some("vfm-network-production-aa0df1549f".to_owned());
    Settings {
        topic_arn: "arn:aws:sns:eu-west-1:123456789012:alerts".to_owned(),
        origin: Origin {
            monitor: "network/production".to_owned(),
            owner: "cluster/network/production".to_owned(),
            vpc_id: "vpc-0123456789abcdef0".to_owned(),
        },
        source: Source::default(),
        format: V2_FORMAT.parse().unwrap(),
        rules: Config::default(),
        custom_rules: Vec::new(),
        detections: Vec::new(),
        events: None,
        suppress: Vec::new(),
        console: ConsoleNames {
            dashboard: name(),
            workgroup: name(),
            database: Some("vfm_network_production_aa0df1549f".to_owned()),
            table: Some("vpc_flow_logs".to_owned()),
        },
        rules_version: String::new(),
        chat: false,
        bucket: None,
        renotify_after: DEFAULT_RENOTIFY_AFTER,
        metrics: None,
    }
}

/// A line of the default format.
pub fn v2_line(source: &str, destination: &str, port: u16, protocol: u8, bytes: u64, action: &str) -> String {
    format!(
        "2 123456789010 eni-1235b8ca123456789 {source} {destination} 40000 {port} {protocol} 10 {bytes} 1418530010 \
         1418530070 {action} OK"
    )
}

/// A line of the default format for an interval without traffic.
pub fn v2_line_without_traffic(status: &str) -> String {
    format!("2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - {status}")
}

/// The event for a batch that unpacks to `json`.
pub fn pack(json: &[u8]) -> Event {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json).unwrap();
    Event { awslogs: Payload { data: STANDARD.encode(encoder.finish().unwrap()) } }
}

/// The event for a data message with a log event for each of `lines`.
#[cfg(feature = "lambda")]
pub fn event(lines: &[impl AsRef<str>]) -> Event {
    let events: Vec<_> = lines
        .iter()
        .map(|line| serde_json::json!({"id": "1", "timestamp": 1_418_530_070_000_u64, "message": line.as_ref()}))
        .collect();
    pack(
        serde_json::json!({"messageType": "DATA_MESSAGE", "logGroup": LOG_GROUP, "logEvents": events})
            .to_string()
            .as_bytes(),
    )
}

pub(crate) fn subject(destination: IpAddr) -> Subject {
    Subject { source: Some([10, 0, 0, 1].into()), destination: Some(destination), detail: Detail::None }
}

/// Adds a record of the values `dstport bytes start end`.
pub(crate) fn add(groups: &mut Groups, rule: Rule, subject: Subject, values: &str) {
    add_at(groups, rule, subject, &format!("- {values}"));
}

/// Adds a record of the values `interface-id dstport bytes start end`.
pub(crate) fn add_at(groups: &mut Groups, rule: Rule, subject: Subject, values: &str) {
    let parser = Parser::new("${interface-id} ${dstport} ${bytes} ${start} ${end}".parse().unwrap());
    groups.add(rule, subject, &parser.parse(values).unwrap());
}
