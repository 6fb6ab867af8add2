//! The incidents that a finding belongs to. Findings of one incident are published once, and then again after some hours.
//!
//! A key names who, what and whom; an incident is wider where the source is arbitrary. A port that is open to the internet is one
//! incident, whichever of a thousand addresses finds it. The scans from the internet, which never end, are one incident as well. Otherwise
//! each address would give a message. Each port or host that lets one of them in is news of its own.

use std::net::IpAddr;

use crate::evidence::{Evidence, Place};
use crate::finding::{Detail, Finding, Subject};
use crate::identity::digits;
use crate::rules::{Networks, Rule};

/// The incidents of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// Those that the finding is about, at least one. The finding is new if one of them is.
    pub own: Vec<String>,
    /// Those that become known with it.
    pub included: Vec<String>,
    /// The ports and hosts that let it in. The finding is new if one of them is.
    pub let_in: Vec<Door>,
}

/// A port or host that let a scan from the internet in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The digits that stand for it.
    pub name: String,
    /// The place, `None` for all that the finding does not keep.
    pub place: Option<Place>,
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
        let Finding { rule, subject: Subject { source, destination, detail }, tally, evidence, .. } = finding;
        let one = |name| Incidents { own: vec![name], included: Vec::new(), let_in: Vec::new() };
        let Some(rule) = rule.built_in() else { return one(finding.key(self.owner)) };
        match rule {
            Rule::SensitivePortAccepted => {
                let ports = tally.ports.sorted();
                let names = ports.iter().map(|port| self.name(rule, None, *destination, &format!("port {port}")));
                let rest = (ports.is_empty() || tally.ports.has_more())
                    .then(|| self.name(rule, None, *destination, "other ports"));
                Incidents { own: names.chain(rest).collect(), included: Vec::new(), let_in: Vec::new() }
            }
            Rule::PortScan | Rule::HostSweep if self.is_public(*source) => {
                let all = self.name(rule, None, None, "from the internet");
                let doors = self.doors(rule, *destination, detail, evidence);
                Incidents { let_in: doors, ..one(all) }
            }
            // Large flows of an egress are part of it, also in a batch where the sum of all is below its threshold.
            Rule::HighDataTransfer => one(self.name(Rule::LargeEgress, *source, *destination, "")),
            Rule::LargeEgress => {
                let name = |destination| self.name(rule, *source, destination, "");
                let Evidence::Destinations(largest) = evidence else { return one(name(*destination)) };
                let main = destination.or_else(|| largest.main(tally.bytes));
                let included = largest.sorted().into_iter().map(|(address, _)| name(Some(address))).collect();
                Incidents { own: vec![name(main)], included, let_in: Vec::new() }
            }
            _ => one(finding.key(self.owner)),
        }
    }

    /// The ports of `destination`, or the hosts at the port of a sweep, that let a scan in.
    fn doors(&self, rule: Rule, destination: Option<IpAddr>, detail: &Detail, evidence: &Evidence) -> Vec<Door> {
        let door =
            |place, host, at: &str| Door { name: self.name(rule, None, host, &format!("accepted at {at}")), place };
        match (evidence, detail) {
            (Evidence::AcceptedPorts(ports), _) => {
                let kept = ports.kept().map(|port| door(Some(Place::Port(port)), destination, &port.to_string()));
                kept.chain(ports.has_more().then(|| door(None, destination, "other ports"))).collect()
            }
            (Evidence::AcceptedHosts(hosts), Detail::Port(port)) => {
                let kept = hosts.kept().map(|host| door(Some(Place::Host(host)), Some(host), &port.to_string()));
                kept.chain(hosts.has_more().then(|| door(None, None, &format!("{port} of other hosts")))).collect()
            }
            _ => Vec::new(),
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
    use crate::evidence::{AcceptedHosts, AcceptedPorts, Destinations};
    use crate::let_in::Room;
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
        Finding {
            rule: rule.into(),
            subject,
            tally,
            distinct: 0,
            evidence: Evidence::None,
            is_apart: false,
            folded: Vec::new(),
        }
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

        let open = |port: u16| {
            let mut ports = AcceptedPorts::default();
            ports.add(port, &mut Room(0));
            incidents(&Finding { evidence: Evidence::AcceptedPorts(ports), ..scan(OUTSIDE) })
        };
        assert_eq!(open(8080).own, incidents(&scan(OUTSIDE)).own, "it is part of all scans");
        assert!(open(8080).let_in.len() == 1 && open(8080) != open(8081), "an open port that is found is news");
        let let_in = |count: u8| {
            let mut hosts = AcceptedHosts::default();
            (0..count).for_each(|host| hosts.add([10, 0, 1, host].into(), &mut Room(100)));
            incidents(&Finding { evidence: Evidence::AcceptedHosts(hosts), ..sweep(OUTSIDE, 22) }).let_in
        };
        assert_eq!(let_in(4).len(), 4);
        assert_eq!(let_in(3), let_in(4)[..3], "each host has its name");
        let many = let_in(80);
        assert_eq!((many.len(), many[64].place), (65, None), "the others are one");
        assert!(!are_one(&sweep(INSIDE, 22), &sweep(OTHER_INSIDE, 22)));
    }

    #[test]
    fn large_flows_are_part_of_the_egress_of_their_source() {
        let transfer = |to| incidents(&finding(Rule::HighDataTransfer, INSIDE, Some(to), &[443])).own;
        let to_one = incidents(&finding(Rule::LargeEgress, INSIDE, Some(OUTSIDE), &[443]));
        assert_eq!(transfer(OUTSIDE), to_one.own);
        assert_ne!(transfer(OTHER_OUTSIDE), to_one.own);

        let to_several = |bytes: [u64; 2]| {
            let mut destinations = Destinations::default();
            destinations.add(OUTSIDE.into(), bytes[0]);
            destinations.add(OTHER_OUTSIDE.into(), bytes[1]);
            let mut finding = finding(Rule::LargeEgress, INSIDE, None, &[443]);
            finding.tally.bytes = bytes.iter().sum();
            incidents(&Finding { evidence: Evidence::Destinations(destinations), ..finding })
        };
        let mainly_to_one = to_several([900, 100]);
        assert_eq!(mainly_to_one.own, to_one.own, "a few bytes elsewhere make no other incident");
        assert!(mainly_to_one.included.contains(&transfer(OTHER_OUTSIDE)[0]));
        assert_ne!(mainly_to_one.own, to_several([100, 900]).own, "another main destination is another incident");
        assert_eq!(to_several([5, 5]).own, to_several([4, 4]).own);
    }

    #[test]
    fn other_findings_are_incidents_by_their_key() {
        let rejected = finding(Rule::RejectedTcp, OUTSIDE, Some(INSIDE), &[443]);
        let expected = Incidents {
            own: vec![rejected.key("cluster/network/production")],
            included: Vec::new(),
            let_in: Vec::new(),
        };
        assert_eq!(incidents(&rejected), expected);
    }
}
