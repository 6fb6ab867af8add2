use std::net::IpAddr;

use flow_log_fields::{Field, FieldType};
use proptest::prelude::*;

use super::*;
use crate::test_data::{CUSTOM_FORMAT, V2_FORMAT};

fn parser(format: &str) -> Parser {
    Parser::new(format.parse().unwrap())
}

fn refusal(line: &str, format: &str) -> RecordError {
    parser(format).parse(line).unwrap_err()
}

fn value_refused(name: &str) -> RecordError {
    RecordError::Value(name.to_owned())
}

/// The first example of <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html>.
#[test]
fn accepted_flow_in_the_default_format() {
    let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    for ending in ["", "\n", "\r\n"] {
        let text = format!("{line}{ending}");
        let parser = parser(V2_FORMAT);
        let record = parser.parse(&text).unwrap();
        assert_eq!(record.interface_id, Some("eni-1235b8ca123456789"));
        assert_eq!(record.source, Some([172, 31, 16, 139].into()));
        assert_eq!(record.destination, Some([172, 31, 16, 21].into()));
        assert_eq!((record.source_port, record.destination_port), (Some(20641), Some(22)));
        assert_eq!((record.protocol, record.packets, record.bytes), (Some(TCP), Some(20), Some(4249)));
        assert_eq!((record.start, record.end), (Some(1_418_530_010), Some(1_418_530_070)));
        assert_eq!((record.action, record.log_status), (Some(Action::Accept), Some(LogStatus::Ok)));
        assert_eq!((record.tcp_flags, record.direction, record.packet_source), (None, None, None));
        assert_eq!(record.line(), line);
        assert!(record.has_traffic());
    }
}

#[test]
fn ipv6_flow_in_the_default_format() {
    let line = "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK";
    let parser = parser(V2_FORMAT);
    let record = parser.parse(line).unwrap();
    assert_eq!(record.source, "2001:db8:1234:a100:8d6e:3477:df66:f105".parse().ok());
    assert_eq!(record.destination, "2001:db8:1234:a102:3304:8879:34cf:4071".parse().ok());
}

#[test]
fn records_without_traffic_have_no_zeros() {
    for (word, status) in [("NODATA", LogStatus::NoData), ("SKIPDATA", LogStatus::SkipData)] {
        let line = format!("2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - {word}");
        let parser = parser(V2_FORMAT);
        let record = parser.parse(&line).unwrap();
        assert_eq!((record.source, record.destination_port, record.bytes, record.action), (None, None, None, None));
        assert_eq!(record.log_status, Some(status));
        assert!(!record.has_traffic());
        let there = record.values().filter(|(_, value)| value.is_some()).count();
        assert_eq!(there, 6);
    }
}

/// After the examples "NAT gateway" and "TCP flag sequence", with the fields of versions 3 and 5.
#[test]
fn fields_of_later_versions() {
    let line = "5 eni-1 10.0.1.5 10.0.0.220 10.0.1.5 203.0.113.5 3 egress 8 AMAZON s3-new value";
    let format = "${version} ${interface-id} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${tcp-flags} \
                  ${flow-direction} ${traffic-path} ${pkt-dst-aws-service} ${never-heard-of} ${nor-of-this}";
    let parser = parser(format);
    let record = parser.parse(line).unwrap();
    assert_eq!(record.packet_source, Some([10, 0, 1, 5].into()));
    assert_eq!(record.packet_destination, Some([203, 0, 113, 5].into()));
    assert_eq!((record.tcp_flags, record.traffic_path), (Some(3), Some(8)));
    assert_eq!(record.direction, Some(FlowDirection::Egress));
    let values: Vec<_> = record.values().map(|(column, value)| (column.name(), value)).collect();
    assert_eq!(values[0], ("version", Some(Value::Number(5))));
    assert_eq!(values[9], ("pkt-dst-aws-service", Some(Value::Text("AMAZON"))));
    assert_eq!(values[11], ("nor-of-this", Some(Value::Text("value"))));
}

#[test]
fn flow_in_the_custom_format_of_21_fields() {
    let line = "3 123456789010 eni-1235b8ca123456789 10.0.1.5 203.0.113.12 443 49152 6 10 60000000 1566848875 1566848933 REJECT OK vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 7 IPv4 10.0.1.5 203.0.113.12";
    let parser = parser(CUSTOM_FORMAT);
    let record = parser.parse(line).unwrap();
    assert_eq!((record.destination_port, record.bytes), (Some(49152), Some(60_000_000)));
    assert_eq!((record.action, record.tcp_flags), (Some(Action::Reject), Some(7)));
    assert_eq!(refusal(line, V2_FORMAT), RecordError::FieldCount { expected: 14, found: 21 });
}

/// As programs write it that keep times finer than AWS does.
#[test]
fn a_time_in_a_finer_unit_is_the_same_time() {
    let parser = parser("${start} ${end} ${bytes}");
    for (start, end) in [
        ("1787482800", "1787482860"),
        ("1787482800000", "1787482860999"),
        ("1787482800000000", "1787482860999999"),
        ("1787482800000000000", "1787482860999999999"),
    ] {
        let line = format!("{start} {end} 1787482800000");
        let record = parser.parse(&line).unwrap();
        assert_eq!((record.start, record.end), (Some(1_787_482_800), Some(1_787_482_860)), "{start}");
        assert_eq!(record.bytes, Some(1_787_482_800_000), "only times have units");
        assert_eq!(written(&record), "1787482800 1787482860 1787482800000");
    }
    for between in ["4294967296", "178748280000", "17874828000000", "17874828000000000000"] {
        assert_eq!(refusal(between, "${start}"), value_refused("start"), "{between}");
        assert_eq!(refusal(between, "${end}"), value_refused("end"), "{between}");
    }
}

#[test]
fn a_line_of_another_shape_is_refused_with_the_reason() {
    assert_eq!(refusal("1", "${bytes} ${action}"), RecordError::FieldCount { expected: 2, found: 1 });
    assert_eq!(refusal("1 ", "${bytes} ${action}"), RecordError::Empty("action".to_owned()));
    assert_eq!(refusal(" 1", "${action} ${bytes}"), RecordError::Empty("action".to_owned()));
    assert_eq!(refusal("1 ", "${bytes}"), RecordError::FieldCount { expected: 1, found: 2 });
    assert_eq!(refusal("", "${bytes}"), RecordError::FieldCount { expected: 1, found: 0 });
    for (name, value) in [
        ("version", "2147483648"),
        ("srcaddr", "10.0.0"),
        ("dstaddr", "example.com"),
        ("pkt-srcaddr", "::g"),
        ("srcport", "-1"),
        ("dstport", "65536"),
        ("protocol", "256"),
        ("tcp-flags", "S"),
        ("packets", "1.0"),
        ("bytes", "-1"),
        ("start", "now"),
        ("end", "99999999999999999999"),
        ("action", "accept"),
        ("log-status", "FINE"),
        ("flow-direction", "up"),
        ("traffic-path", "x"),
    ] {
        assert_eq!(refusal(value, &format!("${{{name}}}")), value_refused(name), "{name}");
    }
}

/// Some value for a field, as AWS writes it.
fn value(name: &str) -> BoxedStrategy<String> {
    let address = || any::<IpAddr>().prop_map(|it| it.to_string()).boxed();
    let one_of = |words: &'static [&'static str]| prop::sample::select(words).prop_map(str::to_owned).boxed();
    let present = match Field::from_name(name) {
        Some(Field::SrcAddr | Field::DstAddr | Field::PktSrcAddr | Field::PktDstAddr) => address(),
        Some(Field::SrcPort | Field::DstPort | Field::TcpFlags) => any::<u16>().prop_map(|it| it.to_string()).boxed(),
        Some(Field::Protocol | Field::TrafficPath) => any::<u8>().prop_map(|it| it.to_string()).boxed(),
        Some(Field::Start | Field::End) => any::<u32>().prop_map(|it| it.to_string()).boxed(),
        Some(Field::Action) => one_of(&["ACCEPT", "REJECT"]),
        Some(Field::LogStatus) => one_of(&["OK", "NODATA", "SKIPDATA"]),
        Some(Field::FlowDirection) => one_of(&["ingress", "egress"]),
        Some(field) if field.field_type() == FieldType::Int64 => any::<u64>().prop_map(|it| it.to_string()).boxed(),
        Some(field) if field.field_type() == FieldType::Int32 => (0..i32::MAX).prop_map(|it| it.to_string()).boxed(),
        _ => "[!-~é]{1,40}".prop_filter("`-` is absence", |it| it != "-").boxed(),
    };
    prop_oneof![9 => present, 1 => Just("-".to_owned())].boxed()
}

/// A format of any fields in any order, some unheard of, and the values of a line of it.
fn line() -> impl Strategy<Value = (Vec<String>, Vec<String>)> {
    let known = Field::ALL.iter().map(|field| field.name().to_owned());
    let names: Vec<_> = known.chain(["new-field".to_owned(), "x".to_owned()]).collect();
    let count = names.len();
    prop::sample::subsequence(names, 1..=count).prop_shuffle().prop_flat_map(|names| {
        let values: Vec<_> = names.iter().map(|name| value(name)).collect();
        (Just(names), values)
    })
}

fn written(record: &Record) -> String {
    let words: Vec<_> =
        record.values().map(|(_, value)| value.map_or_else(|| "-".to_owned(), |it| it.to_string())).collect();
    words.join(" ")
}

proptest! {
    #[test]
    fn what_is_written_in_any_order_is_read_back((names, values) in line()) {
        let text = values.join(" ");
        let parser = Parser::new(LogFormat::from_names(names.iter().map(String::as_str)).unwrap());
        let record = parser.parse(&text).unwrap();
        prop_assert_eq!(written(&record), text.clone());
        let of = |name: &str| {
            names.iter().position(|it| it == name).map(|at| values[at].clone()).filter(|it| it != "-")
        };
        prop_assert_eq!(record.interface_id.map(str::to_owned), of("interface-id"));
        prop_assert_eq!(record.source.map(|it| it.to_string()), of("srcaddr"));
        prop_assert_eq!(record.destination.map(|it| it.to_string()), of("dstaddr"));
        prop_assert_eq!(record.packet_source.map(|it| it.to_string()), of("pkt-srcaddr"));
        prop_assert_eq!(record.packet_destination.map(|it| it.to_string()), of("pkt-dstaddr"));
        prop_assert_eq!(record.source_port.map(|it| it.to_string()), of("srcport"));
        prop_assert_eq!(record.destination_port.map(|it| it.to_string()), of("dstport"));
        prop_assert_eq!(record.protocol.map(|it| it.to_string()), of("protocol"));
        prop_assert_eq!(record.tcp_flags.map(|it| it.to_string()), of("tcp-flags"));
        prop_assert_eq!(record.packets.map(|it| it.to_string()), of("packets"));
        prop_assert_eq!(record.bytes.map(|it| it.to_string()), of("bytes"));
        prop_assert_eq!(record.start.map(|it| it.to_string()), of("start"));
        prop_assert_eq!(record.end.map(|it| it.to_string()), of("end"));
        prop_assert_eq!(record.action.map(|it| format!("{it:?}").to_uppercase()), of("action"));
        prop_assert_eq!(record.log_status.map(|it| format!("{it:?}").to_uppercase()), of("log-status"));
        prop_assert_eq!(record.direction.map(|it| format!("{it:?}").to_lowercase()), of("flow-direction"));
        prop_assert_eq!(record.traffic_path.map(|it| it.to_string()), of("traffic-path"));
    }

    #[test]
    fn a_line_with_a_value_too_many_or_too_few_is_refused((names, values) in line(), extra in "[ -~]{0,8}") {
        let parser = Parser::new(LogFormat::from_names(names.iter().map(String::as_str)).unwrap());
        let long = format!("{} {extra}", values.join(" "));
        prop_assert!(parser.parse(&long).is_err());
        prop_assert!(parser.parse(&values[1..].join(" ")).is_err());
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>(), words in prop::collection::vec("[-0-9a-zA-Z.:é]{0,24}", 14)) {
        let _ = parser(V2_FORMAT).parse(&text);
        let _ = parser("${bytes}").parse(&text);
        let _ = parser(V2_FORMAT).parse(&words.join(" "));
    }
}
