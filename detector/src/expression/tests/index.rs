//! The index and the trees agree.

use proptest::prelude::*;

use super::samples::{FORMAT, Sample, sample};
use super::sketch::{nested, sketch};
use super::*;

/// The places of those expressions that the index finds.
fn found(expressions: &[Expression], sample: &Sample) -> Vec<usize> {
    let (parser, line) = (Parser::new(FORMAT.parse().unwrap()), sample.line());
    let (record, index) = (parser.parse(&line).unwrap(), Index::new(expressions));
    (0..index.groups()).flat_map(|group| index.matches(group, &record, &sample.ends())).collect()
}

/// The places of those of which the tree is true.
fn true_trees(expressions: &[Expression], sample: &Sample) -> Vec<usize> {
    let (parser, line) = (Parser::new(FORMAT.parse().unwrap()), sample.line());
    let record = parser.parse(&line).unwrap();
    (0..expressions.len()).filter(|place| expressions[*place].matches(&record, &sample.ends())).collect()
}

fn compiled(texts: &[&str]) -> Vec<Expression> {
    texts.iter().map(|text| compile(text)).collect()
}

#[test]
fn without_expressions_nothing_is_found() {
    assert_eq!(found(&[], &Sample::known()), [0; 0]);
}

#[test]
fn each_kind_of_expression_is_found_at_its_place() {
    let expressions = compiled(&[
        "true",
        "false",
        "action == 'ACCEPT' && dstport in [22, 5432] && bytes < 41",
        "action == 'REJECT' || dstport == 5433",
        "dstport > 5000 || dstport == 22",
        "dstport > 6000 || syn",
        "opens && (ack || in_networks(source, ['10.0.0.0/8']) && (interface_id == 'eni-1' || fin))",
        "interface_id != 'eni-1'",
        "has(traffic_path) || has(interface_id)",
        "!has(traffic_path)",
    ]);
    assert_eq!(found(&expressions, &Sample::known()), [0, 2, 4, 5, 6, 8, 9]);
    assert_eq!(found(&expressions, &Sample::unknown()), [0, 9]);
}

/// Addresses of IPv4 that are written as ones of IPv6 lie within the others.
#[test]
fn addresses_are_found_in_networks_of_both_kinds() {
    let expressions = compiled(&[
        "in_networks(source, ['::/0'])",
        "in_networks(source, ['::/64'])",
        "in_networks(source, ['::fffe:0:0/95'])",
        "in_networks(source, ['::fffe:0:0/96', '0.0.0.0/0'])",
        "in_networks(source, ['::ffff:10.0.0.0/104'])",
        "in_networks(source, ['0.0.0.0/0'])",
        "source == '::1:0:0:1' || syn && source == '::fffe:0:1'",
    ]);
    for address in
        ["10.0.0.1", "11.0.0.1", "::ffff:10.0.0.1", "::fffe:0:1", "::1:0:0:0", "::1:0:0:1", "::1", "2001:db8::1"]
    {
        let mut sample = Sample::known();
        sample.values[13] = address;
        assert_eq!(found(&expressions, &sample), true_trees(&expressions, &sample), "{address}");
        // Alone, an expression has no classes but its own.
        for expression in expressions.chunks(1) {
            assert_eq!(found(expression, &sample), true_trees(expression, &sample), "{expression:?} on {address}");
        }
    }
}

/// More than a word has bits, each with as many conditions as an expression can have.
#[test]
fn many_large_expressions_are_divided_into_groups() {
    let text = |place: usize| {
        let conditions: Vec<_> = (2..MAX_CONDITIONS).map(|step| format!("bytes<{}", 100 * step + place)).collect();
        format!("dstport==22||{}", conditions.join("||"))
    };
    let texts: Vec<_> = (0..150).map(|place| if place % 2 == 0 { text(place) } else { "syn".to_owned() }).collect();
    let apart: Vec<_> = texts.iter().map(|text| compile(&text.replacen("||", "||srcport==1&&", 1))).collect();
    assert!(Index::new(&apart).groups() > 2);
    for bytes in ["100", "102", "6208", "7"] {
        let mut sample = Sample::known();
        sample.values[7] = bytes;
        assert_eq!(found(&apart, &sample), true_trees(&apart, &sample), "{bytes}");
    }
}

/// All rules of a monitor, their lists as long as their texts allow.
#[test]
fn the_longest_rules_need_no_more_memory_than_is_documented() {
    let rule = |place: u32| {
        let ports: Vec<_> = (0..160).map(|step| (10_000 + 320 * place + 2 * step).to_string()).collect();
        format!("syn && ack || dstport in [{}] && fin", ports.join(","))
    };
    let expressions: Vec<_> = (0..16).map(|place| compile(&rule(place))).collect();
    let bytes = Index::new(&expressions).bytes();
    assert!((64 * 1024..1024 * 1024).contains(&bytes), "{bytes}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_index_finds_nested_expressions_that_are_true(
        sketches in prop::collection::vec(nested(), 1..8), samples in prop::collection::vec(sample(false), 1..6),
    ) {
        let texts: Vec<_> = sketches.iter().map(ToString::to_string).collect();
        let expressions: Vec<_> = texts.iter().filter_map(|text| Expression::compile(text).ok()).collect();
        for sample in samples {
            prop_assert_eq!(found(&expressions, &sample), true_trees(&expressions, &sample), "{:?} on {}", texts, sample.line());
        }
    }

    #[test]
    fn the_index_finds_the_expressions_that_are_true(
        sketches in prop::collection::vec(sketch(true), 1..8), samples in prop::collection::vec(sample(false), 1..6),
    ) {
        let texts: Vec<_> = sketches.iter().map(ToString::to_string).filter(|text| text.len() <= MAX_CHARS).collect();
        let expressions: Vec<_> = texts.iter().map(|text| compile(text)).collect();
        for sample in samples {
            prop_assert_eq!(found(&expressions, &sample), true_trees(&expressions, &sample), "{:?} on {}", texts, sample.line());
        }
    }
}
