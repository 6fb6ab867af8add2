//! Sums over records.

use std::fmt;

use crate::interfaces::Interfaces;
use crate::record::Record;

/// Distinct destination ports kept per finding.
pub const MAX_PORTS: usize = 16;

/// The sums over the records of a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records.
    pub records: u64,
    /// Bytes of all records.
    pub bytes: u64,
    /// Destination ports.
    pub ports: Ports,
    /// Network interfaces that recorded them.
    pub interfaces: Interfaces,
    /// The earliest `start`, Unix seconds.
    pub first: Option<u64>,
    /// The latest `end`, Unix seconds.
    pub last: Option<u64>,
}

impl Tally {
    /// Adds a record. Returns the result of adding its port.
    #[inline]
    pub fn add(&mut self, record: &Record) -> Port {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(record.bytes.unwrap_or_default());
        self.span(record.start, record.end);
        if let Some(name) = record.interface_id {
            self.interfaces.add(name);
        }
        record.destination_port.map_or(Port::Known, |port| self.ports.add(port))
    }

    fn span(&mut self, first: Option<u64>, last: Option<u64>) {
        self.first = match (self.first, first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.last = self.last.max(last);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.span(other.first, other.last);
        self.interfaces.merge(&other.interfaces);
        self.ports.merge(&other.ports);
    }
}

/// The result of adding a port to [`Ports`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// It is kept from now on.
    New,
    /// It was kept already.
    Known,
    /// There was no room for it.
    Unkept,
}

/// Up to [`MAX_PORTS`] distinct ports, kept in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    kept: [u16; MAX_PORTS],
    len: u8,
    more: bool,
}

impl Ports {
    pub(crate) fn merge(&mut self, other: &Self) {
        for port in other.kept() {
            self.add(*port);
        }
        self.more |= other.more;
    }

    #[inline]
    pub(crate) fn add(&mut self, port: u16) -> Port {
        if self.kept().contains(&port) {
            return Port::Known;
        }
        let Some(place) = self.kept.get_mut(usize::from(self.len)) else {
            self.more = true;
            return Port::Unkept;
        };
        *place = port;
        self.len += 1;
        Port::New
    }

    /// The ports kept, in the order they came.
    #[must_use]
    pub fn kept(&self) -> &[u16] {
        self.kept.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The ports kept, in ascending order.
    #[must_use]
    pub fn sorted(&self) -> Vec<u16> {
        let mut ports = self.kept().to_vec();
        ports.sort_unstable();
        ports
    }

    /// True if there were others.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.more
    }
}

impl fmt::Display for Ports {
    /// In ascending order: `22 80 443 and more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, port) in self.sorted().iter().enumerate() {
            write!(f, "{}{port}", if index == 0 { "" } else { " " })?;
        }
        f.write_str(if self.more { " and more" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_beyond_the_bound_are_said_to_exist() {
        let bound = u16::try_from(MAX_PORTS).unwrap();
        let mut ports = Ports::default();
        for port in 0..bound {
            assert_eq!(ports.add(port), Port::New);
        }
        assert_eq!(ports.add(0), Port::Known);
        assert!(!ports.has_more());
        assert_eq!(ports.add(bound), Port::Unkept);
        assert!(ports.has_more());
        assert_eq!(ports.kept().len(), MAX_PORTS);
        assert!(ports.to_string().ends_with("14 15 and more"));
    }
}
