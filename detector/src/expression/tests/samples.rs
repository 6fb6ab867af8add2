//! Records for expressions.

use std::net::IpAddr;

use proptest::prelude::*;
use proptest::sample::select;

use crate::rules::Ends;

pub const FORMAT: &str = "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} \
                          ${end} ${action} ${log-status} ${tcp-flags} ${pkt-srcaddr} ${pkt-dstaddr} ${flow-direction} \
                          ${traffic-path}";

pub const ADDRESSES: &[&str] = &["10.0.0.1", "10.0.0.2", "203.0.113.9", "2001:db8::1"];

/// Names of fields with values that they can have.
pub const FIELDS: [(&str, &[&str]); 17] = [
    ("interface_id", &["eni-1", "eni-2", "eni-3"]),
    ("srcaddr", ADDRESSES),
    ("dstaddr", ADDRESSES),
    ("srcport", &["0", "22", "443", "5432", "50000"]),
    ("dstport", &["0", "22", "443", "5432", "65535"]),
    ("protocol", &["1", "6", "17", "255"]),
    ("packets", &["1", "2", "3000000000"]),
    ("bytes", &["0", "40", "5000000000"]),
    ("start", &["1200000000", "1200000060"]),
    ("end", &["1200000060", "1200000120"]),
    ("action", &["ACCEPT", "REJECT"]),
    ("log_status", &["OK", "NODATA", "SKIPDATA"]),
    ("tcp_flags", &["0", "1", "2", "4", "16", "18"]),
    ("pkt_srcaddr", ADDRESSES),
    ("pkt_dstaddr", ADDRESSES),
    ("flow_direction", &["ingress", "egress"]),
    ("traffic_path", &["1", "2", "8"]),
];

/// A record, its values as text, and the public ends.
#[derive(Clone, Debug)]
pub struct Sample {
    pub values: Vec<&'static str>,
    pub from_public: bool,
    pub to_public: bool,
}

impl Sample {
    /// A connection to a database.
    pub fn known() -> Self {
        let line =
            "eni-1 10.0.0.1 10.0.0.2 50000 5432 6 1 40 1200000000 1200000060 ACCEPT OK 2 10.0.0.1 10.0.0.2 ingress -";
        Self { values: line.split(' ').collect(), from_public: false, to_public: false }
    }

    /// No value is known.
    pub fn unknown() -> Self {
        Self { values: vec!["-"; FIELDS.len()], from_public: false, to_public: false }
    }

    pub fn line(&self) -> String {
        self.values.join(" ")
    }

    /// The text of a field, `None` if it is unknown.
    pub fn text(&self, name: &str) -> Option<&'static str> {
        let place = FIELDS.iter().position(|(known, _)| *known == name).unwrap();
        Some(self.values[place]).filter(|value| *value != "-")
    }

    fn address(&self, names: [&str; 2]) -> Option<IpAddr> {
        names.iter().find_map(|name| self.text(name)).map(|text| text.parse().unwrap())
    }

    pub fn ends(&self) -> Ends {
        Ends {
            source: self.address(["pkt_srcaddr", "srcaddr"]),
            destination: self.address(["pkt_dstaddr", "dstaddr"]),
            from_public: self.from_public,
            to_public: self.to_public,
        }
    }
}

/// Any record. If it is `complete`, it has every value.
pub fn sample(complete: bool) -> impl Strategy<Value = Sample> {
    let value = move |values: &'static [&'static str]| {
        (select(values), prop::bool::weighted(0.3))
            .prop_map(move |(value, lacks)| if lacks && !complete { "-" } else { value })
    };
    let values: Vec<_> = FIELDS.iter().map(|(_, values)| value(values)).collect();
    (values, any::<bool>(), any::<bool>()).prop_map(|(values, from_public, to_public)| Sample {
        values,
        from_public,
        to_public,
    })
}
