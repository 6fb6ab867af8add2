//! One finding in a sentence.

#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};

use aws_smithy_types::date_time::{DateTime, Format};
use serde::{Serialize, Serializer};

use crate::evidence::{Evidence, MAX_ADDRESSES};
use crate::finding::{Detail, Finding, Folded, Subject};
use crate::let_in::LetIn;
use crate::rules::{Rule, RuleId};
use crate::tally::{MAX_PORTS, Ports};

/// Describes a finding: `10.0.0.5 sent 612.0 MB to 203.0.113.9`.
#[derive(Clone, Copy, Debug)]
pub struct Sentence<'f>(pub &'f Finding);

impl Display for Sentence<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Finding {
            rule, subject: Subject { source, destination, detail }, tally, distinct, evidence, folded, ..
        } = self.0;
        let (from, to) = (Address(*source), Address(*destination));
        let at = AtPorts(&tally.ports);
        let RuleId::BuiltIn(rule) = rule else { return Custom(self.0).fmt(f) };
        match (rule, detail) {
            (Rule::HighDataTransfer, _) => {
                write!(f, "{from} sent {} to {to}{at} in flows above the threshold", Bytes(tally.bytes))
            }
            (Rule::LargeEgress, _) if destination.is_none() => {
                let largest = Largest(evidence, tally.bytes);
                write!(f, "{from} sent {} to several public addresses{largest}{at}", Bytes(tally.bytes))
            }
            (Rule::LargeEgress, _) => write!(f, "{from} sent {} to public address {to}{at}", Bytes(tally.bytes)),
            (Rule::SensitivePortAccepted, _) => Connections(self.0, "accepted").fmt(f),
            (Rule::PortScan, _) => write!(f, "{from} tried {distinct} ports of {to}: {}", tally.ports),
            (Rule::HostSweep, Detail::Port(port)) => write!(f, "{from} tried port {port} of {distinct} addresses"),
            (Rule::RejectedTcp | Rule::SensitivePortRejected, _) => Connections(self.0, "rejected").fmt(f),
            (Rule::UnusualProtocol, Detail::Protocol(protocol)) => {
                write!(f, "{from} sent {to} packets of protocol {protocol}")
            }
            (Rule::SkippedRecords, Detail::Interface(interface)) => {
                write!(f, "AWS skipped records of {interface}: its traffic in this time is incomplete")
            }
            (Rule::HostSweep | Rule::UnusualProtocol | Rule::SkippedRecords, _) => write!(f, "{from} to {to}{at}"),
        }?;
        Accepted(evidence).fmt(f)?;
        Inclusion(folded).fmt(f)
    }
}

/// The destinations that got most of some bytes: ` (2.4 GB to 198.51.100.66, 4.0 MB to 203.0.113.5, others)`.
struct Largest<'e>(&'e Evidence, u64);

impl Display for Largest<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(Evidence::Destinations(destinations), all) = self else { return Ok(()) };
        let mut rest = *all;
        for (index, (address, bytes)) in destinations.sorted().into_iter().enumerate() {
            write!(f, "{}{} to {address}", if index == 0 { " (" } else { ", " }, Bytes(bytes))?;
            rest = rest.saturating_sub(bytes);
        }
        f.write_str(if rest > 0 { ", others)" } else { ")" })
    }
}

/// The ports or hosts where a scan was let in: `; accepted at 443 8080`.
pub(crate) struct Accepted<'e>(pub &'e Evidence);

impl Display for Accepted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Evidence::AcceptedPorts(ports) => accepted(f, ports, MAX_PORTS),
            Evidence::AcceptedHosts(hosts) => accepted(f, hosts, MAX_ADDRESSES),
            _ => Ok(()),
        }
    }
}

fn accepted<T: Copy + Ord + Display, const N: usize, const M: usize>(
    f: &mut Formatter<'_>,
    places: &LetIn<T, N, M>,
    most: usize,
) -> fmt::Result {
    for (index, place) in places.kept().take(most).enumerate() {
        write!(f, "{}{place}", if index == 0 { "; accepted at " } else { " " })?;
    }
    f.write_str(if places.has_more() || places.kept().nth(most).is_some() { " and more" } else { "" })
}

/// The findings that were folded: `; 80 connections were rejected`.
struct Inclusion<'f>(&'f [Folded]);

impl Display for Inclusion<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (mut rejected, mut large, mut bytes) = (0_u64, 0_u64, 0_u64);
        for folded in self.0 {
            if folded.rule == Rule::HighDataTransfer {
                large = large.saturating_add(folded.records);
                bytes = bytes.saturating_add(folded.bytes);
            } else {
                rejected = rejected.saturating_add(folded.records);
            }
        }
        match rejected {
            0 => Ok(()),
            1 => f.write_str("; 1 connection was rejected"),
            _ => write!(f, "; {rejected} connections were rejected"),
        }?;
        match large {
            0 => Ok(()),
            1 => write!(f, "; 1 flow of {} was above the threshold for a flow", Bytes(bytes)),
            _ => write!(f, "; {large} flows of {} in all were above the threshold for a flow", Bytes(bytes)),
        }
    }
}

/// A finding of a user's rule: `database_from_elsewhere: 10.0.3.4 to 10.0.9.9 at port 5432: Only the bastion may open it.`
struct Custom<'f>(&'f Finding);

impl Display for Custom<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let description = self.0.rule.custom().map(|rule| rule.description.as_str()).unwrap_or_default();
        write!(f, "{}{}: {description}", CustomHead(self.0), AtPorts(&self.0.tally.ports))
    }
}

/// The name of a user's rule, and the subject of its finding.
pub(super) struct CustomHead<'f>(pub &'f Finding);

impl Display for CustomHead<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Finding { rule, subject: Subject { source, destination, detail }, .. } = self.0;
        write!(f, "{rule}")?;
        match (source, destination) {
            (Some(source), Some(destination)) => write!(f, ": {source} to {destination}"),
            (Some(source), None) => write!(f, ": from {source}"),
            (None, Some(destination)) => write!(f, ": to {destination}"),
            (None, None) => Ok(()),
        }?;
        match detail {
            Detail::Protocol(protocol) => write!(f, ", protocol {protocol}"),
            Detail::Interface(interface) => write!(f, ", {interface}"),
            Detail::None | Detail::Port(_) => Ok(()),
        }
    }
}

/// Connections and their fate: `connection from 198.51.100.66 to 10.0.0.2:22 was rejected`.
struct Connections<'f>(&'f Finding, &'static str);

impl Display for Connections<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(Finding { subject: Subject { source, destination, .. }, tally, .. }, fate) = self;
        let from = Address(*source);
        let (connections, were) = if tally.records > 1 { ("connections", "were") } else { ("connection", "was") };
        match (destination, tally.ports.kept()) {
            (Some(address), [port]) if !tally.ports.has_more() => {
                let to = SocketAddr::new(*address, *port);
                write!(f, "{connections} from {from} to {to} {were} {fate}")
            }
            _ => {
                let (to, at) = (Address(*destination), AtPorts(&tally.ports));
                write!(f, "{connections} from {from} to {to} {were} {fate}{at}")
            }
        }
    }
}

/// An address, or the words for an unknown one.
pub(crate) struct Address(pub Option<IpAddr>);

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("an unknown address"),
        }
    }
}

struct AtPorts<'p>(&'p Ports);

impl Display for AtPorts<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.kept() {
            [] => Ok(()),
            [port] if !self.0.has_more() => write!(f, " at port {port}"),
            _ => write!(f, " at ports {}", self.0),
        }
    }
}

/// A number of bytes in decimal units: `612.0 MB`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 6] = [
            ("EB", 1_000_000_000_000_000_000),
            ("PB", 1_000_000_000_000_000),
            ("TB", 1_000_000_000_000),
            ("GB", 1_000_000_000),
            ("MB", 1_000_000),
            ("kB", 1_000),
        ];
        let text = match UNITS.into_iter().find(|(_, size)| self.0 >= *size) {
            Some((unit, size)) => format!("{}.{} {unit}", self.0 / size, self.0 % size / (size / 10)),
            None => format!("{} B", self.0),
        };
        f.pad(&text)
    }
}

/// Unix seconds in RFC 3339; as they are if the calendar ends before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Display for Time {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = i64::try_from(self.0).ok().and_then(|it| DateTime::from_secs(it).fmt(Format::DateTime).ok());
        match text {
            Some(text) => f.pad(&text),
            None => self.0.fmt(f),
        }
    }
}
