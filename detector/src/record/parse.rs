//! The parser: one pass over the line, a value at a time.

use flow_log_fields::{Field, FieldType};

use crate::format::{Column, LogFormat};

use super::time::seconds;
use super::words::Ends;
use super::{Action, FlowDirection, LogStatus, Record, RecordError, address, number};

/// The use of the value at a place of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Text,
    Interface,
    Vpc,
    Address(AddressSlot),
    Number(NumberSlot),
    Action,
    LogStatus,
    Direction,
}

/// Where an address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AddressSlot {
    Source,
    Destination,
    PacketSource,
    PacketDestination,
}

/// Where a number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberSlot {
    /// Nowhere, it only has to be one of 32 bits.
    Int32,
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

impl Slot {
    fn of(column: &Column) -> Self {
        let Column::Known(field) = column else { return Self::Text };
        match field {
            Field::InterfaceId => Self::Interface,
            Field::VpcId => Self::Vpc,
            Field::SrcAddr => Self::Address(AddressSlot::Source),
            Field::DstAddr => Self::Address(AddressSlot::Destination),
            Field::PktSrcAddr => Self::Address(AddressSlot::PacketSource),
            Field::PktDstAddr => Self::Address(AddressSlot::PacketDestination),
            Field::SrcPort => Self::Number(NumberSlot::SourcePort),
            Field::DstPort => Self::Number(NumberSlot::DestinationPort),
            Field::Protocol => Self::Number(NumberSlot::Protocol),
            Field::TcpFlags => Self::Number(NumberSlot::TcpFlags),
            Field::Packets => Self::Number(NumberSlot::Packets),
            Field::Bytes => Self::Number(NumberSlot::Bytes),
            Field::Start => Self::Number(NumberSlot::Start),
            Field::End => Self::Number(NumberSlot::End),
            Field::TrafficPath => Self::Number(NumberSlot::TrafficPath),
            Field::Action => Self::Action,
            Field::LogStatus => Self::LogStatus,
            Field::FlowDirection => Self::Direction,
            other if other.field_type() == FieldType::Int32 => Self::Number(NumberSlot::Int32),
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

    /// True if a record has the value of `column` in a member of its own: rules look at no other.
    #[must_use]
    pub fn reads(column: &Column) -> bool {
        !matches!(Slot::of(column), Slot::Text | Slot::Number(NumberSlot::Int32))
    }

    /// Parses a line, with or without its line ending.
    #[inline]
    pub fn parse<'a>(&'a self, line: &'a str) -> Result<Record<'a>, RecordError> {
        let line = without_ending(line);
        // Filled where it is returned: a record is too large to be moved about.
        let mut parsed = Ok(Record::new(line, &self.format));
        if let Ok(record) = &mut parsed
            && self.fill(record).is_none()
        {
            parsed = Err(diagnose(line, &self.format, &self.slots));
        }
        parsed
    }

    /// Parses a line as [`parse`](Self::parse) does, and gives the record to `judge` where it stands.
    #[inline]
    pub(crate) fn parse_for<'a>(&'a self, line: &'a str, judge: impl FnOnce(&Record<'a>)) -> Result<(), RecordError> {
        let line = without_ending(line);
        let mut record = Record::new(line, &self.format);
        match self.fill(&mut record) {
            Some(()) => {
                judge(&record);
                Ok(())
            }
            None => Err(diagnose(line, &self.format, &self.slots)),
        }
    }

    #[inline]
    fn fill(&self, record: &mut Record<'_>) -> Option<()> {
        let bytes = record.line.as_bytes();
        let mut ends = Ends::new(bytes);
        let mut from = 0;
        for slot in &self.slots {
            let to = ends.next();
            // Two spaces on end, or beyond the end of the line.
            if to == from {
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

#[inline]
fn without_ending(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The fault of a line that could not be parsed. It is worked out only once parsing has failed.
fn diagnose(line: &str, format: &LogFormat, slots: &[Slot]) -> RecordError {
    let found = if line.is_empty() { 0 } else { line.split(' ').count() };
    let expected = format.columns().len();
    if found != expected {
        return RecordError::FieldCount { expected, found };
    }
    let mut fields = line.split(' ').zip(slots).zip(format.columns());
    let fault = fields.find_map(|((value, slot), column)| match value {
        "" => Some(RecordError::Empty(column.to_string())),
        _ if check(*slot, value) => None,
        _ => Some(RecordError::Value(column.to_string())),
    });
    fault.unwrap_or(RecordError::FieldCount { expected, found })
}

/// True if `value` is one that a field may have.
fn check(slot: Slot, value: &str) -> bool {
    let format = LogFormat::aws_default();
    value == "-" || Record::new(value, &format).set(slot, 0, value.len()).is_some()
}

impl Record<'_> {
    /// Reads the value at `from..to` of the line.
    #[inline]
    fn set(&mut self, slot: Slot, from: usize, to: usize) -> Option<()> {
        let bytes = self.line.as_bytes();
        match slot {
            Slot::Text => {}
            Slot::Interface => self.interface_id = Some(self.line.get(from..to)?),
            Slot::Vpc => self.vpc_id = Some(self.line.get(from..to)?),
            Slot::Address(slot) => {
                let place = match slot {
                    AddressSlot::Source => &mut self.source,
                    AddressSlot::Destination => &mut self.destination,
                    AddressSlot::PacketSource => &mut self.packet_source,
                    AddressSlot::PacketDestination => &mut self.packet_destination,
                };
                address::read(bytes, from, to, place)?;
            }
            Slot::Number(slot) => self.set_number(slot, number::number(bytes, from, to)?)?,
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

    #[inline]
    fn set_number(&mut self, slot: NumberSlot, number: u64) -> Option<()> {
        match slot {
            NumberSlot::Int32 => drop(i32::try_from(number).ok()?),
            NumberSlot::SourcePort => self.source_port = Some(number.try_into().ok()?),
            NumberSlot::DestinationPort => self.destination_port = Some(number.try_into().ok()?),
            NumberSlot::Protocol => self.protocol = Some(number.try_into().ok()?),
            NumberSlot::TcpFlags => self.tcp_flags = Some(number.try_into().ok()?),
            NumberSlot::Packets => self.packets = Some(number),
            NumberSlot::Bytes => self.bytes = Some(number),
            NumberSlot::Start => self.start = Some(seconds(number)?),
            NumberSlot::End => self.end = Some(seconds(number)?),
            NumberSlot::TrafficPath => self.traffic_path = Some(number.try_into().ok()?),
        }
        Some(())
    }
}
