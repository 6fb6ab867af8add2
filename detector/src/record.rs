//! One line of a flow log, parsed by the log's format.

use std::net::IpAddr;

use crate::format::{Field, LogFormat};

/// IANA's protocol number of TCP.
pub const TCP: u8 = 6;

/// What became of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `ACCEPT`: security groups and network ACLs let it pass.
    Accept,
    /// `REJECT`: one of them did not.
    Reject,
}

/// Whether a record stands for traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// `OK`: the record describes a flow.
    Ok,
    /// `NODATA`: there was no traffic in the interval.
    NoData,
    /// `SKIPDATA`: records of the interval were lost inside AWS.
    SkipData,
}

/// A record; a field that the format lacks or that the line gives as `-` is `None`.
///
/// It owns no memory of the heap: parsing a line allocates nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// `srcaddr`.
    pub source: Option<IpAddr>,
    /// `dstaddr`.
    pub destination: Option<IpAddr>,
    /// `dstport`.
    pub destination_port: Option<u16>,
    /// `protocol`: IANA's number.
    pub protocol: Option<u8>,
    /// `bytes`.
    pub bytes: Option<u64>,
    /// `start`: Unix seconds.
    pub start: Option<i64>,
    /// `end`: Unix seconds.
    pub end: Option<i64>,
    /// `action`.
    pub action: Option<Action>,
    /// `log-status`.
    pub log_status: Option<LogStatus>,
}

/// Why a line is not a record of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// More or fewer fields than the format names.
    #[error("expected {expected} fields, found {found}")]
    FieldCount {
        /// As many as the format names.
        expected: usize,
        /// As many as the line has.
        found: usize,
    },
    /// A value that its field cannot have.
    #[error("the value of `{0}` is not one that the field can have")]
    Value(Field),
}

impl Record {
    /// Parses a line.
    pub fn parse(line: &str, format: &LogFormat) -> Result<Self, RecordError> {
        let mut record = Self::default();
        let mut values = line.split_ascii_whitespace();
        for (index, &field) in format.fields().iter().enumerate() {
            let Some(value) = values.next() else {
                return Err(RecordError::FieldCount { expected: format.fields().len(), found: index });
            };
            if field != Field::Unused && value != "-" {
                record.set(field, value).ok_or(RecordError::Value(field))?;
            }
        }
        match values.count() {
            0 => Ok(record),
            surplus => {
                Err(RecordError::FieldCount { expected: format.fields().len(), found: format.fields().len() + surplus })
            }
        }
    }

    fn set(&mut self, field: Field, value: &str) -> Option<()> {
        match field {
            Field::SourceAddress => self.source = Some(value.parse().ok()?),
            Field::DestinationAddress => self.destination = Some(value.parse().ok()?),
            Field::DestinationPort => self.destination_port = Some(value.parse().ok()?),
            Field::Protocol => self.protocol = Some(value.parse().ok()?),
            Field::Bytes => self.bytes = Some(value.parse().ok()?),
            Field::Start => self.start = Some(value.parse().ok()?),
            Field::End => self.end = Some(value.parse().ok()?),
            Field::Action => {
                self.action = Some(match value {
                    "ACCEPT" => Action::Accept,
                    "REJECT" => Action::Reject,
                    _ => return None,
                });
            }
            Field::LogStatus => {
                self.log_status = Some(match value {
                    "OK" => LogStatus::Ok,
                    "NODATA" => LogStatus::NoData,
                    "SKIPDATA" => LogStatus::SkipData,
                    _ => return None,
                });
            }
            Field::Unused => {}
        }
        Some(())
    }

    /// Whether the record describes a flow. Without `log-status` in the format it is taken to: a record without
    /// traffic then has `-` in every field a rule looks at.
    #[must_use]
    pub fn has_traffic(&self) -> bool {
        self.log_status.is_none_or(|status| status == LogStatus::Ok)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_data::{CUSTOM_FORMAT, V2_FORMAT};

    fn parse(line: &str, format: &str) -> Result<Record, RecordError> {
        Record::parse(line, &format.parse().unwrap())
    }

    /// The first example of <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html>.
    #[test]
    fn accepted_flow_in_the_default_format() {
        let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
        let expected = Record {
            source: Some([172, 31, 16, 139].into()),
            destination: Some([172, 31, 16, 21].into()),
            destination_port: Some(22),
            protocol: Some(TCP),
            bytes: Some(4249),
            start: Some(1_418_530_010),
            end: Some(1_418_530_070),
            action: Some(Action::Accept),
            log_status: Some(LogStatus::Ok),
        };
        assert_eq!(parse(line, V2_FORMAT), Ok(expected));
        assert_eq!(parse(&format!("{line}\r\n"), V2_FORMAT), Ok(expected));
    }

    #[test]
    fn ipv6_flow_in_the_default_format() {
        let line = "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK";
        let record = parse(line, V2_FORMAT).unwrap();
        assert_eq!(record.source, "2001:db8:1234:a100:8d6e:3477:df66:f105".parse().ok());
        assert_eq!(record.destination, "2001:db8:1234:a102:3304:8879:34cf:4071".parse().ok());
    }

    #[test]
    fn records_without_traffic() {
        for (word, status) in [("NODATA", LogStatus::NoData), ("SKIPDATA", LogStatus::SkipData)] {
            let line = format!("2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - {word}");
            let record = parse(&line, V2_FORMAT).unwrap();
            let expected = Record {
                start: Some(1_431_280_876),
                end: Some(1_431_280_934),
                log_status: Some(status),
                ..Record::default()
            };
            assert_eq!(record, expected);
            assert!(!record.has_traffic());
        }
    }

    #[test]
    fn flow_in_the_custom_format_of_21_fields() {
        let line = "3 123456789010 eni-1235b8ca123456789 10.0.1.5 203.0.113.12 443 49152 6 10 60000000 1566848875 1566848933 REJECT OK vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 7 IPv4 10.0.1.5 203.0.113.12";
        let record = parse(line, CUSTOM_FORMAT).unwrap();
        assert_eq!(record.source, Some([10, 0, 1, 5].into()));
        assert_eq!(record.destination, Some([203, 0, 113, 12].into()));
        assert_eq!(record.destination_port, Some(49152));
        assert_eq!(record.bytes, Some(60_000_000));
        assert_eq!(record.action, Some(Action::Reject));
        assert!(record.has_traffic());
        assert_eq!(parse(line, V2_FORMAT), Err(RecordError::FieldCount { expected: 14, found: 21 }));
    }

    #[test]
    fn a_line_of_another_shape_is_refused_with_the_reason() {
        assert_eq!(parse("1", "${bytes} ${action}"), Err(RecordError::FieldCount { expected: 2, found: 1 }));
        assert_eq!(parse("", "${bytes}"), Err(RecordError::FieldCount { expected: 1, found: 0 }));
        for (field, value) in [
            (Field::SourceAddress, "10.0.0"),
            (Field::DestinationAddress, "example.com"),
            (Field::DestinationPort, "65536"),
            (Field::Protocol, "256"),
            (Field::Bytes, "-1"),
            (Field::Start, "now"),
            (Field::End, "99999999999999999999"),
            (Field::Action, "accept"),
            (Field::LogStatus, "FINE"),
        ] {
            assert_eq!(parse(value, &format!("${{{field}}}")), Err(RecordError::Value(field)), "{field}");
        }
    }

    #[derive(Debug, Clone)]
    struct Line {
        format: String,
        text: String,
        record: Record,
    }

    prop_compose! {
        fn record()(
            source: Option<IpAddr>, destination: Option<IpAddr>, destination_port: Option<u16>, protocol: Option<u8>,
            bytes: Option<u64>, start: Option<i64>, end: Option<i64>,
            action in prop::option::of(prop_oneof![Just(Action::Accept), Just(Action::Reject)]),
            log_status in prop::option::of(
                prop_oneof![Just(LogStatus::Ok), Just(LogStatus::NoData), Just(LogStatus::SkipData)]),
        ) -> Record {
            Record { source, destination, destination_port, protocol, bytes, start, end, action, log_status }
        }
    }

    fn text(value: Option<impl ToString>) -> String {
        value.map_or_else(|| "-".to_owned(), |value| value.to_string())
    }

    fn line() -> impl Strategy<Value = Line> {
        let order = Just(vec![
            "srcaddr",
            "dstaddr",
            "dstport",
            "protocol",
            "bytes",
            "start",
            "end",
            "action",
            "log-status",
            "vpc-id",
        ])
        .prop_shuffle();
        (record(), order).prop_map(|(record, order)| {
            let value = |name: &&str| match *name {
                "srcaddr" => text(record.source),
                "dstaddr" => text(record.destination),
                "dstport" => text(record.destination_port),
                "protocol" => text(record.protocol),
                "bytes" => text(record.bytes),
                "start" => text(record.start),
                "end" => text(record.end),
                "action" => text(record.action.map(|it| format!("{it:?}").to_uppercase())),
                "log-status" => text(record.log_status.map(|it| format!("{it:?}").to_uppercase())),
                other => other.to_owned(),
            };
            Line {
                format: order.iter().map(|name| format!("${{{name}}}")).collect::<Vec<_>>().join(" "),
                text: order.iter().map(value).collect::<Vec<_>>().join(" "),
                record,
            }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_in_any_order_is_read_back(line in line()) {
            prop_assert_eq!(parse(&line.text, &line.format), Ok(line.record));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = parse(&text, V2_FORMAT);
            let _ = parse(&text, "${bytes}");
        }

        #[test]
        fn no_word_makes_the_parser_panic(words in prop::collection::vec("[-0-9a-zA-Z.:]{0,24}", 14)) {
            let _ = parse(&words.join(" "), V2_FORMAT);
        }
    }
}
