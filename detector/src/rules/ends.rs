//! The two ends of a flow.

use std::net::IpAddr;

use crate::finding::{Detail, Subject};

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
    pub(super) fn subject(&self, detail: Detail) -> Subject {
        Subject { source: self.source, destination: self.destination, detail }
    }
}
