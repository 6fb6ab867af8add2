//! The two ends of a flow.

use std::net::IpAddr;

use super::networks::Networks;
use crate::record::Record;

/// The real ends of a flow, with a flag for each that is public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// The source: the address in the packet if the format has it.
    pub source: Option<IpAddr>,
    /// The destination, likewise.
    pub destination: Option<IpAddr>,
    /// True if the source is on the internet and not trusted.
    pub from_public: bool,
    /// True if the destination is.
    pub to_public: bool,
}

impl Ends {
    /// The ends of a record. Behind a NAT gateway or load balancer the addresses of the packet are the real ones.
    #[inline]
    #[must_use]
    pub fn of(record: &Record, networks: &Networks) -> Self {
        let source = record.packet_source.or(record.source);
        let destination = record.packet_destination.or(record.destination);
        let is_public = |address: Option<IpAddr>| address.is_some_and(|address| networks.is_public(address));
        Self { source, destination, from_public: is_public(source), to_public: is_public(destination) }
    }
}
