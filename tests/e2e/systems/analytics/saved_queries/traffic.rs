//! Traffic of a small VPC as lines of a flow log, the same for the same seed.
//!
//! Hosts talk to each other, recorded at both interfaces; with the world, directly and through a NAT gateway, over IPv4 and IPv6; with AWS
//! services; somebody scans ports; interfaces are idle or their records are lost.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use vpc_flow_operator::api::FlowLogField::{self, self as F};

/// The fields of versions 2 to 5, in AWS's order.
pub const FIELDS: &[FlowLogField] = FlowLogField::ALL.split_at(29).0;

/// The two whose history the saved query shows as it stands.
pub const CONVERSATION: [&str; 2] = ["10.0.0.10", "10.0.0.20"];
/// Not external although public: a partner, and the VPC's own IPv6 addresses.
pub const TRUSTED: [&str; 2] = ["198.51.100.128/25", "2001:db8:1::/48"];

const HOSTS: [&str; 5] = [CONVERSATION[0], CONVERSATION[1], "10.0.1.5", "172.31.7.8", "100.64.0.9"];
const HOSTS_V6: [&str; 2] = ["2001:db8:1::5", "fd00:1::6"];
const WORLD: [&str; 5] = ["203.0.113.9", "198.51.100.7", "198.51.100.200", "172.32.0.1", "8.8.8.8"];
const WORLD_V6: [&str; 2] = ["2001:db8:f00::1", "2600:1f18::99"];
const SERVICES: [(&str, &str); 3] = [("52.216.1.2", "S3"), ("3.5.0.9", "S3"), ("52.94.0.5", "DYNAMODB")];
const NAT: (&str, &str) = ("eni-nat", "10.0.0.220");
const SYN: u32 = 2;
const SYN_ACK: u32 = 18;

/// A flow as one interface sees it.
#[derive(Clone)]
struct Seen<'a> {
    interface: String,
    /// `srcaddr` and `dstaddr`.
    shown: [&'a str; 2],
    /// `pkt-srcaddr` and `pkt-dstaddr`.
    packet: [&'a str; 2],
    services: [&'a str; 2],
    ports: [u16; 2],
    tcp_flags: u32,
    bytes: u64,
    accepted: bool,
    start: i64,
}

/// Lines of a few hundred records that begin within the three hours before `until` (Unix seconds).
pub fn lines(seed: u64, until: i64) -> Vec<String> {
    let random = &mut StdRng::seed_from_u64(seed);
    let mut lines = Vec::new();
    for _ in 0..150 {
        let start = until - random.random_range(0..10_800);
        let records = match random.random_range(0..6) {
            0 | 1 => among_hosts(random, start),
            2 => with_the_world(random, start),
            3 => through_the_nat_gateway(random, start),
            4 => with_a_service(random, start),
            _ => rejected(random, start),
        };
        lines.extend(records.iter().map(line));
    }
    // 20 ports are a scan and 19 are none; one inside the VPC is seen by both interfaces.
    let scans = [
        ("198.51.100.66", "10.0.1.5", 20, false),
        ("198.51.100.67", "10.0.1.5", 19, false),
        (HOSTS[3], HOSTS[2], 30, true),
    ];
    for (source, target, ports, accepted) in scans {
        for port in 1..=ports {
            let start = until - i64::from(port);
            let scan = flow([source, target], [50_000, port], SYN, 40, accepted, start);
            let at_source = accepted.then(|| at(source, &scan));
            lines.extend(at_source.iter().chain([&at(target, &scan)]).map(line));
        }
    }
    // A server answers one client at many ports, which is no scan.
    for port in 50_000..50_030 {
        let answer = flow([HOSTS[2], WORLD[0]], [443, port], SYN_ACK, 1_000, true, until);
        lines.push(line(&at(HOSTS[2], &answer)));
    }
    for status in ["NODATA", "SKIPDATA"] {
        for interface in ["eni-idle", "eni-10.0.1.5"] {
            lines.push(silent(interface, status, until));
        }
    }
    lines
}

fn flow(ends: [&str; 2], ports: [u16; 2], tcp_flags: u32, bytes: u64, accepted: bool, start: i64) -> Seen<'_> {
    let interface = String::new();
    Seen { interface, shown: ends, packet: ends, services: ["-", "-"], ports, tcp_flags, bytes, accepted, start }
}

fn at<'a>(host: &str, flow: &Seen<'a>) -> Seen<'a> {
    Seen { interface: format!("eni-{host}"), ..flow.clone() }
}

fn one_of<'a>(random: &mut StdRng, all: &[&'a str]) -> &'a str {
    all.choose(random).unwrap()
}

fn client_port(random: &mut StdRng) -> u16 {
    random.random_range(32_768..=60_999)
}

fn among_hosts<'a>(random: &mut StdRng, start: i64) -> Vec<Seen<'a>> {
    let hosts: &[&str] = if random.random_bool(0.2) { &HOSTS_V6 } else { &HOSTS };
    let pair: Vec<&str> = hosts.choose_multiple(random, 2).copied().collect();
    let (bytes, port) = (random.random_range(40..1_000_000), client_port(random));
    let flow = flow([pair[0], pair[1]], [port, 443], SYN, bytes, true, start);
    // A flow that the receiver's security group rejects has left the sender.
    let arrived = Seen { accepted: random.random_bool(0.8), ..at(pair[1], &flow) };
    vec![at(pair[0], &flow), arrived]
}

fn with_the_world<'a>(random: &mut StdRng, start: i64) -> Vec<Seen<'a>> {
    let (hosts, world): (&[&str], &[&str]) =
        if random.random_bool(0.3) { (&HOSTS_V6, &WORLD_V6) } else { (&HOSTS, &WORLD) };
    let (host, other) = (one_of(random, hosts), one_of(random, world));
    let port = client_port(random);
    let out = flow([host, other], [port, 443], SYN, random.random_range(40..5_000), true, start);
    let back = flow([other, host], [443, port], SYN_ACK, random.random_range(40..9_000_000), true, start + 1);
    vec![at(host, &out), at(host, &back)]
}

/// See "Traffic through a NAT gateway" in "Flow log record examples" of the Amazon VPC user guide.
fn through_the_nat_gateway<'a>(random: &mut StdRng, start: i64) -> Vec<Seen<'a>> {
    let (host, other, port) = (one_of(random, &HOSTS), one_of(random, &WORLD), client_port(random));
    let sent = flow([host, other], [port, 443], SYN, random.random_range(40..50_000), true, start);
    let at_nat = |shown, packet| Seen { interface: NAT.0.into(), shown, packet, ..sent.clone() };
    vec![at(host, &sent), at_nat([host, NAT.1], [host, other]), at_nat([NAT.1, other], [NAT.1, other])]
}

fn with_a_service<'a>(random: &mut StdRng, start: i64) -> Vec<Seen<'a>> {
    let (address, service) = *SERVICES.choose(random).unwrap();
    let (host, port) = (one_of(random, &HOSTS), client_port(random));
    let mut sent = flow([host, address], [port, 443], SYN, random.random_range(40..50_000), true, start);
    sent.services[1] = service;
    let mut got = flow([address, host], [443, port], SYN_ACK, random.random_range(40..500_000), true, start);
    got.services[0] = service;
    let at_nat = Seen { interface: NAT.0.into(), shown: [host, NAT.1], ..sent.clone() };
    vec![at(host, &sent), at_nat, at(host, &got)]
}

fn rejected<'a>(random: &mut StdRng, start: i64) -> Vec<Seen<'a>> {
    let (host, other) = (one_of(random, &HOSTS), one_of(random, &WORLD));
    let port = *[22, 23, 3389, 5432].choose(random).unwrap();
    vec![at(host, &flow([other, host], [client_port(random), port], SYN, 40, false, start))]
}

fn line(seen: &Seen<'_>) -> String {
    let value = |field: &FlowLogField| match field {
        F::Version => "5".to_owned(),
        F::AccountId => "123456789012".to_owned(),
        F::InterfaceId => seen.interface.clone(),
        F::SrcAddr => seen.shown[0].to_owned(),
        F::DstAddr => seen.shown[1].to_owned(),
        F::SrcPort => seen.ports[0].to_string(),
        F::DstPort => seen.ports[1].to_string(),
        F::Protocol => "6".to_owned(),
        F::Packets => (seen.bytes / 40).to_string(),
        F::Bytes => seen.bytes.to_string(),
        F::Start => seen.start.to_string(),
        F::End => (seen.start + 59).to_string(),
        F::Action => if seen.accepted { "ACCEPT" } else { "REJECT" }.to_owned(),
        F::LogStatus => "OK".to_owned(),
        F::VpcId => "vpc-1".to_owned(),
        F::TcpFlags => seen.tcp_flags.to_string(),
        F::Type => if seen.shown[0].contains(':') { "IPv6" } else { "IPv4" }.to_owned(),
        F::PktSrcAddr => seen.packet[0].to_owned(),
        F::PktDstAddr => seen.packet[1].to_owned(),
        F::Region => "eu-west-1".to_owned(),
        F::PktSrcAwsService => seen.services[0].to_owned(),
        F::PktDstAwsService => seen.services[1].to_owned(),
        _ => "-".to_owned(),
    };
    FIELDS.iter().map(value).collect::<Vec<_>>().join(" ")
}

/// A record without traffic.
fn silent(interface: &str, status: &str, start: i64) -> String {
    let value = |field: &FlowLogField| match field {
        F::Version => "5".to_owned(),
        F::AccountId => "123456789012".to_owned(),
        F::InterfaceId => interface.to_owned(),
        F::Start => start.to_string(),
        F::End => (start + 59).to_string(),
        F::LogStatus => status.to_owned(),
        _ => "-".to_owned(),
    };
    FIELDS.iter().map(value).collect::<Vec<_>>().join(" ")
}
