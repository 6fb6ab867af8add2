//! The rules by name: title, severity and the fields that they need.

use std::fmt;

use flow_log_fields::Field;
use serde::{Deserialize, Serialize};

use crate::format::LogFormat;

/// The severity of a finding; the greater, the worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Worth knowing: the network did its job, someone knocked.
    Low,
    /// Worth looking at today: someone is finding out what there is.
    Medium,
    /// Worth looking at now: data may be leaving, or a door is open.
    High,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        })
    }
}

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// One record of more bytes than the threshold.
    HighDataTransfer,
    /// As many bytes as the threshold, or more, sent by one inside address to public ones within a window.
    LargeEgress,
    /// Traffic from a public address to a sensitive port, accepted.
    SensitivePortAccepted,
    /// One source at many ports of one target within a window.
    PortScan,
    /// One source at one port of many targets within a window.
    HostSweep,
    /// A TCP flow that a security group or a network ACL rejected.
    RejectedTcp,
    /// Traffic from a public address to a sensitive port, rejected.
    SensitivePortRejected,
    /// A protocol that is not expected.
    UnusualProtocol,
    /// AWS lost records: the traffic of the interval is not known in full.
    SkippedRecords,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 9] = [
        Self::HighDataTransfer,
        Self::LargeEgress,
        Self::SensitivePortAccepted,
        Self::PortScan,
        Self::HostSweep,
        Self::RejectedTcp,
        Self::SensitivePortRejected,
        Self::UnusualProtocol,
        Self::SkippedRecords,
    ];

    /// The rule's name, the same in the spec, messages, metrics and message attributes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HighDataTransfer => "highDataTransfer",
            Self::LargeEgress => "largeEgress",
            Self::SensitivePortAccepted => "sensitivePortAccepted",
            Self::PortScan => "portScan",
            Self::HostSweep => "hostSweep",
            Self::RejectedTcp => "rejectedTcp",
            Self::SensitivePortRejected => "sensitivePortRejected",
            Self::UnusualProtocol => "unusualProtocol",
            Self::SkippedRecords => "skippedRecords",
        }
    }

    /// The rule's name for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::HighDataTransfer => "High data transfer",
            Self::LargeEgress => "Large egress",
            Self::SensitivePortAccepted => "Sensitive port accepted",
            Self::PortScan => "Port scan",
            Self::HostSweep => "Host sweep",
            Self::RejectedTcp => "Rejected TCP",
            Self::SensitivePortRejected => "Sensitive port rejected",
            Self::UnusualProtocol => "Unusual protocol",
            Self::SkippedRecords => "Skipped records",
        }
    }

    /// The severity of its findings.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::HighDataTransfer | Self::LargeEgress | Self::SensitivePortAccepted => Severity::High,
            Self::PortScan | Self::HostSweep => Severity::Medium,
            Self::RejectedTcp | Self::SensitivePortRejected | Self::UnusualProtocol | Self::SkippedRecords => {
                Severity::Low
            }
        }
    }

    /// The fields without which the rule cannot fire: of each group at least one.
    #[must_use]
    pub const fn needs(self) -> &'static [&'static [Field]] {
        const SOURCE: &[Field] = &[Field::SrcAddr, Field::PktSrcAddr];
        const DESTINATION: &[Field] = &[Field::DstAddr, Field::PktDstAddr];
        match self {
            Self::HighDataTransfer => &[&[Field::Bytes]],
            Self::LargeEgress => &[SOURCE, DESTINATION, &[Field::Bytes]],
            Self::SensitivePortAccepted | Self::SensitivePortRejected => &[SOURCE, &[Field::DstPort], &[Field::Action]],
            Self::PortScan | Self::HostSweep => &[SOURCE, DESTINATION, &[Field::DstPort]],
            Self::RejectedTcp => &[&[Field::Action], &[Field::Protocol]],
            Self::UnusualProtocol => &[&[Field::Protocol]],
            Self::SkippedRecords => &[&[Field::LogStatus]],
        }
    }

    /// The first field the rule needs and `format` lacks.
    #[must_use]
    pub fn lacks(self, format: &LogFormat) -> Option<Field> {
        let missing = self.needs().iter().find(|group| !group.iter().any(|field| format.has(*field)))?;
        missing.first().copied()
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
