//! The expected results of the saved queries, computed in plain Rust from the lines as the detector reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use detector::format::{Column, LogFormat};
use detector::record::{Action, Parser, Record};
use flow_log_fields::Field;
use ipnet::IpNet;

use super::traffic::{CONVERSATION, FIELDS, TRUSTED};

/// Rows of a result.
pub type Rows = Vec<Vec<String>>;

/// The subject of the queries: a flow, as one interface recorded it.
#[derive(Clone)]
pub struct Flow {
    /// The day whose folder it is in, `YYYY-MM-DD`.
    date: String,
    interface: String,
    source: String,
    destination: String,
    port: u16,
    bytes: u64,
    start: i64,
    tcp_flags: u16,
    rejected: bool,
    /// AWS services of source and destination.
    services: [Option<String>; 2],
}

/// The flows in the lines, as the detector reads them.
pub fn flows(lines: &[String], date: &str) -> Vec<Flow> {
    let parser = Parser::new(LogFormat::from_names(FIELDS.iter().map(|field| field.name())).unwrap());
    let records = lines.iter().map(|line| parser.parse(line).unwrap());
    records.filter(Record::has_traffic).map(|record| flow(&record, date)).collect()
}

fn flow(record: &Record<'_>, date: &str) -> Flow {
    let service = |wanted: Field| {
        let found = record.values().find(|(column, _)| **column == Column::Known(wanted));
        found.unwrap().1.map(|value| value.to_string())
    };
    Flow {
        date: date.to_owned(),
        interface: record.interface_id.unwrap().to_owned(),
        source: record.packet_source.unwrap().to_string(),
        destination: record.packet_destination.unwrap().to_string(),
        port: record.destination_port.unwrap(),
        bytes: record.bytes.unwrap(),
        start: record.start.unwrap().try_into().unwrap(),
        tcp_flags: record.tcp_flags.unwrap(),
        rejected: record.action == Some(Action::Reject),
        services: [service(Field::PktSrcAwsService), service(Field::PktDstAwsService)],
    }
}

#[derive(Clone, Copy, Default)]
struct Sums {
    bytes: u64,
    flows: u64,
}

/// Sums by key, each taken from the interface that saw most of it.
fn counted_once<K: Ord + Clone>(flows: &[Flow], key: impl Fn(&Flow) -> K) -> BTreeMap<K, Sums> {
    let mut per_interface: BTreeMap<(K, &str), Sums> = BTreeMap::new();
    for flow in flows {
        let sums = per_interface.entry((key(flow), &flow.interface)).or_default();
        *sums = Sums { bytes: sums.bytes + flow.bytes, flows: sums.flows + 1 };
    }
    let mut once: BTreeMap<K, Sums> = BTreeMap::new();
    for ((key, _), sums) in per_interface {
        let most = once.entry(key).or_default();
        *most = Sums { bytes: most.bytes.max(sums.bytes), flows: most.flows.max(sums.flows) };
    }
    once
}

fn ends(flow: &Flow) -> (String, String) {
    (flow.source.clone(), flow.destination.clone())
}

/// The rows with the greatest figures first; what is equal keeps its order.
fn greatest_first(mut rows: Vec<(u64, Vec<String>)>, limit: usize) -> Rows {
    rows.sort_by_key(|(figure, _)| std::cmp::Reverse(*figure));
    rows.into_iter().take(limit).map(|(_, row)| row).collect()
}

pub fn top_talkers(flows: &[Flow]) -> Rows {
    let pairs = counted_once(flows, ends).into_iter();
    let row = |((source, destination), sums): ((String, String), Sums)| {
        (sums.bytes, vec![source, destination, sums.bytes.to_string(), sums.flows.to_string()])
    };
    greatest_first(pairs.map(row).collect(), 100)
}

pub fn external_conversations(flows: &[Flow]) -> Rows {
    let mut conversations: BTreeMap<(String, String), [u64; 3]> = BTreeMap::new();
    for ((source, destination), sums) in counted_once(flows, ends) {
        match (is_inside(&source), is_inside(&destination)) {
            (true, false) => {
                let [out, _, flows] = conversations.entry((destination, source)).or_default();
                (*out, *flows) = (*out + sums.bytes, *flows + sums.flows);
            }
            (false, true) => {
                let [_, back, flows] = conversations.entry((source, destination)).or_default();
                (*back, *flows) = (*back + sums.bytes, *flows + sums.flows);
            }
            _ => {}
        }
    }
    let row = |((external, internal), [out, back, flows]): ((String, String), [u64; 3])| {
        (out + back, vec![external, internal, out.to_string(), back.to_string(), flows.to_string()])
    };
    greatest_first(conversations.into_iter().map(row).collect(), 100)
}

fn is_inside(address: &str) -> bool {
    let private =
        ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10"];
    let address: IpAddr = address.parse().unwrap();
    private.iter().chain(&TRUSTED).any(|network| network.parse::<IpNet>().unwrap().contains(&address))
}

pub fn port_scans(flows: &[Flow]) -> Rows {
    const SYN_AND_ACK: u16 = 18;
    const SYN: u16 = 2;
    let mut attempts: BTreeMap<(String, String), BTreeMap<&str, Vec<&Flow>>> = BTreeMap::new();
    for flow in flows.iter().filter(|flow| flow.tcp_flags & SYN_AND_ACK == SYN) {
        attempts.entry(ends(flow)).or_default().entry(&flow.interface).or_default().push(flow);
    }
    let mut scans = Vec::new();
    for ((source, destination), seen) in attempts {
        let ports = seen.values().map(|flows| flows.iter().map(|flow| flow.port).collect::<BTreeSet<_>>().len());
        let (ports, count) = (ports.max().unwrap() as u64, seen.values().map(Vec::len).max().unwrap());
        let starts = || seen.values().flatten().map(|flow| flow.start);
        if ports >= 20 {
            let (first, last) = (time(starts().min().unwrap()), time(starts().max().unwrap()));
            scans.push((ports, vec![source, destination, ports.to_string(), count.to_string(), first, last]));
        }
    }
    greatest_first(scans, 100)
}

pub fn rejected_by_source_and_port(flows: &[Flow]) -> Rows {
    let mut rejected: BTreeMap<(&str, u16), Vec<&Flow>> = BTreeMap::new();
    for flow in flows.iter().filter(|flow| flow.rejected) {
        rejected.entry((&flow.source, flow.port)).or_default().push(flow);
    }
    let row = |((source, port), flows): ((&str, u16), Vec<&Flow>)| {
        let addresses = flows.iter().map(|flow| &flow.destination).collect::<BTreeSet<_>>().len();
        let row = vec![source.to_owned(), port.to_string(), flows.len().to_string(), addresses.to_string()];
        (flows.len() as u64, row)
    };
    greatest_first(rejected.into_iter().map(row).collect(), 100)
}

pub fn bytes_by_interface_and_hour(flows: &[Flow]) -> Rows {
    let mut hours: BTreeMap<(i64, &str), Sums> = BTreeMap::new();
    for flow in flows {
        let sums = hours.entry((-hour(flow.start), &flow.interface)).or_default();
        *sums = Sums { bytes: sums.bytes + flow.bytes, flows: sums.flows + 1 };
    }
    let mut rows: Vec<_> = hours.into_iter().collect();
    rows.sort_by_key(|((hour, interface), sums)| (*hour, std::cmp::Reverse(sums.bytes), *interface));
    let row = |((hour, interface), sums): ((i64, &str), Sums)| {
        vec![interface.to_owned(), time(-hour), sums.bytes.to_string(), sums.flows.to_string()]
    };
    rows.into_iter().map(row).take(1000).collect()
}

pub fn daily_volume(flows: &[Flow]) -> Rows {
    let mut days: BTreeMap<&str, Sums> = BTreeMap::new();
    for flow in flows {
        let sums = days.entry(&flow.date).or_default();
        *sums = Sums { bytes: sums.bytes + flow.bytes, flows: sums.flows + 1 };
    }
    let row = |(date, sums): (&str, Sums)| vec![date.to_owned(), sums.bytes.to_string(), sums.flows.to_string()];
    days.into_iter().rev().map(row).collect()
}

pub fn traffic_by_aws_service(flows: &[Flow]) -> Rows {
    let mut services: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for (([source, destination], _), sums) in counted_once(flows, |flow| (flow.services.clone(), ends(flow))) {
        for (service, to, from) in [(destination, sums.bytes, 0), (source, 0, sums.bytes)] {
            if let Some(service) = service {
                let figures = services.entry(service).or_default();
                *figures = [figures[0] + to, figures[1] + from, figures[2] + sums.flows];
            }
        }
    }
    let row = |(service, [to, from, flows]): (String, [u64; 3])| {
        (to + from, vec![service, to.to_string(), from.to_string(), flows.to_string()])
    };
    greatest_first(services.into_iter().map(row).collect(), 100)
}

pub fn conversation_history(flows: &[Flow]) -> Rows {
    let [first, second] = CONVERSATION;
    let mut hours: BTreeMap<i64, BTreeMap<&str, [u64; 4]>> = BTreeMap::new();
    for flow in flows {
        let from_first = match (flow.source.as_str(), flow.destination.as_str()) {
            ends if ends == (first, second) => true,
            ends if ends == (second, first) => false,
            _ => continue,
        };
        let seen = hours.entry(hour(flow.start)).or_default().entry(&flow.interface).or_default();
        seen[usize::from(!from_first)] += flow.bytes;
        seen[2] += 1;
        seen[3] += u64::from(flow.rejected);
    }
    let row = |(hour, seen): (i64, BTreeMap<&str, [u64; 4]>)| {
        let most = |figure: usize| seen.values().map(|figures| figures[figure]).max().unwrap().to_string();
        [time(hour)].into_iter().chain((0..4).map(most)).collect()
    };
    hours.into_iter().rev().map(row).collect()
}

fn hour(seconds: i64) -> i64 {
    seconds - seconds.rem_euclid(3600)
}

/// As Athena shows times, without fractions and zone.
fn time(seconds: i64) -> String {
    DateTime::from_secs(seconds)
        .fmt(DateTimeFormat::DateTime)
        .unwrap()
        .replace('T', " ")
        .trim_end_matches('Z')
        .to_owned()
}
