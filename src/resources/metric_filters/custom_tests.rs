use detector::record::Parser;
use detector::rules::{Ends, Networks};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use super::custom::*;
use super::interpreter::matches;
use super::*;
use crate::api::conditions::Reason;
use crate::api::spec::CustomDetection;
use crate::api::{FlowLogField, VpcFlowMonitorSpec, log_format};
use crate::monitor::fixtures;

const FIELDS: [FlowLogField; 11] = [
    FlowLogField::InterfaceId,
    FlowLogField::SrcAddr,
    FlowLogField::DstAddr,
    FlowLogField::DstPort,
    FlowLogField::Protocol,
    FlowLogField::Bytes,
    FlowLogField::Action,
    FlowLogField::LogStatus,
    FlowLogField::TcpFlags,
    FlowLogField::PktSrcAddr,
    FlowLogField::PktDstAddr,
];

fn detection(when: &str) -> Value {
    json!({
        "name": "smb-out", "when": when, "threshold": 5,
        "tests": [
            {"name": "hit", "matches": true, "record": {"dstport": 445, "action": "ACCEPT"}},
            {"name": "miss", "matches": false, "record": {"dstport": 446, "action": "ACCEPT"}},
        ],
    })
}

fn monitor(detections: &[Value]) -> Monitor {
    let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
    spec.detections.custom = detections.iter().map(|it| serde_json::from_value(it.clone()).unwrap()).collect();
    fixtures::with_spec(spec)
}

fn filters(monitor: &Monitor) -> Vec<Result<Filter, Invalid>> {
    let desired = MetricFilters::desired(monitor).unwrap().unwrap();
    desired
        .into_iter()
        .filter(|(detection, _)| matches!(detection, Detection::Custom(_)))
        .map(|(_, filter)| filter)
        .collect()
}

#[test]
fn a_detection_of_the_user_is_a_filter_of_its_own() {
    let monitor = monitor(&[detection("dstport == 445 && action == \"ACCEPT\"")]);
    let filter = filters(&monitor).remove(0).unwrap();
    let base = monitor.names.base();
    assert_eq!((filter.name, filter.metric_name), (format!("{base}-c-smb-out"), format!("Custom-smb-out-{base}")));
    let expected = "[version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport=445, protocol, packets, bytes, start, end, \
        action=ACCEPT, log_status=OK]";
    assert_eq!(filter.pattern, expected);
}

#[test]
fn without_a_log_group_the_limits_of_patterns_do_not_hold_and_fields_must_be_there() {
    let networks: Vec<_> = (0..24).map(|it| format!("\"203.0.{it}.0/26\"")).collect();
    let inside = |field: &str| format!("in_networks({field}, [\"10.0.0.0/8\"])");
    let when = [
        ["srcaddr", "dstaddr", "pkt_srcaddr"].map(inside).join(" && "),
        "dstport == 445 || (protocol == 17 && bytes > 5)".to_owned(),
        format!("in_networks(source, [{}])", networks.join(", ")),
    ];
    let detections: Vec<Value> = (0..7)
        .map(|it| {
            let mut detection = detection(&when[it % 3]);
            (detection["name"], detection["tests"]) = (json!(format!("it-{it}")), json!([]));
            detection
        })
        .collect();
    let refused = |has_log_group, without: Option<FlowLogField>| {
        let mut spec = monitor(&detections).spec;
        spec.cloud_watch_logs.enabled = has_log_group;
        spec.s3.fields.retain(|field| Some(*field) != without);
        let read = CustomDetections::read(&spec).unwrap();
        let problems = read.all.iter().filter_map(|(_, read)| read.as_ref().err().map(ToString::to_string));
        problems.collect::<Vec<_>>()
    };
    assert!(refused(true, None).len() >= 5, "{:?}", refused(true, None));
    assert_eq!(refused(false, None), [""; 0]);
    let missing = refused(false, Some(FlowLogField::DstPort));
    assert_eq!(missing.len(), 0, "either side of `||` may be true");
    let missing = refused(false, Some(FlowLogField::PktSrcAddr));
    assert!(missing[0].contains("it needs the field pkt-srcaddr: add it to s3.fields"), "{missing:?}");
}

#[test]
fn a_former_detection_of_the_user_loses_its_filter() {
    let former = monitor(&[detection("dstport == 445")]);
    let filter = filters(&former).remove(0).unwrap();
    let sdk = sdk::MetricFilter::builder().filter_name(&filter.name).build();
    let monitor = monitor(&[]);
    let found = normalise(&monitor, &filter.log_group, sdk.clone()).unwrap();
    let desired = MetricFilters::desired(&monitor).unwrap().unwrap();
    let diff = diff(&monitor, Goal::Present(&desired), &[found]);
    assert!(diff.steps.iter().any(|step| matches!(&step.op, ResourceCall::Delete(name, _) if *name == filter.name)));
    let mut stranger = sdk;
    stranger.filter_name = Some(format!("{}-mine", monitor.names.base()));
    assert_eq!(normalise(&monitor, &filter.log_group, stranger), None);
}

#[test]
fn a_detection_that_does_not_fit_or_fails_its_tests_is_refused_alone() {
    let of = |when: &str| filters(&monitor(&[detection(when)])).remove(0).unwrap_err();
    for (when, expected) in [
        (
            "dstport == 445 || srcport == 445",
            "spec.detections.custom[0].when: `smb-out`: `||` joins conditions on dstport and srcport, and may join those on one field only: make it a customRule",
        ),
        (
            "syn && dstport == 445",
            "spec.detections.custom[0].when: `smb-out`: syn is not a field of the record: make it a customRule",
        ),
        ("true", "spec.detections.custom[0].when: `smb-out`: this is true for every record; test a field"),
        (
            "tcp_flags == 2",
            "spec.detections.custom[0].when: `smb-out`: it needs the field tcp-flags: add it to cloudWatchLogs.fields",
        ),
        (
            "source == \"10.0.0.1\" && srcaddr == \"10.0.0.1\"",
            "spec.detections.custom[0].when: `smb-out`: it names the field srcaddr twice",
        ),
        ("log_status == \"NODATA\"", "spec.detections.custom[0].when: `smb-out`: only records with log_status"),
        ("dstprt == 1", "spec.detections.custom[0].when: `smb-out`, line 1, column 1: there is no field `dstprt`"),
        (
            "interface_id == \"a b\"",
            "spec.detections.custom[0].when: `smb-out`: the value \"a b\" has no form in a pattern",
        ),
    ] {
        let error = of(when);
        assert_eq!(error.reason, Reason::InvalidSpec);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let error = of("dstport == 446");
    assert_eq!(error.reason, Reason::TestsFailed);
    let expected = "spec.detections.custom[0].tests[0]: the test `hit` of the detection `smb-out` fails: `when` does not match \
        action=ACCEPT dstport=445, and should (1 more of its tests fail); correct the detection or the test";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn without_a_log_group_the_bucket_lacks_the_field() {
    let mut spec = monitor(&[detection("tcp_flags == 2")]).spec;
    spec.s3.fields = spec.cloud_watch_logs.fields.clone();
    spec.cloud_watch_logs.enabled = false;
    let detections = CustomDetections::read(&spec).unwrap();
    let error = detections.all[0].1.as_ref().unwrap_err();
    assert_eq!(error.to_string(), "it needs the field tcp-flags: add it to s3.fields");
}

#[test]
fn a_log_group_has_five_patterns_with_networks() {
    let with_network = |number: usize| {
        let mut custom = detection("dstport == 445 && !in_networks(destination, [\"10.0.0.0/8\"])");
        custom["name"] = json!(format!("net-{number}"));
        custom["tests"] = json!([
            {"name": "hit", "matches": true, "record": {"dstport": 445, "dstaddr": "192.0.2.1"}},
            {"name": "miss", "matches": false, "record": {"dstport": 445, "dstaddr": "10.0.0.1"}},
        ]);
        custom
    };
    let all: Vec<_> = (0..5).map(with_network).collect();
    let mut monitor = monitor(&all);
    let refused: Vec<_> = filters(&monitor).into_iter().map(|filter| filter.is_err()).collect();
    assert_eq!(refused, [false, false, false, false, true], "externalConnections has one");
    monitor.spec.detections.external_connections.enabled = false;
    assert!(filters(&monitor).iter().all(Result::is_ok));
}

/// Conditions on one field each.
fn condition() -> impl Strategy<Value = String> {
    let number = |field: &'static str| {
        (select(vec!["== {}", "!= {}", "> {}", "<= {}", "< {}", "in [{}, 3]"]), 0_u8..5, any::<bool>()).prop_map(
            move |(form, number, negate)| {
                let test = format!("{field} {}", form.replace("{}", &number.to_string()));
                if negate { format!("!({test})") } else { test }
            },
        )
    };
    let network = select(vec!["10.0.0.0/30", "10.0.0.2/31", "2001:db8::/127", "0.0.0.0/0", "10.0.0.1/32"]);
    let addresses = |field: &'static str, networks: Vec<&str>, negate: bool| {
        let networks: Vec<_> = networks.iter().map(|network| format!("{network:?}")).collect();
        format!("{}in_networks({field}, [{}])", if negate { "!" } else { "" }, networks.join(", "))
    };
    let fields = select(vec!["source", "destination", "srcaddr", "pkt_dstaddr"]);
    prop_oneof![
        3 => number("dstport"),
        2 => number("bytes"),
        1 => (0_u8..5, 0_u8..5).prop_map(|(a, b)| format!("(bytes < {a} || bytes > {b})")),
        2 => (fields, prop::collection::vec(network, 1..3), any::<bool>())
            .prop_map(move |(field, networks, negate)| addresses(field, networks, negate)),
        1 => select(vec!["action == \"ACCEPT\"", "action != \"ACCEPT\"", "interface_id == \"eni-1\"", "interface_id != \"eni-1\""])
            .prop_map(str::to_owned),
        1 => select(vec!["has(dstport)", "!has(tcp_flags)", "has(tcp_flags)", "destination == \"10.0.0.1\""]).prop_map(str::to_owned),
    ]
}

fn record() -> impl Strategy<Value = String> {
    let small = || select(vec!["0", "1", "2", "3", "4", "-"]);
    let address = || select(vec!["10.0.0.1", "10.0.0.2", "10.0.0.9", "2001:db8::1", "2001:db8::2"]);
    let addresses = (address(), address(), address(), address());
    let words =
        (select(vec!["eni-1", "eni-2"]), select(vec!["ACCEPT", "REJECT"]), select(vec!["OK", "OK", "OK", "SKIPDATA"]));
    (words, addresses, small(), small(), select(vec!["2", "-"])).prop_map(|(words, addresses, port, bytes, flags)| {
        let ((interface, action, status), (source, destination, packet_source, packet_destination)) = (words, addresses);
        format!(
            "{interface} {source} {destination} {port} 6 {bytes} {action} {status} {flags} {packet_source} {packet_destination}"
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_pattern_matches_the_records_that_the_expression_matches(
        conditions in prop::collection::vec(condition(), 1..4), records in prop::collection::vec(record(), 8),
    ) {
        let when = conditions.join(" && ");
        let expression = detector::expression::Expression::compile(&when).unwrap();
        // An expression that does not fit has a reason.
        let Ok(pattern) = of_expression(&expression, ("cloudWatchLogs.fields", &FIELDS)) else { return Ok(()) };
        let parser = Parser::new(log_format(&FIELDS).parse().unwrap());
        for record in records {
            let parsed = parser.parse(&record).unwrap();
            let expected = parsed.has_traffic() && expression.matches(&parsed, &Ends::of(&parsed, &Networks::default()));
            prop_assert_eq!(matches(&pattern, &record), expected, "{} {} {}", when, pattern, record);
        }
    }
}

#[test]
fn most_conditions_fit() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let fit = (0..200)
        .filter(|_| {
            let when = condition().new_tree(&mut runner).unwrap().current();
            let expression = detector::expression::Expression::compile(&when).unwrap();
            of_expression(&expression, ("cloudWatchLogs.fields", &FIELDS)).is_ok()
        })
        .count();
    assert!(fit > 120, "{fit}");
}

#[test]
fn the_names_of_the_schema_are_names() {
    let custom: CustomDetection = serde_json::from_value(detection("dstport == 445")).unwrap();
    assert!(crate::resources::common::custom_name::CustomName::new(&custom.name).is_some());
}
