//! The compiled tree and an interpreter that follows the definition agree.

use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::samples::{FORMAT, Sample, sample};
use super::sketch::{Sketch, is_number, sketch};
use super::*;
use crate::record::Record;
use crate::rules::connection::opens_connection;

/// Kleene's logic, from the texts of a record.
struct Naive<'r> {
    sample: &'r Sample,
    record: &'r Record<'r>,
}

impl Naive<'_> {
    fn text(&self, name: &str) -> Option<&'static str> {
        match name {
            "source" => self.sample.text("pkt_srcaddr").or_else(|| self.sample.text("srcaddr")),
            "destination" => self.sample.text("pkt_dstaddr").or_else(|| self.sample.text("dstaddr")),
            name => self.sample.text(name),
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        let tcp = |bit: u16| self.text("tcp_flags").map(|flags| flags.parse::<u16>().unwrap() & bit != 0);
        match name {
            "source_public" => self.text("source").map(|_| self.sample.from_public),
            "destination_public" => self.text("destination").map(|_| self.sample.to_public),
            "opens" => self.text("dstport").map(|_| opens_connection(self.record)),
            "fin" => tcp(1),
            "syn" => tcp(2),
            "rst" => tcp(4),
            "ack" => tcp(16),
            other => panic!("{other}"),
        }
    }

    fn evaluate(&self, sketch: &Sketch) -> Option<bool> {
        match sketch {
            Sketch::Constant(value) => Some(*value),
            Sketch::Flag(name) => self.flag(name),
            Sketch::Compare(name, operator, text) => self.text(name).map(|value| {
                let order = if is_number(name) {
                    value.parse::<u64>().unwrap().cmp(&text.parse().unwrap())
                } else {
                    value.cmp(text)
                };
                match *operator {
                    "==" => order.is_eq(),
                    "!=" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                }
            }),
            Sketch::Member(name, texts) => self.text(name).map(|value| texts.contains(&value)),
            Sketch::Networks(name, texts) => self.text(name).map(|value| {
                let address: IpAddr = value.parse().unwrap();
                // `::/0` has the IPv4 addresses that are written as ones of IPv6.
                texts.iter().any(|text| *text == "::/0" || text.parse::<IpNet>().unwrap().contains(&address))
            }),
            Sketch::Has(name) => {
                let is_flag = super::sketch::FLAGS.contains(name);
                Some(if is_flag { self.flag(name).is_some() } else { self.text(name).is_some() })
            }
            Sketch::Not(inner) => self.evaluate(inner).map(|value| !value),
            Sketch::All(parts) => self.decide(parts, false),
            Sketch::Any(parts) => self.decide(parts, true),
        }
    }

    /// One part with the outcome `deciding` decides; otherwise one that is unknown.
    fn decide(&self, parts: &[Sketch], deciding: bool) -> Option<bool> {
        let outcomes: Vec<_> = parts.iter().map(|part| self.evaluate(part)).collect();
        let has = |outcome| outcomes.contains(&outcome);
        if has(Some(deciding)) {
            Some(deciding)
        } else if has(None) {
            None
        } else {
            Some(!deciding)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_tree_agrees_with_the_definition(sketch in sketch(true), sample in sample(false)) {
        let text = sketch.to_string();
        prop_assume!(text.len() <= MAX_CHARS);
        let (parser, line) = (Parser::new(FORMAT.parse().unwrap()), sample.line());
        let record = parser.parse(&line).unwrap();
        let naive = Naive { sample: &sample, record: &record }.evaluate(&sketch);
        let expression = compile(&text);
        prop_assert_eq!(expression.matches(&record, &sample.ends()), naive == Some(true), "{} on {}", text, line);
        prop_assert_eq!(is_found(&expression, &record, &sample.ends()), naive == Some(true), "{} on {}", text, line);
    }

    /// A record that has no other fields than the format does not match if the expression lacks one.
    #[test]
    fn an_expression_that_lacks_a_field_matches_no_record(sketch in sketch(true), sample in sample(false)) {
        let text = sketch.to_string();
        prop_assume!(text.len() <= MAX_CHARS);
        let names: Vec<_> = FORMAT.split(' ').zip(&sample.values).filter(|(_, value)| **value != "-").collect();
        prop_assume!(!names.is_empty());
        let format: Vec<_> = names.iter().map(|(name, _)| *name).collect();
        let line: Vec<_> = names.iter().map(|(_, value)| **value).collect();
        let (parser, line) = (Parser::new(format.join(" ").parse().unwrap()), line.join(" "));
        let (expression, record) = (compile(&text), parser.parse(&line).unwrap());
        if expression.lacks(parser.format()).is_some() {
            prop_assert!(!expression.matches(&record, &sample.ends()), "{} on {}", text, line);
        }
    }
}
