//! One record of a flow log, parsed by the log's format.

mod address;
mod error;
mod number;
mod parse;
mod time;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use error::RecordError;
pub use parse::Parser;
pub use values::{Value, Values};

use crate::format::LogFormat;

/// The decision on a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `ACCEPT`: security groups and network ACLs let it pass.
    Accept,
    /// `REJECT`: one of them did not.
    Reject,
}

/// The status of a record: a flow, no traffic or lost records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// `OK`: the record describes a flow.
    Ok,
    /// `NODATA`: there was no traffic in the interval.
    NoData,
    /// `SKIPDATA`: records of the interval were lost inside AWS.
    SkipData,
}

/// The way of a flow, seen from its network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowDirection {
    /// `ingress`.
    Ingress,
    /// `egress`.
    Egress,
}

/// A record. A field that its format lacks, or that its line gives as `-`, is `None`.
///
/// It borrows from the line and the format: parsing allocates nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Record<'a> {
    /// `interface-id`.
    pub interface_id: Option<&'a str>,
    /// `vpc-id`.
    pub vpc_id: Option<&'a str>,
    /// `srcaddr`: for outgoing traffic the primary private address of the interface.
    pub source: Option<IpAddr>,
    /// `dstaddr`: for incoming traffic the primary private address of the interface.
    pub destination: Option<IpAddr>,
    /// `pkt-srcaddr`: the address in the packet, before a NAT gateway or load balancer.
    pub packet_source: Option<IpAddr>,
    /// `pkt-dstaddr`: the address in the packet.
    pub packet_destination: Option<IpAddr>,
    /// `srcport`.
    pub source_port: Option<u16>,
    /// `dstport`.
    pub destination_port: Option<u16>,
    /// `protocol`: IANA's number.
    pub protocol: Option<u8>,
    /// `tcp-flags`: those of all packets of the interval together.
    pub tcp_flags: Option<u16>,
    /// `packets`.
    pub packets: Option<u64>,
    /// `bytes`.
    pub bytes: Option<u64>,
    /// `start`: Unix seconds, also of a line that has it finer.
    pub start: Option<u64>,
    /// `end`: Unix seconds, as `start`.
    pub end: Option<u64>,
    /// `action`.
    pub action: Option<Action>,
    /// `log-status`.
    pub log_status: Option<LogStatus>,
    /// `flow-direction`.
    pub direction: Option<FlowDirection>,
    /// `traffic-path`: how outgoing traffic leaves; AWS's numbers.
    pub traffic_path: Option<u8>,
    line: &'a str,
    format: &'a LogFormat,
}

/// IANA's protocol number of TCP.
pub const TCP: u8 = 6;
/// IANA's protocol number of UDP.
pub const UDP: u8 = 17;

impl<'a> Record<'a> {
    fn new(line: &'a str, format: &'a LogFormat) -> Self {
        Self {
            interface_id: None,
            vpc_id: None,
            source: None,
            destination: None,
            packet_source: None,
            packet_destination: None,
            source_port: None,
            destination_port: None,
            protocol: None,
            tcp_flags: None,
            packets: None,
            bytes: None,
            start: None,
            end: None,
            action: None,
            log_status: None,
            direction: None,
            traffic_path: None,
            line,
            format,
        }
    }

    /// True if the record describes a flow. It is always true if the format lacks `log-status`: a record without traffic then has
    /// `-` in every field a rule looks at.
    #[must_use]
    pub fn has_traffic(&self) -> bool {
        self.log_status.is_none_or(|status| status == LogStatus::Ok)
    }

    /// Every value that is there, in the format's order.
    #[must_use]
    pub fn values(&self) -> Values<'a> {
        Values::new(self.line, self.format)
    }

    /// The line it was parsed from, without its line ending.
    #[must_use]
    pub fn line(&self) -> &'a str {
        self.line
    }
}
