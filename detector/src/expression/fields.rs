//! The fields by name: their types, their values in a record, and the fields of flow logs that they come from.

use std::net::IpAddr;

use flow_log_fields::Field;

use crate::format::LogFormat;
use crate::record::{Action, FlowDirection, LogStatus, Record};
use crate::rules::connection::{ACK, FIN, RST, SYN, opens_connection};
use crate::rules::ends::Ends;

/// A field of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    Number(NumberTerm),
    Address(AddressTerm),
    Word(WordTerm),
    /// `interface_id`, the only text of any form.
    Interface,
    Flag(FlagTerm),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberTerm {
    SourcePort,
    DestinationPort,
    Protocol,
    TcpFlags,
    Packets,
    Bytes,
    Start,
    End,
    TrafficPath,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressTerm {
    SourceAddress,
    DestinationAddress,
    PacketSource,
    PacketDestination,
    /// The real source.
    Source,
    /// The real destination.
    Destination,
}

/// A text with few values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordTerm {
    Action,
    LogStatus,
    Direction,
}

/// True or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlagTerm {
    SourcePublic,
    DestinationPublic,
    Opens,
    /// One of TCP's flags, by its bit.
    Tcp(u16),
}

/// A value of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'v> {
    Number(u64),
    Address(IpAddr),
    /// The place among the field's words.
    Word(u8),
    Interface(&'v str),
    Flag(bool),
}

const SOURCE: &[Field] = &[Field::SrcAddr, Field::PktSrcAddr];
const DESTINATION: &[Field] = &[Field::DstAddr, Field::PktDstAddr];

/// Every field: its name, and the fields of flow logs of which it needs one.
pub(super) const TERMS: [(&str, Term, &[Field]); 26] = [
    ("interface_id", Term::Interface, &[Field::InterfaceId]),
    ("srcaddr", Term::Address(AddressTerm::SourceAddress), &[Field::SrcAddr]),
    ("dstaddr", Term::Address(AddressTerm::DestinationAddress), &[Field::DstAddr]),
    ("srcport", Term::Number(NumberTerm::SourcePort), &[Field::SrcPort]),
    ("dstport", Term::Number(NumberTerm::DestinationPort), &[Field::DstPort]),
    ("protocol", Term::Number(NumberTerm::Protocol), &[Field::Protocol]),
    ("packets", Term::Number(NumberTerm::Packets), &[Field::Packets]),
    ("bytes", Term::Number(NumberTerm::Bytes), &[Field::Bytes]),
    ("start", Term::Number(NumberTerm::Start), &[Field::Start]),
    ("end", Term::Number(NumberTerm::End), &[Field::End]),
    ("action", Term::Word(WordTerm::Action), &[Field::Action]),
    ("log_status", Term::Word(WordTerm::LogStatus), &[Field::LogStatus]),
    ("tcp_flags", Term::Number(NumberTerm::TcpFlags), &[Field::TcpFlags]),
    ("pkt_srcaddr", Term::Address(AddressTerm::PacketSource), &[Field::PktSrcAddr]),
    ("pkt_dstaddr", Term::Address(AddressTerm::PacketDestination), &[Field::PktDstAddr]),
    ("flow_direction", Term::Word(WordTerm::Direction), &[Field::FlowDirection]),
    ("traffic_path", Term::Number(NumberTerm::TrafficPath), &[Field::TrafficPath]),
    ("source", Term::Address(AddressTerm::Source), SOURCE),
    ("destination", Term::Address(AddressTerm::Destination), DESTINATION),
    ("source_public", Term::Flag(FlagTerm::SourcePublic), SOURCE),
    ("destination_public", Term::Flag(FlagTerm::DestinationPublic), DESTINATION),
    ("opens", Term::Flag(FlagTerm::Opens), &[Field::DstPort]),
    ("syn", Term::Flag(FlagTerm::Tcp(SYN)), &[Field::TcpFlags]),
    ("ack", Term::Flag(FlagTerm::Tcp(ACK)), &[Field::TcpFlags]),
    ("fin", Term::Flag(FlagTerm::Tcp(FIN)), &[Field::TcpFlags]),
    ("rst", Term::Flag(FlagTerm::Tcp(RST)), &[Field::TcpFlags]),
];

impl Term {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        TERMS.iter().find(|(known, ..)| *known == name).map(|(_, term, _)| *term)
    }

    /// The first field of flow logs that would help, if `format` has none that does.
    pub(super) fn lacks(self, format: &LogFormat) -> Option<Field> {
        let (.., needs) = TERMS.iter().find(|(_, term, _)| *term == self)?;
        if needs.iter().any(|field| format.has(*field)) { None } else { needs.first().copied() }
    }

    /// Rank by time to look a value up.
    pub(super) const fn cost(self) -> u32 {
        match self {
            Self::Word(_) => 0,
            Self::Flag(FlagTerm::SourcePublic | FlagTerm::DestinationPublic | FlagTerm::Tcp(_)) => 1,
            Self::Number(NumberTerm::DestinationPort) => 2,
            Self::Number(_) => 3,
            Self::Flag(FlagTerm::Opens) => 4,
            Self::Address(_) => 5,
            Self::Interface => 6,
        }
    }

    /// The type for people.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Number(_) => "a number",
            Self::Address(_) => "an address",
            Self::Word(_) | Self::Interface => "a text",
            Self::Flag(_) => "true or false",
        }
    }

    /// A value that it can have, as expressions write it.
    pub(super) const fn example(self) -> &'static str {
        match self {
            Self::Number(NumberTerm::SourcePort | NumberTerm::DestinationPort) => "443",
            Self::Number(NumberTerm::Protocol) => "6",
            Self::Number(_) => "1",
            Self::Address(_) => "\"10.0.0.1\"",
            Self::Word(WordTerm::Action) => "\"ACCEPT\"",
            Self::Word(WordTerm::LogStatus) => "\"OK\"",
            Self::Word(WordTerm::Direction) => "\"ingress\"",
            Self::Interface => "\"eni-0123456789abcdef0\"",
            Self::Flag(_) => "true",
        }
    }

    #[inline]
    pub(super) fn is_known(self, record: &Record, ends: &Ends) -> bool {
        match self {
            Self::Number(term) => term.value(record).is_some(),
            Self::Address(term) => term.value(record, ends).is_some(),
            Self::Word(term) => term.value(record).is_some(),
            Self::Interface => record.interface_id.is_some(),
            Self::Flag(term) => term.value(record, ends).is_some(),
        }
    }
}

impl NumberTerm {
    #[inline]
    pub(super) fn value(self, record: &Record) -> Option<u64> {
        match self {
            Self::SourcePort => record.source_port.map(u64::from),
            Self::DestinationPort => record.destination_port.map(u64::from),
            Self::Protocol => record.protocol.map(u64::from),
            Self::TcpFlags => record.tcp_flags.map(u64::from),
            Self::Packets => record.packets,
            Self::Bytes => record.bytes,
            Self::Start => record.start,
            Self::End => record.end,
            Self::TrafficPath => record.traffic_path.map(u64::from),
        }
    }

    /// The largest value.
    pub(super) const fn max(self) -> u64 {
        match self {
            Self::SourcePort | Self::DestinationPort | Self::TcpFlags => u16::MAX as u64,
            Self::Protocol | Self::TrafficPath => u8::MAX as u64,
            Self::Packets | Self::Bytes | Self::Start | Self::End => u64::MAX,
        }
    }
}

impl AddressTerm {
    #[inline]
    pub(super) fn value(self, record: &Record, ends: &Ends) -> Option<IpAddr> {
        match self {
            Self::SourceAddress => record.source,
            Self::DestinationAddress => record.destination,
            Self::PacketSource => record.packet_source,
            Self::PacketDestination => record.packet_destination,
            Self::Source => ends.source,
            Self::Destination => ends.destination,
        }
    }
}

impl WordTerm {
    /// Its values.
    pub(super) const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Action => &["ACCEPT", "REJECT"],
            Self::LogStatus => &["OK", "NODATA", "SKIPDATA"],
            Self::Direction => &["ingress", "egress"],
        }
    }

    /// The place of the value among the words.
    #[inline]
    pub(super) fn value(self, record: &Record) -> Option<u8> {
        match self {
            Self::Action => record.action.map(|action| match action {
                Action::Accept => 0,
                Action::Reject => 1,
            }),
            Self::LogStatus => record.log_status.map(|status| match status {
                LogStatus::Ok => 0,
                LogStatus::NoData => 1,
                LogStatus::SkipData => 2,
            }),
            Self::Direction => record.direction.map(|direction| match direction {
                FlowDirection::Ingress => 0,
                FlowDirection::Egress => 1,
            }),
        }
    }
}

impl FlagTerm {
    #[inline]
    pub(super) fn value(self, record: &Record, ends: &Ends) -> Option<bool> {
        match self {
            Self::SourcePublic => ends.source.map(|_| ends.from_public),
            Self::DestinationPublic => ends.destination.map(|_| ends.to_public),
            Self::Opens => record.destination_port.map(|_| opens_connection(record)),
            Self::Tcp(bit) => record.tcp_flags.map(|flags| flags & bit != 0),
        }
    }
}
