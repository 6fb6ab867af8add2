//! An engine that has judged batches judges the next one as a new engine does.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::memory::KEPT_BYTES;
use super::*;
use crate::custom_rule::tests;
use crate::expression::Expression;

/// Values of a record: source, destination, interface, port, minutes, public, rejected, large.
type Choice = (u8, u8, bool, u16, u64, bool, bool, bool);

fn line((from, to, other, port, minute, public, reject, large): Choice) -> String {
    let source = format!("{}.0.0.{from}", if public { 198 } else { 10 });
    let destination = format!("{}.0.1.{to}", if large { 203 } else { 10 });
    Flow {
        interface: if other { "eni-b" } else { "eni-a" },
        source: &source,
        destination: &destination,
        bytes: if large { 300_000_000 } else { 40 },
        start: FLOW.start + 60 * minute,
        action: if reject { "REJECT" } else { "ACCEPT" },
        ..FLOW.to_port(port)
    }
    .v2()
}

fn batch() -> impl Strategy<Value = Vec<Choice>> {
    let choice = (0_u8..5, 0_u8..5, any::<bool>(), 1_u16..30, 0_u64..20, any::<bool>(), any::<bool>(), any::<bool>());
    prop::collection::vec(choice, 0..120)
}

/// The memory of a usual batch stays, that of an unusual one does not.
#[test]
fn an_engine_keeps_no_more_than_a_usual_batch_needs() {
    let parser = Parser::new(V2_FORMAT.parse().unwrap());
    let mut engine = Engine::new(&Config::default());
    let mut kept_after = |records: u32| {
        for n in 0..records {
            let source = std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
            engine.observe(&parser.parse(&Flow { source: &source, ..FLOW }.v2()).unwrap());
        }
        engine.finish();
        engine.bytes()
    };
    let usual = kept_after(500);
    assert!((100_000..KEPT_BYTES).contains(&usual), "{usual}");
    assert_eq!(kept_after(10), usual);
    assert_eq!(kept_after(20_000), 0);
}

proptest! {
    #[test]
    fn each_batch_is_judged_as_if_it_were_the_first(batches in prop::collection::vec(batch(), 1..5), days: bool) {
        let mut rule = tests::database();
        rule["when"] = json!("dstport < 30");
        rule["minRecords"] = json!(2);
        let rules = [Arc::new(tests::read(rule).unwrap())];
        let suppressions = [Suppression {
            name: "known".to_owned(),
            rules: [].into(),
            when: Expression::compile("dstport == 7").unwrap(),
            until: NOW + Duration::from_secs(1),
            reason: String::new(),
        }];
        // So small that all tables fill.
        let limits = Limits {
            findings_per_rule: 8,
            findings_per_custom_rule: 8,
            subjects: 16,
            members: 16,
            conversations: 16,
            let_in: 16,
            days: if days { 4 } else { 0 },
        };
        let parser = Parser::new(V2_FORMAT.parse().unwrap());
        let new = || Engine::with_limits(&Config::default(), &limits).watch(&rules);
        let mut kept = new();
        for batch in batches {
            let judge = |engine: Engine| {
                let mut analyzer = Analyzer::with_engine(&parser, engine).suppress(&suppressions, NOW);
                for choice in &batch {
                    analyzer.add(&line(*choice));
                }
                analyzer.finish_with_engine()
            };
            let (analysis, engine) = judge(kept);
            prop_assert_eq!(analysis, judge(new()).0);
            kept = engine;
        }
    }
}
