//! Records of a VPC, drawn from a seed: the same on every machine.

use std::net::Ipv4Addr;

use fastrand::Rng;

/// Describes the records of [`everyday`] in the report.
pub const EVERYDAY: &str = "default format (version 2), 20 interfaces, 5,000 records of each over 10 minutes: 36% between \
     inside addresses, 30% inside to public web servers, 26% public clients to inside web servers, each with its reply and \
     its peers by Zipf's law; 6.5% rejected probes of 40 scanners, 1% ICMP, 0.5% NODATA; one flow in 10,000 above 50 MB";

/// Describes the records of [`hostile`] in the report.
pub const HOSTILE: &str = "every record of a new source, numbered so that as many as can be fit into an event: a third \
     from public to one of 50 inside addresses, a third from inside to new public ones, a third between new inside ones; \
     half of them rejected, all above 50 MB";

/// Interfaces of the VPC.
pub const INTERFACES: usize = 20;

/// Records of an interface: somewhat less than the 1 MiB that `PutLogEvents` takes at a time.
const RECORDS: usize = 5_000;

/// Unix seconds.
const BEGIN: u64 = 1_767_225_600;

/// The id of an interface.
pub fn interface_id(interface: usize) -> String {
    format!("eni-0a1b2c3d4e5f6{interface:04x}")
}

/// Addresses by rank: the n-th is drawn 1/n as often as the first.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(count: u32) -> Self {
        let sums = (1..=count).scan(0.0, |sum, rank| {
            *sum += 1.0 / f64::from(rank);
            Some(*sum)
        });
        Self(sums.collect())
    }

    fn rank(&self, rng: &mut Rng) -> usize {
        let drawn = rng.f64() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum < drawn)
    }
}

#[derive(Clone)]
struct Flow {
    source: String,
    destination: String,
    source_port: u16,
    destination_port: u16,
    protocol: u8,
}

impl Flow {
    fn reply(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            source_port: self.destination_port,
            destination_port: self.source_port,
            protocol: self.protocol,
        }
    }

    fn line(&self, interface: usize, start: u64, bytes: u64, action: &str) -> String {
        let Self { source, destination, source_port, destination_port, protocol } = self;
        let (interface, packets, end) = (interface_id(interface), bytes / 900 + 1, start + 58);
        format!(
            "2 123456789012 {interface} {source} {destination} {source_port} {destination_port} {protocol} {packets} \
             {bytes} {start} {end} {action} OK"
        )
    }
}

/// Most flows are small, few are large.
fn bytes(rng: &mut Rng) -> u64 {
    if rng.u32(0..10_000) == 0 {
        return rng.u64(50_000_001..200_000_000);
    }
    let magnitude = rng.u32(6..20);
    rng.u64(1 << magnitude..2 << magnitude)
}

fn ephemeral_port(rng: &mut Rng) -> u16 {
    rng.u16(32_768..61_000)
}

fn public_address(network: u8, rank: usize) -> String {
    format!("{network}.{}.{}.{}", rank % 251, rank / 251, 1 + rank % 250)
}

/// The peers of an interface.
struct Peers {
    inside: Zipf,
    services: Zipf,
    clients: Zipf,
    scanners: Zipf,
}

/// The records of each interface on a usual day: see [`EVERYDAY`].
pub fn everyday() -> Vec<Vec<String>> {
    let mut rng = Rng::with_seed(4);
    let peers =
        Peers { inside: Zipf::new(64), services: Zipf::new(200), clients: Zipf::new(4_000), scanners: Zipf::new(40) };
    (0..INTERFACES).map(|interface| peers.records(interface, &mut rng)).collect()
}

impl Peers {
    fn records(&self, interface: usize, rng: &mut Rng) -> Vec<String> {
        let mut lines = Vec::with_capacity(RECORDS + 1);
        while lines.len() < RECORDS {
            let start = BEGIN + (lines.len() * 600 / RECORDS) as u64;
            self.add(&mut lines, interface, start, rng);
        }
        lines.truncate(RECORDS);
        lines
    }

    /// Adds a conversation of both ways, or a record that stands alone.
    fn add(&self, lines: &mut Vec<String>, interface: usize, start: u64, rng: &mut Rng) {
        let own = format!("10.0.{}.{}", interface % 4, 10 + interface);
        let (peer, port, peer_opens) = match rng.u32(0..108) {
            0..36 => {
                let rank = self.inside.rank(rng);
                let ports = [443, 5432, 6379, 8080, 53];
                (format!("10.0.{}.{}", rank % 4, 100 + rank), ports[rank % ports.len()], rng.bool())
            }
            36..66 => (public_address(52, self.services.rank(rng)), 443, false),
            66..92 => (public_address(81, self.clients.rank(rng)), 443, true),
            92..105 => return lines.push(self.probe(own, rng).line(interface, start, 40, "REJECT")),
            105..107 => {
                let peer = format!("10.0.0.{}", rng.u8(2..200));
                let ping = Flow { source: own, destination: peer, source_port: 0, destination_port: 0, protocol: 1 };
                return lines.push(ping.line(interface, start, 84, "ACCEPT"));
            }
            _ => {
                let (interface, end) = (interface_id(interface), start + 58);
                return lines.push(format!("2 123456789012 {interface} - - - - - - - {start} {end} - NODATA"));
            }
        };
        let (source, destination) = if peer_opens { (peer, own) } else { (own, peer) };
        let protocol = if port == 53 { 17 } else { 6 };
        let request = Flow { source, destination, source_port: ephemeral_port(rng), destination_port: port, protocol };
        lines.push(request.line(interface, start, bytes(rng), "ACCEPT"));
        lines.push(request.reply().line(interface, start, bytes(rng), "ACCEPT"));
    }

    /// Half of the probes go to ports that scanners look for, half to any port.
    fn probe(&self, destination: String, rng: &mut Rng) -> Flow {
        let wanted = [22, 23, 80, 445, 3389, 6379, 8080];
        let destination_port = if rng.bool() { wanted[rng.usize(..wanted.len())] } else { rng.u16(1..) };
        let source = public_address(185, self.scanners.rank(rng));
        Flow { source, destination, source_port: ephemeral_port(rng), destination_port, protocol: 6 }
    }
}

/// Records without end that give the rules as much to remember as records can: see [`HOSTILE`].
pub fn hostile() -> impl Iterator<Item = String> {
    (0_u32..).map(|nth| {
        let address = |network: u8, number: u32| Ipv4Addr::from((u32::from(network) << 24) | number).to_string();
        let inside = |number| address(10, number);
        let (source, destination) = match nth % 3 {
            0 => (address(11, nth), inside(nth % 50)),
            1 => (inside(nth), address(12, nth)),
            _ => (inside(nth), inside(nth + 1)),
        };
        let destination_port = 1 + (nth % 60_000) as u16;
        let flow = Flow { source, destination, source_port: u16::MAX, destination_port, protocol: 6 };
        let (bytes, action) = if nth % 2 == 0 { (50_000_001, "REJECT") } else { (600_000_000, "ACCEPT") };
        flow.line(0, BEGIN + u64::from(nth) / 1_000, bytes, action)
    })
}
