//! The worst finding in one line, for the subject and for a phone.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, SocketAddr};

use super::{Bytes, Report};
use crate::evidence::Evidence;
use crate::finding::{Detail, Finding, Subject};
use crate::rules::{Rule, RuleId};
use crate::sentence::{Accepted, Address, CustomHead};

/// The least characters of a monitor's name that are worth reading.
const MIN_NAME_CHARS: usize = 8;

const CUT: &str = "...";

/// `HIGH: 198.51.100.66 reached 10.20.0.13:22 (+2 more), network/production`, in at most `limit` characters.
///
/// The name of the monitor is cut first, then numbers and ports are left out. Both addresses always fit: see the tests. Each cut is marked
/// with [`CUT`]. `HIGH, ongoing` begins the line if a message was published before.
pub(super) fn headline(report: &Report, limit: usize) -> String {
    let severity = match report.history(0) {
        Some(_) => format!("{}, ongoing", report.severity),
        None => report.severity.to_string(),
    };
    let more = match report.findings.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" (+{more} more)"),
    };
    let heads = report.findings.first().map(|finding| {
        let (brief, briefest) = (Brief(finding), Briefest(finding));
        [
            format!("{severity}: {brief}{more}"),
            format!("{severity}: {briefest}{}{CUT}{more}", FirstAccepted(&finding.evidence)),
            format!("{severity}: {briefest}{}{CUT}", FirstAccepted(&finding.evidence)),
            format!("{severity}: {briefest}{CUT}{more}"),
            format!("{severity}: {briefest}{CUT}"),
        ]
    });
    let whole = length(&report.settings.origin.monitor) + 2;
    // A line without the whole name has room for the mark of the cut.
    let fits = |head: &String| {
        let rest = if head.ends_with(CUT) { 0 } else { whole.min(CUT.len()) };
        length(head) + rest <= limit
    };
    let head = heads.into_iter().flatten().find(fits).unwrap_or_default();
    let room = limit.saturating_sub(length(&head));
    match name(&report.settings.origin.monitor, room) {
        Some(name) => format!("{head}{name}"),
        None if room < CUT.len() || head.ends_with(CUT) => head,
        None => format!("{head}{CUT}"),
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// `, network/production`, cut at its end if there is little room.
fn name(monitor: &str, room: usize) -> Option<String> {
    let whole = format!(", {monitor}");
    if length(&whole) <= room {
        return Some(whole);
    }
    let room = room.checked_sub(CUT.len()).filter(|room| *room >= MIN_NAME_CHARS)?;
    Some(whole.chars().take(room).chain(CUT.chars()).collect())
}

/// A finding without its small print.
struct Brief<'f>(&'f Finding);

impl Display for Brief<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Finding { rule, subject: Subject { source, destination, detail }, tally, distinct, evidence, .. } = self.0;
        let (from, to) = (Address(*source), Address(*destination));
        let RuleId::BuiltIn(rule) = rule else { return CustomHead(self.0).fmt(f) };
        match (rule, detail) {
            (Rule::LargeEgress, _) if destination.is_none() => match main_destination(self.0) {
                Some(main) => write!(f, "{from} sent {}, most of it to {main}", Bytes(tally.bytes)),
                None => write!(f, "{from} sent {} to public addresses", Bytes(tally.bytes)),
            },
            (Rule::HighDataTransfer | Rule::LargeEgress, _) => write!(f, "{from} sent {} to {to}", Bytes(tally.bytes)),
            (Rule::SensitivePortAccepted, _) => write!(f, "{from} reached {}", AtPort(self.0)),
            (Rule::PortScan, _) => write!(f, "{from} scanned {distinct} ports of {to}{}", Accepted(evidence)),
            (Rule::HostSweep, Detail::Port(port)) => {
                write!(f, "{from} tried port {port} of {distinct} addresses{}", Accepted(evidence))
            }
            (Rule::RejectedTcp | Rule::SensitivePortRejected, _) => {
                write!(f, "{from} was rejected at {}", AtPort(self.0))
            }
            (Rule::UnusualProtocol, Detail::Protocol(protocol)) => {
                write!(f, "{from} sent protocol {protocol} to {to}")
            }
            _ => Briefest(self.0).fmt(f),
        }
    }
}

/// A finding's addresses and verb alone.
struct Briefest<'f>(&'f Finding);

impl Display for Briefest<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Finding { rule, subject: Subject { source, destination, detail }, .. } = self.0;
        let (from, to) = (Address(*source), Address(*destination));
        let RuleId::BuiltIn(rule) = rule else { return rule.fmt(f) };
        match (rule, detail) {
            (Rule::LargeEgress, _) if destination.is_none() => match main_destination(self.0) {
                Some(main) => write!(f, "{from} sent {main} data"),
                None => write!(f, "{from} sent data"),
            },
            (Rule::HighDataTransfer | Rule::LargeEgress | Rule::UnusualProtocol, _) => {
                write!(f, "{from} sent {to} data")
            }
            (Rule::SensitivePortAccepted, _) => write!(f, "{from} reached {to}"),
            (Rule::PortScan, _) => write!(f, "{from} scanned {to}"),
            (Rule::HostSweep, Detail::Port(port)) => write!(f, "{from} swept port {port}"),
            (Rule::HostSweep, _) => write!(f, "{from} swept addresses"),
            (Rule::RejectedTcp | Rule::SensitivePortRejected, _) => write!(f, "{from} was denied {to}"),
            (Rule::SkippedRecords, Detail::Interface(interface)) => write!(f, "AWS skipped records of {interface}"),
            (Rule::SkippedRecords, _) => f.write_str("AWS skipped records"),
        }
    }
}

/// The first port or host where a scan was let in.
struct FirstAccepted<'e>(&'e Evidence);

impl Display for FirstAccepted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Evidence::AcceptedPorts(ports) => ports.kept().next().map(|port| write!(f, "; accepted at {port}")),
            Evidence::AcceptedHosts(hosts) => hosts.kept().next().map(|host| write!(f, "; accepted at {host}")),
            Evidence::None | Evidence::Destinations(_) => None,
        }
        .unwrap_or(Ok(()))
    }
}

/// The destination that got most of the data of an egress to several.
fn main_destination(finding: &Finding) -> Option<IpAddr> {
    match &finding.evidence {
        Evidence::Destinations(destinations) => destinations.main(finding.tally.bytes),
        _ => None,
    }
}

/// The destination, with its ports.
struct AtPort<'f>(&'f Finding);

impl Display for AtPort<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Finding { subject: Subject { destination, .. }, tally, .. } = self.0;
        match (destination, tally.ports.kept()) {
            (Some(address), [port]) if !tally.ports.has_more() => SocketAddr::new(*address, *port).fmt(f),
            (Some(address), [_, ..]) => write!(f, "{address} at ports {}", tally.ports),
            _ => Address(*destination).fmt(f),
        }
    }
}
