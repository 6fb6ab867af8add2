//! CEL itself gives the same answer if all values are known: the language is a part of it.

use std::net::IpAddr;
use std::sync::Arc;

use ::cel::{Context, Program, Value};
use ipnet::IpNet;
use proptest::prelude::*;

use super::samples::{FIELDS, FORMAT, Sample, sample};
use super::sketch::{FLAGS, is_number, sketch};
use super::*;
use crate::record::Record;
use crate::rules::connection::opens_connection;

/// The records' values as variables of CEL.
fn context<'c>(sample: &Sample, record: &Record) -> Context<'c, 'c> {
    let mut context = Context::default();
    for (name, _) in FIELDS {
        let text = sample.text(name).unwrap();
        if is_number(name) {
            context.add_variable_from_value(name, text.parse::<i64>().unwrap());
        } else {
            context.add_variable_from_value(name, text);
        }
    }
    context.add_variable_from_value("source", sample.text("pkt_srcaddr").unwrap());
    context.add_variable_from_value("destination", sample.text("pkt_dstaddr").unwrap());
    let flags = record.tcp_flags.unwrap();
    let values = [sample.from_public, sample.to_public, opens_connection(record)];
    for (name, value) in FLAGS.into_iter().zip(values.into_iter().chain([2, 16, 1, 4].map(|bit| flags & bit != 0))) {
        context.add_variable_from_value(name, value);
    }
    let in_networks = |address: Arc<String>, networks: Arc<Vec<Value>>| {
        let address: IpAddr = address.parse().unwrap();
        networks.iter().any(|network| match network {
            Value::String(text) => **text == "::/0" || text.parse::<IpNet>().unwrap().contains(&address),
            _ => false,
        })
    };
    context.add_function("in_networks", in_networks).unwrap();
    context
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_answer_is_that_of_cel(sketch in sketch(false), sample in sample(true)) {
        let text = sketch.to_string();
        prop_assume!(text.len() <= MAX_CHARS);
        let (parser, line) = (Parser::new(FORMAT.parse().unwrap()), sample.line());
        let record = parser.parse(&line).unwrap();
        let answer = Program::compile(&text).unwrap().execute(&context(&sample, &record));
        let (expression, answer) = (compile(&text), answer.unwrap());
        prop_assert_eq!(&answer, &Value::Bool(expression.matches(&record, &sample.ends())), "{} on {}", text, line);
        prop_assert_eq!(&answer, &Value::Bool(is_found(&expression, &record, &sample.ends())), "{} on {}", text, line);
    }
}
