//! Rules of a user, one in a line, and a record after them: whatever they are, compiling them ends, and without a panic. An index of
//! all finds those whose trees are true.

#![no_main]

use detector::expression::{Expression, Index};
use detector::format::LogFormat;
use detector::record::Parser;
use detector::rules::{Ends, Networks};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (rules, line) = text.rsplit_once('\n').unwrap_or((text, ""));
    let expressions: Vec<_> = rules.split('\n').filter_map(|rule| Expression::compile(rule).ok()).collect();
    let index = Index::new(&expressions);
    let parser = Parser::new(LogFormat::aws_default());
    let usual = "2 123456789012 eni-1 10.0.0.1 203.0.113.9 40000 443 6 10 60 1767225600 1767225660 ACCEPT OK";
    for record in [line, usual].iter().filter_map(|line| parser.parse(line).ok()) {
        let ends = Ends::of(&record, &Networks::default());
        let found: Vec<_> = (0..index.groups()).flat_map(|group| index.matches(group, &record, &ends)).collect();
        let expected: Vec<_> =
            (0..expressions.len()).filter(|place| expressions[*place].matches(&record, &ends)).collect();
        assert_eq!(found, expected);
    }
});
