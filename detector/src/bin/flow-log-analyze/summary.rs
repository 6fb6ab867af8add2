//! Where the traffic goes.

use std::collections::HashMap;

use detector::record::{Action, Record, TCP, UDP};
use detector::rules::{Ends, Flow};

use crate::talkers::{Sum, Talkers};

/// Sums over all records. Both ends of a conversation count once, as for the rules.
#[derive(Debug, Default)]
pub struct Summary {
    /// The earliest `start`, Unix seconds.
    pub first: Option<u64>,
    /// The latest `end`, Unix seconds.
    pub last: Option<u64>,
    /// Records that stand for no traffic.
    pub without_traffic: u64,
    /// Bytes that passed, by direction, and those rejected.
    pub bytes: DirectionBytes,
    /// Sums by source and destination, rejected or not.
    pub talkers: Talkers,
    rejected: HashMap<Port, Sum>,
}

/// Bytes by direction: each record counts in one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectionBytes {
    /// From addresses that are not public to public ones.
    pub inside_to_public: u64,
    /// From public addresses to others.
    pub public_to_inside: u64,
    /// Between addresses that are not public.
    pub inside_to_inside: u64,
    /// Between public addresses, or where the records lack one.
    pub other: u64,
    /// Rejected, in whatever direction.
    pub rejected: u64,
}

/// A port of TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// Its number.
    pub number: u16,
    /// IANA's number, if the format has it.
    pub protocol: Option<u8>,
}

impl Summary {
    /// Counts a record; `flow` is the result of the rules' engine for it.
    #[inline]
    pub fn add(&mut self, record: &Record<'_>, flow: Option<&Flow>) {
        self.first = self.first.into_iter().chain(record.start).min();
        self.last = self.last.max(record.end);
        let Some(flow) = flow else {
            self.without_traffic += 1;
            return;
        };
        let is_rejected = record.action == Some(Action::Reject);
        if is_rejected {
            self.add_rejected(record);
        }
        if !flow.is_other_end {
            self.add_bytes(&flow.ends, record.bytes.unwrap_or_default(), is_rejected);
        }
    }

    #[inline]
    fn add_bytes(&mut self, ends: &Ends, bytes: u64, is_rejected: bool) {
        let DirectionBytes { inside_to_public, public_to_inside, inside_to_inside, other, rejected } = &mut self.bytes;
        let sum = match ends {
            _ if is_rejected => rejected,
            Ends { source: Some(_), destination: Some(_), from_public, to_public } => match (from_public, to_public) {
                (false, true) => inside_to_public,
                (true, false) => public_to_inside,
                (false, false) => inside_to_inside,
                (true, true) => other,
            },
            _ => other,
        };
        *sum = sum.saturating_add(bytes);
        if let (Some(source), Some(destination)) = (ends.source, ends.destination) {
            self.talkers.add(source, destination, bytes);
        }
    }

    /// A rejection is recorded at one end only, so each counts.
    fn add_rejected(&mut self, record: &Record<'_>) {
        let Record { destination_port: Some(number), protocol: protocol @ (None | Some(TCP | UDP)), .. } = *record
        else {
            return;
        };
        self.rejected.entry(Port { number, protocol }).or_default().add(record.bytes.unwrap_or_default());
    }

    /// The ports with most rejected records, the largest first.
    pub fn rejected_ports(&self, count: usize) -> Vec<(Port, Sum)> {
        let mut all: Vec<_> = self.rejected.iter().map(|(port, sum)| (*port, *sum)).collect();
        all.sort_unstable_by(|(a, x), (b, y)| (y.records, y.bytes).cmp(&(x.records, x.bytes)).then(a.cmp(b)));
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use detector::record::Parser;
    use detector::rules::{Config, Engine};

    use super::*;

    fn summary(lines: &[&str]) -> Summary {
        let format = "${interface-id} ${srcaddr} ${dstaddr} ${dstport} ${protocol} ${bytes} ${start} ${end} ${action}";
        let parser = Parser::new(format!("{format} ${{log-status}}").parse().unwrap());
        let mut engine = Engine::new(&Config::default());
        let mut summary = Summary::default();
        for line in lines {
            let record = parser.parse(line).unwrap();
            let flow = engine.observe(&record);
            summary.add(&record, flow.as_ref());
        }
        summary
    }

    #[test]
    fn every_byte_counts_once_in_its_direction() {
        let summary = summary(&[
            "eni-a 10.0.0.1 198.51.100.1 443 6 1 100 160 ACCEPT OK",
            "eni-a 198.51.100.1 10.0.0.1 5000 6 20 90 150 ACCEPT OK",
            "eni-a 10.0.0.1 10.0.0.2 443 6 300 110 170 ACCEPT OK",
            "eni-b 10.0.0.1 10.0.0.2 443 6 300 110 170 ACCEPT OK",
            "eni-a 198.51.100.1 203.0.113.1 443 6 4000 110 170 ACCEPT OK",
            "eni-a 10.0.0.1 - 443 6 50000 110 170 ACCEPT OK",
            "eni-a 198.51.100.1 10.0.0.1 22 6 600000 110 170 REJECT OK",
            "eni-a - - - - - 80 200 - NODATA",
        ]);
        let expected = DirectionBytes {
            inside_to_public: 1,
            public_to_inside: 20,
            inside_to_inside: 300,
            other: 54_000,
            rejected: 600_000,
        };
        assert_eq!(summary.bytes, expected);
        assert_eq!((summary.first, summary.last, summary.without_traffic), (Some(80), Some(200), 1));
        let top = summary.talkers.top(9);
        assert_eq!(top[0].1, Sum { bytes: 600_020, records: 2 });
        assert_eq!(top.len(), 4);
    }

    #[test]
    fn rejected_ports_are_those_that_have_ports_the_most_frequent_first() {
        let line =
            |port: u16, protocol: &str| format!("eni-a 198.51.100.1 10.0.0.1 {port} {protocol} 40 1 2 REJECT OK");
        let lines = [line(22, "6"), line(53, "17"), line(22, "6"), line(0, "1"), line(8, "-"), line(22, "17")];
        let ports = summary(&lines.each_ref().map(String::as_str)).rejected_ports(3);
        let expected = [(22, Some(6), 2), (8, None, 1), (22, Some(17), 1)];
        assert_eq!(
            ports.iter().map(|(port, sum)| (port.number, port.protocol, sum.records)).collect::<Vec<_>>(),
            expected
        );
    }
}
