mod cel;
mod errors;
mod index;
mod limits;
mod naive;
mod samples;
mod sketch;

use super::*;
use crate::record::Parser;
use samples::{FORMAT, Sample};

fn compile(text: &str) -> Expression {
    Expression::compile(text).unwrap_or_else(|error| panic!("{error}"))
}

/// True if an index of the expression alone finds it.
fn is_found(expression: &Expression, record: &Record, ends: &Ends) -> bool {
    Index::new([expression]).matches(0, record, ends).next() == Some(0)
}

fn matches(text: &str, sample: &Sample) -> bool {
    let parser = Parser::new(FORMAT.parse().unwrap());
    let line = sample.line();
    compile(text).matches(&parser.parse(&line).unwrap(), &sample.ends())
}

#[test]
fn a_record_matches_what_is_true_of_it() {
    let sample = Sample::known();
    for (text, expected) in [
        ("dstport == 5432", true),
        ("dstport != 5432", false),
        ("dstport < 5432", false),
        ("dstport <= 5432", true),
        ("dstport > 5431 && dstport >= 5432", true),
        ("dstport > 5432", false),
        ("dstport in [22, 5432]", true),
        ("dstport in [22, 5433]", false),
        ("protocol in [17, 6]", true),
        ("bytes in [1, 40]", true),
        ("bytes < 0 || bytes > 9223372036854775807", false),
        ("action == 'ACCEPT' && !(action == \"REJECT\")", true),
        ("action in ['REJECT']", false),
        ("flow_direction != 'egress' && log_status == 'OK'", true),
        ("interface_id in ['eni-2', 'eni-1']", true),
        ("interface_id == 'eni'", false),
        ("srcaddr == '10.0.0.1' && source == '::ffff:10.0.0.1'", true),
        ("in_networks(source, ['10.0.0.0/8', '192.0.2.0/24'])", true),
        ("!in_networks(source, ['10.0.0.0/8'])", false),
        ("opens && syn && !ack && !fin && !rst", true),
        ("source_public || destination_public", false),
        ("has(dstport) && has(source) && has(opens) && !has(traffic_path)", true),
        ("true && !false", true),
        ("false || !true", false),
        // `&&` binds tighter.
        ("true || false && false", true),
        ("(true || false) && false", false),
        ("!(false\n || true)", false),
    ] {
        assert_eq!(matches(text, &sample), expected, "{text}");
    }
}

#[test]
fn a_comparison_with_an_unknown_value_is_neither_true_nor_false() {
    let sample = Sample::unknown();
    for text in [
        "dstport == 22",
        "dstport != 22",
        "!(dstport == 22)",
        "!(dstport != 22)",
        "!(dstport == 22 && true)",
        "dstport in [22]",
        "!(dstport in [22])",
        "bytes >= 0",
        "opens",
        "!opens",
        "!syn",
        "!source_public",
        "!in_networks(source, ['10.0.0.0/8'])",
        "dstport == 22 || !(dstport == 22)",
        "has(dstport)",
    ] {
        assert!(!matches(text, &sample), "{text}");
    }
    for text in ["!has(dstport)", "dstport == 22 || true", "!(dstport == 22 && false)"] {
        assert!(matches(text, &sample), "{text}");
    }
}

#[test]
fn an_expression_lacks_a_field_without_which_it_is_never_true() {
    let format = "${srcaddr} ${action}".parse().unwrap();
    for (text, lacks) in [
        ("action == 'ACCEPT'", None),
        ("in_networks(source, ['10.0.0.0/8']) && source_public", None),
        ("dstport == 22", Some(Field::DstPort)),
        ("!(dstport == 22)", Some(Field::DstPort)),
        ("action == 'ACCEPT' && opens", Some(Field::DstPort)),
        ("action == 'ACCEPT' || opens", None),
        ("!(action == 'ACCEPT' || opens)", Some(Field::DstPort)),
        ("destination_public || syn", Some(Field::DstAddr)),
        ("has(bytes)", Some(Field::Bytes)),
        ("!has(bytes)", None),
        ("true", None),
    ] {
        assert_eq!(compile(text).lacks(&format), lacks, "{text}");
    }
}

#[test]
fn constants_are_resolved_and_the_cheapest_condition_comes_first() {
    for (text, tree) in [
        ("true && (false || !false)", "Constant(true)"),
        ("dstport == 22 && !(true || syn)", "Constant(false)"),
        ("false || (true && syn)", "Test(Test { condition: Flag(Tcp(2)), is_negated: false })"),
    ] {
        assert_eq!(format!("{:?}", compile(text).tree), tree, "{text}");
    }
    let text = "interface_id == 'eni-1' && (in_networks(source, ['10.0.0.0/8']) && (dstport in [1, 2] && (syn && action == 'ACCEPT')))";
    let tree = format!("{:?}", compile(text).tree);
    let places = ["Word(", "Flag(", "Small(", "Address(", "Interface("].map(|it| tree.find(it).unwrap());
    assert!(tree.starts_with("All(") && places.is_sorted(), "{tree}");
}

#[test]
fn conditions_are_counted_without_constants() {
    for (text, count) in [("true", 0), ("syn", 1), ("!syn && (ack || dstport in [1, 2, 3]) && true", 3)] {
        assert_eq!(compile(text).conditions(), count, "{text}");
    }
}

#[test]
fn clones_share_the_tree_and_the_text_decides_equality() {
    let one = compile("syn");
    assert!(Arc::ptr_eq(&one.tree, &one.clone().tree));
    assert_eq!(one, compile("syn"));
    assert_ne!(one, compile("ack"));
    assert_eq!(format!("{one:?}"), r#"Expression("syn")"#);
}
