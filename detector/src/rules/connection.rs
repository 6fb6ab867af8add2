//! Decides which side of a connection a record is of.

use crate::record::{Action, Record, TCP, UDP};

/// The bit of FIN among TCP's flags.
pub(crate) const FIN: u16 = 1;
/// The bit of SYN.
pub(crate) const SYN: u16 = 2;
/// The bit of RST.
pub(crate) const RST: u16 = 4;
/// The bit of ACK; flow logs report it with SYN only.
pub(crate) const ACK: u16 = 16;

/// True if the record is of the side that opens a connection, not of the one that answers: answers go to many ports too.
///
/// TCP's flags decide: a SYN alone opens. Without flags, and for traffic that is rejected without ever opening, such as a scan
/// by FIN, the connection is assumed to go to the smaller port number, the one a service listens at.
#[inline]
pub(crate) fn opens_connection(record: &Record) -> bool {
    if !matches!(record.protocol, None | Some(TCP | UDP)) {
        return false;
    }
    let flags = record.tcp_flags.filter(|_| record.protocol == Some(TCP));
    match flags {
        Some(flags) if flags & SYN != 0 => flags & ACK == 0,
        Some(_) if record.action != Some(Action::Reject) => false,
        _ => record.source_port.is_none_or(|source| record.destination_port.is_some_and(|port| port <= source)),
    }
}
