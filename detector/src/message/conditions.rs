//! The conditions by which a query finds the records of a finding, in no query language yet.

use flow_log_fields::Field;

use crate::finding::{Detail, Finding, Subject};
use crate::format::LogFormat;
use crate::record::TCP;
use crate::rules::{Config, Rule};

/// Every field that a condition or a time range can be about.
pub const QUERIED_FIELDS: &[Field] = &[
    Field::InterfaceId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::PktSrcAddr,
    Field::PktDstAddr,
    Field::DstPort,
    Field::Protocol,
    Field::Bytes,
    Field::Start,
    Field::Action,
    Field::LogStatus,
];

/// A condition: one of the fields has one of the values, or more than it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    fields: Vec<Field>,
    operator: &'static str,
    values: Vec<Value>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(u64),
}

/// The part of a query language that conditions need.
pub(super) struct Language {
    pub quote: char,
    pub or: &'static str,
    pub name: fn(Field) -> String,
}

impl Condition {
    pub(super) fn render(&self, language: &Language) -> String {
        let Language { quote, or, name } = language;
        let tests: Vec<_> = self
            .fields
            .iter()
            .flat_map(|field| self.values.iter().map(move |value| (name(*field), value)))
            .map(|(name, value)| match value {
                Value::Text(text) => format!("{name} {} {quote}{text}{quote}", self.operator),
                Value::Number(number) => format!("{name} {} {number}", self.operator),
            })
            .collect();
        let joined = tests.join(&format!(" {or} "));
        if tests.len() > 1 { format!("({joined})") } else { joined }
    }
}

/// The conditions of a finding on records of `format`. Conditions on fields that the format lacks are left out.
pub(super) fn conditions(finding: &Finding, format: &LogFormat, config: &Config) -> Vec<Condition> {
    let Finding { rule, subject: Subject { source, destination, detail }, tally, .. } = finding;
    let one_of = |fields: &[Field], operator, values: Vec<Value>| {
        let fields: Vec<_> = fields.iter().copied().filter(|field| format.has(*field)).collect();
        (!fields.is_empty() && !values.is_empty()).then_some(Condition { fields, operator, values })
    };
    let text = |field, text: &str| one_of(&[field], "=", vec![Value::Text(text.to_owned())]);
    let number = |field, operator, number: u64| one_of(&[field], operator, vec![Value::Number(number)]);
    let address = |fields: &[Field], address: &Option<_>| {
        one_of(fields, "=", address.iter().map(|address: &std::net::IpAddr| Value::Text(address.to_string())).collect())
    };
    let rule = rule.built_in();
    let ports = match detail {
        Detail::Port(port) => vec![*port],
        // A list that is not complete would hide records.
        _ if rule == Some(Rule::PortScan) || tally.ports.has_more() => Vec::new(),
        _ => tally.ports.sorted(),
    };
    let of_rule = match (rule, detail) {
        (Some(Rule::HighDataTransfer), _) => vec![number(Field::Bytes, ">", config.high_transfer_bytes)],
        // Rejected connections that were folded into it are part of the incident.
        (Some(Rule::SensitivePortAccepted), _) if finding.folded.is_empty() => vec![text(Field::Action, "ACCEPT")],
        (Some(Rule::SensitivePortRejected), _) => vec![text(Field::Action, "REJECT")],
        (Some(Rule::RejectedTcp), _) => {
            vec![text(Field::Action, "REJECT"), number(Field::Protocol, "=", u64::from(TCP))]
        }
        (_, Detail::Protocol(protocol)) => vec![number(Field::Protocol, "=", u64::from(*protocol))],
        (Some(Rule::SkippedRecords), _) => {
            let interface = tally.interfaces.names().next();
            vec![text(Field::LogStatus, "SKIPDATA"), interface.and_then(|name| text(Field::InterfaceId, &name))]
        }
        _ => Vec::new(),
    };
    [
        address(&[Field::PktSrcAddr, Field::SrcAddr], source),
        address(&[Field::PktDstAddr, Field::DstAddr], destination),
        one_of(&[Field::DstPort], "=", ports.into_iter().map(|port| Value::Number(port.into())).collect()),
    ]
    .into_iter()
    .chain(of_rule)
    .flatten()
    .collect()
}
