//! What makes a record a finding.

use std::fmt;

use crate::format::{Field, LogFormat};
use crate::record::{Action, Record, TCP};

/// How much a finding matters; the greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing: the network did its job, someone knocked.
    Medium,
    /// Worth looking at now.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        })
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// One record of more bytes than the threshold.
    HighDataTransfer,
    /// A TCP flow that a security group or a network ACL rejected.
    RejectedTcp,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::HighDataTransfer, Self::RejectedTcp];

    /// The rule's name in messages and message attributes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HighDataTransfer => "high_data_transfer",
            Self::RejectedTcp => "rejected_tcp",
        }
    }

    /// How much its findings matter.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::HighDataTransfer => Severity::High,
            Self::RejectedTcp => Severity::Medium,
        }
    }

    /// The fields without which the rule cannot fire.
    #[must_use]
    pub const fn needs(self) -> &'static [Field] {
        match self {
            Self::HighDataTransfer => &[Field::Bytes],
            Self::RejectedTcp => &[Field::Action, Field::Protocol],
        }
    }

    /// The first field the rule needs and `format` lacks.
    #[must_use]
    pub fn lacks(self, format: &LogFormat) -> Option<Field> {
        self.needs().iter().copied().find(|&field| !format.has(field))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the rules leave to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// [`Rule::HighDataTransfer`] fires above this many bytes in one record.
    pub high_transfer_bytes: u64,
}

impl Thresholds {
    /// The rules that `record` fires: none unless it stands for traffic.
    pub fn judge(self, record: &Record) -> impl Iterator<Item = Rule> {
        let traffic = record.has_traffic();
        Rule::ALL.into_iter().filter(move |rule| traffic && self.fires(*rule, record))
    }

    fn fires(self, rule: Rule, record: &Record) -> bool {
        match rule {
            Rule::HighDataTransfer => record.bytes.is_some_and(|bytes| bytes > self.high_transfer_bytes),
            Rule::RejectedTcp => record.action == Some(Action::Reject) && record.protocol == Some(TCP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LogStatus;
    use crate::test_data::{CUSTOM_FORMAT, V2_FORMAT};

    const UDP: u8 = 17;

    fn flow(action: Action, protocol: u8, bytes: u64) -> Record {
        Record {
            action: Some(action),
            protocol: Some(protocol),
            bytes: Some(bytes),
            log_status: Some(LogStatus::Ok),
            ..Record::default()
        }
    }

    fn judge(record: &Record) -> Vec<Rule> {
        Thresholds { high_transfer_bytes: 50_000_000 }.judge(record).collect()
    }

    #[test]
    fn high_data_transfer_fires_above_the_threshold_whatever_the_protocol() {
        assert_eq!(judge(&flow(Action::Accept, TCP, 50_000_001)), [Rule::HighDataTransfer]);
        assert_eq!(judge(&flow(Action::Accept, UDP, u64::MAX)), [Rule::HighDataTransfer]);
    }

    #[test]
    fn high_data_transfer_does_not_fire_at_the_threshold() {
        assert_eq!(judge(&flow(Action::Accept, TCP, 50_000_000)), []);
    }

    #[test]
    fn rejected_tcp_fires_whatever_the_size() {
        assert_eq!(judge(&flow(Action::Reject, TCP, 40)), [Rule::RejectedTcp]);
        assert_eq!(judge(&flow(Action::Reject, TCP, 0)), [Rule::RejectedTcp]);
    }

    #[test]
    fn rejected_tcp_needs_both_tcp_and_a_rejection() {
        assert_eq!(judge(&flow(Action::Reject, UDP, 40)), []);
        assert_eq!(judge(&flow(Action::Accept, TCP, 40)), []);
        assert_eq!(judge(&Record { protocol: None, ..flow(Action::Reject, TCP, 40) }), []);
        assert_eq!(judge(&Record { action: None, ..flow(Action::Reject, TCP, 40) }), []);
    }

    #[test]
    fn one_record_can_fire_both() {
        assert_eq!(judge(&flow(Action::Reject, TCP, 50_000_001)), [Rule::HighDataTransfer, Rule::RejectedTcp]);
    }

    #[test]
    fn a_record_without_traffic_fires_nothing_even_if_it_had_values() {
        for status in [LogStatus::NoData, LogStatus::SkipData] {
            let record = Record { log_status: Some(status), ..flow(Action::Reject, TCP, u64::MAX) };
            assert_eq!(judge(&record), []);
        }
        assert_eq!(judge(&Record::default()), []);
    }

    #[test]
    fn without_log_status_in_the_format_the_values_decide() {
        let record = Record { log_status: None, ..flow(Action::Reject, TCP, 40) };
        assert_eq!(judge(&record), [Rule::RejectedTcp]);
    }

    #[test]
    fn a_rule_tells_the_field_that_a_format_lacks() {
        for rule in Rule::ALL {
            assert_eq!(rule.lacks(&V2_FORMAT.parse().unwrap()), None);
            assert_eq!(rule.lacks(&CUSTOM_FORMAT.parse().unwrap()), None);
        }
        let format = "${bytes} ${action}".parse().unwrap();
        assert_eq!(Rule::HighDataTransfer.lacks(&format), None);
        assert_eq!(Rule::RejectedTcp.lacks(&format), Some(Field::Protocol));
    }
}
