//! The parser: one pass over the line, a value at a time.

use crate::field::{Field, FieldType};
use crate::format::{Column, LogFormat};

use super::error::diagnose;
use super::words::end_of_value;
use super::{Action, FlowDirection, LogStatus, Record, RecordError, address, number};

/// What is done with the value at a place of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Text,
    Int32,
    Interface,
    Source,
    Destination,
    PacketSource,
    PacketDestination,
    SourcePort,
    DestinationPort,
    Protocol,
    TcpFlags,
    Packets,
    Bytes,
    Start,
    End,
    Action,
    LogStatus,
    Direction,
    TrafficPath,
}

impl Slot {
    fn of(column: &Column) -> Self {
        let Column::Known(field) = column else { return Self::Text };
        match field {
            Field::InterfaceId => Self::Interface,
            Field::SrcAddr => Self::Source,
            Field::DstAddr => Self::Destination,
            Field::PktSrcAddr => Self::PacketSource,
            Field::PktDstAddr => Self::PacketDestination,
            Field::SrcPort => Self::SourcePort,
            Field::DstPort => Self::DestinationPort,
            Field::Protocol => Self::Protocol,
            Field::TcpFlags => Self::TcpFlags,
            Field::Packets => Self::Packets,
            Field::Bytes => Self::Bytes,
            Field::Start => Self::Start,
            Field::End => Self::End,
            Field::Action => Self::Action,
            Field::LogStatus => Self::LogStatus,
            Field::FlowDirection => Self::Direction,
            Field::TrafficPath => Self::TrafficPath,
            other if other.field_type() == FieldType::Int32 => Self::Int32,
            _ => Self::Text,
        }
    }
}

/// Parses lines of one format.
#[derive(Clone, Debug)]
pub struct Parser {
    format: LogFormat,
    slots: Box<[Slot]>,
}

impl Parser {
    /// A parser of lines of `format`.
    #[must_use]
    pub fn new(format: LogFormat) -> Self {
        let slots = format.columns().iter().map(Slot::of).collect();
        Self { format, slots }
    }

    /// The format of the lines.
    #[must_use]
    pub fn format(&self) -> &LogFormat {
        &self.format
    }

    /// Parses a line, with or without its line ending.
    #[inline]
    pub fn parse<'a>(&'a self, line: &'a str) -> Result<Record<'a>, RecordError> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut record = Record::new(line, &self.format);
        match self.fill(&mut record) {
            Some(()) => Ok(record),
            None => Err(diagnose(line, &self.format, &self.slots)),
        }
    }

    #[inline]
    fn fill(&self, record: &mut Record<'_>) -> Option<()> {
        let bytes = record.line.as_bytes();
        let mut from = 0;
        for slot in &self.slots {
            let to = end_of_value(bytes, from);
            // Beyond the end of the line, or two spaces on end.
            if to == from || from > bytes.len() {
                return None;
            }
            if to - from > 1 || bytes.get(from) != Some(&b'-') {
                record.set(*slot, from, to)?;
            }
            from = to + 1;
        }
        (from == bytes.len() + 1).then_some(())
    }
}

/// Whether `value` is one that a field may have.
pub(super) fn check(slot: Slot, value: &str) -> bool {
    let format = LogFormat::aws_default();
    value == "-" || Record::new(value, &format).set(slot, 0, value.len()).is_some()
}

impl Record<'_> {
    /// Reads the value at `from..to` of the line.
    #[inline]
    fn set(&mut self, slot: Slot, from: usize, to: usize) -> Option<()> {
        let bytes = self.line.as_bytes();
        let address = || address::address(bytes, from, to);
        let number = || number::number(bytes, from, to);
        match slot {
            Slot::Text => {}
            Slot::Int32 => drop(i32::try_from(number()?).ok()?),
            Slot::Interface => self.interface_id = Some(self.line.get(from..to)?),
            Slot::Source => self.source = Some(address()?),
            Slot::Destination => self.destination = Some(address()?),
            Slot::PacketSource => self.packet_source = Some(address()?),
            Slot::PacketDestination => self.packet_destination = Some(address()?),
            Slot::SourcePort => self.source_port = Some(number()?.try_into().ok()?),
            Slot::DestinationPort => self.destination_port = Some(number()?.try_into().ok()?),
            Slot::Protocol => self.protocol = Some(number()?.try_into().ok()?),
            Slot::TcpFlags => self.tcp_flags = Some(number()?.try_into().ok()?),
            Slot::Packets => self.packets = Some(number()?),
            Slot::Bytes => self.bytes = Some(number()?),
            Slot::Start => self.start = Some(number()?),
            Slot::End => self.end = Some(number()?),
            Slot::TrafficPath => self.traffic_path = Some(number()?.try_into().ok()?),
            Slot::Action => {
                self.action = Some(match bytes.get(from..to)? {
                    b"ACCEPT" => Action::Accept,
                    b"REJECT" => Action::Reject,
                    _ => return None,
                });
            }
            Slot::LogStatus => {
                self.log_status = Some(match bytes.get(from..to)? {
                    b"OK" => LogStatus::Ok,
                    b"NODATA" => LogStatus::NoData,
                    b"SKIPDATA" => LogStatus::SkipData,
                    _ => return None,
                });
            }
            Slot::Direction => {
                self.direction = Some(match bytes.get(from..to)? {
                    b"ingress" => FlowDirection::Ingress,
                    b"egress" => FlowDirection::Egress,
                    _ => return None,
                });
            }
        }
        Some(())
    }
}
