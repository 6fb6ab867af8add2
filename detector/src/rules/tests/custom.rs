use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::custom_rule::{CustomRule, tests};
use crate::expression::Expression;

/// The rule of the tests with other values.
fn rule(changes: &Value) -> Arc<CustomRule> {
    let mut rule = tests::database();
    for (name, value) in changes.as_object().unwrap() {
        rule[name] = value.clone();
    }
    Arc::new(tests::read(rule).unwrap())
}

fn watch<'f>(rule: &Arc<CustomRule>, flows: impl IntoIterator<Item = Flow<'f>>) -> Findings {
    watch_without(&[], rule, flows)
}

fn watch_without<'f>(
    suppressions: &[Suppression],
    rule: &Arc<CustomRule>,
    flows: impl IntoIterator<Item = Flow<'f>>,
) -> Findings {
    let parser = Parser::new(V2_FORMAT.parse().unwrap());
    let mut analyzer =
        Analyzer::new(&parser, &Config::default()).watch(std::slice::from_ref(rule)).suppress(suppressions, NOW);
    flows.into_iter().for_each(|flow| analyzer.add(&flow.v2()));
    analyzer.finish().findings
}

/// Records and subjects of the user's rule.
fn outline(findings: &Findings) -> Vec<(u64, Option<String>, Option<String>, Detail)> {
    let custom = findings.list.iter().filter(|finding| finding.rule.custom().is_some());
    let text = |address: Option<std::net::IpAddr>| address.map(|it| it.to_string());
    custom
        .map(|it| (it.tally.records, text(it.subject.source), text(it.subject.destination), it.subject.detail.clone()))
        .collect()
}

const DATABASE: Flow<'_> = Flow { ports: (50_000, 5432), ..FLOW };

#[test]
fn records_that_match_are_a_finding_by_source_and_destination() {
    let findings = watch(&rule(&json!({})), [DATABASE, DATABASE, Flow { action: "REJECT", ..DATABASE }, FLOW]);
    assert_eq!(outline(&findings), [(2, Some(INSIDE.into()), Some(TARGET.into()), Detail::None)]);
    assert_eq!(findings.by_custom_rule, [("database_from_elsewhere".to_owned(), 1)].into());
    assert_eq!(watch(&rule(&json!({})), [FLOW]).by_custom_rule, [("database_from_elsewhere".to_owned(), 0)].into());
    assert_eq!(watch(&rule(&json!({"enabled": false})), [DATABASE]), Findings::default());
}

#[test]
fn other_fields_distinguish_findings_instead() {
    for (fields, source, destination, detail) in [
        (json!(["source"]), Some(INSIDE), None, Detail::None),
        (json!(["destination", "dstport"]), None, Some(TARGET), Detail::Port(5432)),
        (json!(["protocol"]), None, None, Detail::Protocol(6)),
        (json!(["interface_id"]), None, None, Detail::Interface("eni-a".into())),
        (json!([]), None, None, Detail::None),
    ] {
        let findings = watch(&rule(&json!({"groupBy": fields})), [DATABASE]);
        assert_eq!(outline(&findings), [(1, source.map(str::to_owned), destination.map(str::to_owned), detail)]);
    }
}

#[test]
fn a_rule_that_needs_several_records_counts_those_of_a_window() {
    let three = rule(&json!({"minRecords": 3}));
    let later = Flow { start: DATABASE.start + 300, ..DATABASE };
    assert_eq!(outline(&watch(&three, [DATABASE, DATABASE, later, later])), []);
    let findings = watch(&three, [DATABASE, DATABASE, later, DATABASE, later]);
    assert_eq!(outline(&findings).iter().map(|it| it.0).collect::<Vec<_>>(), [3]);
}

#[test]
fn a_conversation_counts_once() {
    let findings = watch(&rule(&json!({})), [DATABASE, Flow { interface: "eni-b", ..DATABASE }]);
    assert_eq!(outline(&findings).iter().map(|it| it.0).collect::<Vec<_>>(), [1]);
}

/// Nothing is folded into a finding of a user's rule, nor is one folded.
#[test]
fn findings_of_users_rules_stay_apart() {
    let any = rule(&json!({"when": "true", "severity": "LOW"}));
    let scan: Vec<_> = (1..=20).map(|port| Flow { action: "REJECT", ..FLOW.to_port(port) }).collect();
    let findings = watch(&any, scan);
    let rules: Vec<_> = findings.list.iter().map(|finding| finding.rule.name()).collect();
    assert_eq!(rules, ["portScan", "database_from_elsewhere"]);
    assert_eq!(findings.list.iter().map(|it| it.folded.len()).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn suppressions_without_rules_are_about_users_rules_too() {
    let known = |rules: &[Rule]| Suppression {
        name: "known".to_owned(),
        rules: rules.iter().copied().collect(),
        when: Expression::compile("true").unwrap(),
        until: NOW + Duration::from_secs(1),
        reason: String::new(),
    };
    let findings = watch_without(&[known(&[])], &rule(&json!({})), [DATABASE]);
    assert_eq!((outline(&findings), findings.suppressed.records), (Vec::new(), 1));
    assert_eq!(outline(&watch_without(&[known(&Rule::ALL)], &rule(&json!({})), [DATABASE])).len(), 1);
}

#[test]
fn memory_is_bounded_and_the_largest_stay() {
    let limits = Limits { subjects: 8, findings_per_custom_rule: 4, ..Limits::FUNCTION };
    let run = |rule: Arc<CustomRule>| {
        let parser = Parser::new(V2_FORMAT.parse().unwrap());
        let mut engine = Engine::with_limits(&Config::default(), &limits).watch(&[rule]);
        for host in (1..=20).chain([20, 1, 1]) {
            let line = Flow { destination: &format!("10.2.0.{host}"), ..DATABASE }.v2();
            engine.observe(&parser.parse(&line).unwrap());
        }
        engine.finish()
    };
    let findings = run(rule(&json!({})));
    assert_eq!(findings.by_custom_rule["database_from_elsewhere"], 4);
    assert_eq!(outline(&findings).iter().map(|it| it.0).sum::<u64>() + findings.unlisted_records, 23);
    let findings = run(rule(&json!({"minRecords": 3})));
    assert_eq!(outline(&findings).iter().map(|it| it.0).collect::<Vec<_>>(), [3]);
    assert!(findings.unexamined_records >= 13, "{}", findings.unexamined_records);
}

/// A day of a rule counts subjects that reach `minRecords` in a window of that day, and all records that match.
#[test]
fn a_backtest_counts_findings_and_records_by_day() {
    const DAY: u64 = 86_400;
    let of = |limits: &Limits, rule: Arc<CustomRule>, suppressions: &[Suppression]| {
        let parser = Parser::new(V2_FORMAT.parse().unwrap());
        let config = Config::default();
        let mut engine = crate::rules::Engine::with_limits(&config, limits).watch(&[rule]).suppress(suppressions, NOW);
        let at = |start: u64, source: &'static str| Flow { source, start, ..DATABASE };
        for flow in [at(1, INSIDE), at(2, INSIDE), at(3, "10.0.0.66"), at(DAY - 1, INSIDE), at(DAY, INSIDE)] {
            engine.observe(&parser.parse(&flow.v2()).unwrap());
        }
        engine.finish().backtest
    };
    let days = |backtest: &crate::day_counts::Backtest| -> Vec<_> {
        let counts = |(_, days): &(_, crate::day_counts::DayCounts)| days.iter().collect::<Vec<_>>();
        backtest.rules.iter().flat_map(counts).map(|(day, count)| (day, count.findings, count.records)).collect()
    };
    let workstation = &Limits::WORKSTATION;
    let once = of(workstation, rule(&json!({})), &[]);
    assert_eq!(days(&once), [(Some(0), 2, 4), (Some(1), 1, 1)]);
    assert_eq!(days(&of(workstation, rule(&json!({"minRecords": 2})), &[])), [(Some(0), 1, 4), (Some(1), 0, 1)]);
    let known = Suppression {
        name: "known".to_owned(),
        rules: [].into(),
        when: Expression::compile("source == \"10.0.0.66\"").unwrap(),
        until: NOW + Duration::from_secs(1),
        reason: "a ticket".to_owned(),
    };
    let without = of(workstation, rule(&json!({})), &[known]);
    assert_eq!(days(&without), [(Some(0), 1, 3), (Some(1), 1, 1)]);
    let (name, suppressed) = &without.suppressions[0];
    assert_eq!((name.as_str(), suppressed.total().records, suppressed.iter().count()), ("known", 1, 1));
    let function = of(&Limits::FUNCTION, rule(&json!({})), &[]);
    assert_eq!(function, crate::day_counts::Backtest::default(), "the function counts no days");
}
