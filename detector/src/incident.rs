//! The incidents that a finding belongs to. Findings of one incident are published once, and then again after some hours.
//!
//! A key names who, what and whom; an incident is wider where the source is arbitrary. A port that is open to the internet is one
//! incident, whichever of a thousand addresses finds it. The scans from the internet, which never end, are one incident as well.
//! Otherwise each address would give a message.

use std::net::IpAddr;

use crate::finding::{Finding, Subject};
use crate::identity::digits;
use crate::rules::{Networks, Rule};

/// The incidents of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// Those that the finding is about, at least one. The finding is new if one of them is.
    pub own: Vec<String>,
    /// A wider incident. The finding is part of it if it is known.
    pub wider: Option<String>,
}

/// Names the incidents of the findings of a monitor.
#[derive(Clone, Debug)]
pub struct Namer<'n> {
    owner: &'n str,
    networks: &'n Networks,
}

impl<'n> Namer<'n> {
    /// `owner` is `<cluster>/<namespace>/<name>` of the monitor; `networks` distinguishes public addresses.
    #[must_use]
    pub fn new(owner: &'n str, networks: &'n Networks) -> Self {
        Self { owner, networks }
    }

    /// The incidents of `finding`.
    #[must_use]
    pub fn incidents(&self, finding: &Finding) -> Incidents {
        let Finding { rule, subject: Subject { source, destination, .. }, tally, .. } = finding;
        let one = |name| Incidents { own: vec![name], wider: None };
        let Some(rule) = rule.built_in() else { return one(finding.key(self.owner)) };
        match rule {
            Rule::SensitivePortAccepted => {
                let ports = tally.ports.sorted();
                let names = ports.iter().map(|port| self.name(rule, None, *destination, &format!("port {port}")));
                let rest = (ports.is_empty() || tally.ports.has_more())
                    .then(|| self.name(rule, None, *destination, "other ports"));
                Incidents { own: names.chain(rest).collect(), wider: None }
            }
            Rule::PortScan | Rule::HostSweep if self.is_public(*source) => {
                one(self.name(rule, None, None, "from the internet"))
            }
            // Large flows of an egress are part of it, also in a batch where the sum of all is below its threshold.
            Rule::HighDataTransfer => Incidents {
                own: vec![self.name(Rule::LargeEgress, *source, *destination, "")],
                wider: Some(self.name(Rule::LargeEgress, *source, None, "")),
            },
            Rule::LargeEgress => one(self.name(rule, *source, *destination, "")),
            _ => one(finding.key(self.owner)),
        }
    }

    fn is_public(&self, address: Option<IpAddr>) -> bool {
        address.is_some_and(|address| self.networks.is_public(address))
    }

    fn name(&self, rule: Rule, source: Option<IpAddr>, destination: Option<IpAddr>, detail: &str) -> String {
        let address = |address: Option<IpAddr>| address.map(|it| it.to_string()).unwrap_or_default();
        let (source, destination) = (address(source), address(destination));
        digits(&format!("incident\n{}\n{rule}\n{source}\n{destination}\n{detail}", self.owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Detail;
    use crate::record::Parser;
    use crate::tally::Tally;

    const OUTSIDE: [u8; 4] = [198, 51, 100, 66];
    const OTHER_OUTSIDE: [u8; 4] = [198, 51, 100, 67];
    const INSIDE: [u8; 4] = [10, 0, 0, 1];
    const OTHER_INSIDE: [u8; 4] = [10, 0, 0, 2];

    fn finding(rule: Rule, source: [u8; 4], destination: Option<[u8; 4]>, ports: &[u16]) -> Finding {
        let parser = Parser::new("${dstport}".parse().unwrap());
        let mut tally = Tally::default();
        for port in ports {
            tally.add(&parser.parse(&port.to_string()).unwrap());
        }
        let detail = match (rule, ports) {
            (Rule::HostSweep, [port]) => Detail::Port(*port),
            _ => Detail::None,
        };
        let subject = Subject { source: Some(source.into()), destination: destination.map(Into::into), detail };
        Finding { rule: rule.into(), subject, tally, distinct: 0, is_apart: false, folded: Vec::new() }
    }

    fn incidents(finding: &Finding) -> Incidents {
        Namer::new("cluster/network/production", &Networks::default()).incidents(finding)
    }

    fn are_one(one: &Finding, other: &Finding) -> bool {
        incidents(one) == incidents(other)
    }

    #[test]
    fn an_open_port_is_one_incident_whoever_finds_it() {
        let accepted =
            |source, destination, ports: &[u16]| finding(Rule::SensitivePortAccepted, source, Some(destination), ports);
        let one = accepted(OUTSIDE, INSIDE, &[22]);
        assert!(are_one(&one, &accepted(OTHER_OUTSIDE, INSIDE, &[22])));
        assert!(!are_one(&one, &accepted(OUTSIDE, OTHER_INSIDE, &[22])));
        assert!(!are_one(&one, &accepted(OUTSIDE, INSIDE, &[23])));
        let both = incidents(&accepted(OUTSIDE, INSIDE, &[22, 23]));
        assert_eq!(both.own.len(), 2);
        assert!(both.own.contains(&incidents(&one).own[0]));
        let many: Vec<u16> = (1..=17).collect();
        assert_eq!(incidents(&accepted(OUTSIDE, INSIDE, &many)).own.len(), 17, "16 ports are kept, the rest is one");
        assert_eq!(incidents(&accepted(OUTSIDE, INSIDE, &[])).own.len(), 1);
    }

    #[test]
    fn scans_from_the_internet_are_one_incident_and_one_from_inside_is_its_sources() {
        let scan = |source| finding(Rule::PortScan, source, Some(INSIDE), &[22]);
        let sweep = |source, port| finding(Rule::HostSweep, source, None, &[port]);
        assert!(are_one(&scan(OUTSIDE), &scan(OTHER_OUTSIDE)));
        assert!(!are_one(&scan(INSIDE), &scan(OTHER_INSIDE)));
        assert!(are_one(&scan(OUTSIDE), &finding(Rule::PortScan, OUTSIDE, Some(OTHER_INSIDE), &[22])));
        assert!(!are_one(&scan(INSIDE), &finding(Rule::PortScan, INSIDE, Some(OTHER_INSIDE), &[22])));
        assert!(are_one(&sweep(OUTSIDE, 22), &sweep(OTHER_OUTSIDE, 22)));
        assert!(are_one(&sweep(OUTSIDE, 22), &sweep(OUTSIDE, 23)));
        assert!(!are_one(&sweep(INSIDE, 22), &sweep(INSIDE, 23)));
        assert!(!are_one(&sweep(OUTSIDE, 22), &scan(OUTSIDE)));
        assert!(!are_one(&sweep(INSIDE, 22), &sweep(OTHER_INSIDE, 22)));
    }

    #[test]
    fn large_flows_are_part_of_the_egress_of_their_source() {
        let transfer = incidents(&finding(Rule::HighDataTransfer, INSIDE, Some(OUTSIDE), &[443]));
        let to_one = incidents(&finding(Rule::LargeEgress, INSIDE, Some(OUTSIDE), &[443]));
        let to_several = incidents(&finding(Rule::LargeEgress, INSIDE, None, &[443]));
        assert_eq!(transfer.own, to_one.own);
        assert_eq!(transfer.wider.as_ref(), to_several.own.first());
        assert_ne!(to_one, to_several);
        let elsewhere = incidents(&finding(Rule::HighDataTransfer, INSIDE, Some(OTHER_OUTSIDE), &[443]));
        assert_ne!(transfer.own, elsewhere.own);
    }

    #[test]
    fn other_findings_are_incidents_by_their_key() {
        let rejected = finding(Rule::RejectedTcp, OUTSIDE, Some(INSIDE), &[443]);
        let expected = Incidents { own: vec![rejected.key("cluster/network/production")], wider: None };
        assert_eq!(incidents(&rejected), expected);
    }
}
