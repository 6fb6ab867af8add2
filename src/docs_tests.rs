//! Tests that the documents list every reason, event, metric and part of the policies, and no others.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResourceExt as _;
use kube::api::ObjectMeta;

use crate::api::conditions::Reason;
use crate::api::fleet::VpcFlowFleetStatus;
use crate::api::status::VpcFlowMonitorStatus;
use crate::api::{ResourceKind, VpcFlowMonitor, VpcFlowMonitorSpec, VpcFlowOverviewStatus};
use crate::aws::RequestOutcome;
use crate::aws::operations::{self as ops, Caller};
use crate::engine::Action;
use crate::metrics::{Metrics, PassResult};
use crate::monitor::fixtures;
use crate::permissions::{Options, policies};
use crate::plan::cost::{Prices, estimate};
use crate::resources::common::alarm_kind::{AlarmKind, CUSTOM_SECTION};

fn document(name: &str) -> String {
    file(&format!("docs/{name}"))
}

/// A file of the repository.
fn file(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The files of a folder of the repository.
fn files(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let entries = entries.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file());
    entries.map(|entry| format!("{folder}/{}", entry.file_name().into_string().unwrap())).collect()
}

/// The description of a field of the spec in the CRD.
fn description(path: &[&str]) -> String {
    let crd = serde_json::to_value(VpcFlowMonitor::crd()).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let field = path.iter().fold(spec, |schema, field| &schema["properties"][field]);
    field["description"].as_str().unwrap().to_owned()
}

/// A text on one line.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text below a heading, up to the next heading of its level.
fn section(name: &str, heading: &str) -> String {
    let text = document(name);
    let (_, from) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{name} lacks {heading}"));
    from.split("\n## ").next().unwrap_or_default().to_owned()
}

/// Names in the first column of its tables.
fn first_column(section: &str) -> BTreeSet<String> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
    rows.flat_map(|cell| cell.split(", ")).map(|name| name.trim_matches('`').to_owned()).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_reason_has_its_section_in_the_runbook() {
    let runbook = section("operations.md", "## Runbook");
    let reported = set(runbook.lines().filter_map(|line| line.strip_prefix("### ")));
    assert_eq!(reported, set(Reason::ALL.iter().map(|reason| reason.as_str())));
}

#[test]
fn every_alarm_has_its_section() {
    let text = document("alarms.md");
    let sections = text.lines().filter_map(|line| line.strip_prefix("## "));
    let sections = set(sections.filter(|section| section.starts_with(char::is_lowercase)));
    let slugs: Vec<_> = AlarmKind::ALL.iter().map(|kind| kind.slug()).collect();
    assert_eq!(sections, set(slugs.iter().map(AsRef::as_ref).chain([CUSTOM_SECTION])));
}

#[test]
fn every_event_about_a_change_is_documented() {
    let actions = [Action::Create, Action::Update, Action::Replace, Action::Adopt, Action::Retain, Action::Delete]
        .map(Action::past);
    assert_eq!(first_column(&section("operations.md", "## Events")), set(actions.into_iter().chain(["Repaired"])));
}

#[test]
fn every_metric_is_documented() {
    let metrics = Metrics::default();
    metrics.aws_request(ops::GET_ROLE, RequestOutcome::Success, Some(Duration::ZERO));
    metrics.limits().throttled(ops::GET_ROLE);
    metrics.limits().waited(ops::GET_ROLE, Duration::ZERO);
    metrics.reconcile(PassResult::Error, Duration::ZERO);
    metrics.change(Action::Create.past(), ResourceKind::Role);
    let condition = Condition {
        type_: "Ready".into(),
        status: "True".into(),
        reason: "Reconciled".into(),
        message: String::new(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    };
    let status = VpcFlowMonitorStatus { conditions: vec![condition], ..VpcFlowMonitorStatus::default() };
    let of_fleet = VpcFlowFleetStatus { conditions: status.conditions.clone(), ..VpcFlowFleetStatus::default() };
    metrics.monitors().learn(&ObjectMeta::default(), &status);
    let of_overview =
        VpcFlowOverviewStatus { conditions: status.conditions.clone(), ..VpcFlowOverviewStatus::default() };
    metrics.fleets().learn(&ObjectMeta::default(), &of_fleet);
    metrics.overviews().learn(&ObjectMeta::default(), &of_overview);
    let text = metrics.render().unwrap();
    let served =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).map(|(name, kind)| match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        });
    let section = section("operations.md", "## Metrics");
    let tables = section.split("### Alerts").next().unwrap_or_default();
    assert_eq!(first_column(tables), served.collect());
    for row in tables.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut columns = row.split(" | ");
        let (names, reported) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
        let name = names.split('`').next().unwrap_or_default();
        // The values that a label can have stand after a colon.
        let reported =
            reported.split(';').flat_map(|part| quoted(part.split(':').next().unwrap_or_default())).collect();
        assert_eq!(labels(&text, name), reported, "{name}");
    }
}

/// The texts between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The labels of a metric's series, but for the buckets of histograms.
fn labels<'a>(text: &'a str, metric: &str) -> BTreeSet<&'a str> {
    let of_metric = |line: &&str| {
        let series = line.split(['{', ' ']).next().unwrap_or_default();
        [series.trim_end_matches("_bucket"), series.trim_end_matches("_count"), series].contains(&metric)
    };
    let series = text.lines().filter(of_metric).filter_map(|line| line.split_once('{')?.1.split_once('}'));
    let names =
        series.flat_map(|(labels, _)| labels.split("\",").map(|label| label.split('=').next().unwrap_or_default()));
    names.filter(|name| *name != "le").collect()
}

#[test]
fn every_part_of_the_policies_is_documented() {
    let role = "arn:aws:iam::123456789012:role/r".to_owned();
    let options = Options {
        assumed_roles: vec![role.clone()],
        subscription_roles: vec![role],
        ..Options::everything(Caller::Operator)
    };
    let statements: Vec<_> =
        policies(&options).iter().flat_map(|it| it["Statement"].as_array().unwrap().clone()).collect();
    let part = |sid: &str| sid.trim_end_matches(|end: char| end.is_ascii_digit()).to_owned();
    let parts = statements.iter().map(|statement| part(statement["Sid"].as_str().unwrap())).collect();
    assert_eq!(first_column(&section("permissions.md", "## Part by part")), parts);
}

#[test]
fn the_estimate_that_is_shown_is_what_plan_prints() {
    let monitor = fixtures::with_spec(VpcFlowMonitorSpec::new("vpc-12345678"));
    let printed = estimate(&monitor, 10.0, &Prices::built_in().unwrap()).to_string();
    let amounts = printed.split("Assumed").next().unwrap_or_default();
    assert!(document("costs.md").contains(amounts), "{amounts}");
}

#[test]
fn small_files_that_s3_does_not_move_are_documented_where_the_days_are_set() {
    for text in [description(&["s3", "lifecycle"]), document("costs.md")] {
        let text = unwrapped(&text);
        let sentence = text.split(". ").find(|sentence| sentence.contains("128 KB")).unwrap();
        assert!(sentence.contains("less than 128 KB to another"), "{sentence}");
        assert!(sentence.contains("the files of a small VPC stay in"), "{sentence}");
    }
}

/// Characters after a mention of the interval that belong to it.
const NEARBY: usize = 150;

#[test]
fn no_document_promises_that_a_longer_aggregation_interval_saves_anything_on_nitro() {
    let mut mentions = Vec::new();
    for path in ["README.md".to_owned()].into_iter().chain(files("docs")).chain(files("examples")) {
        let text = unwrapped(&file(&path));
        for (start, _) in text.match_indices("aggregationInterval: 600") {
            mentions.push(format!("{path}: {}", text[start..].chars().take(NEARBY).collect::<String>()));
        }
    }
    for path in ["README.md", "docs/costs.md"] {
        assert!(mentions.iter().any(|mention| mention.starts_with(path)), "{path}");
    }
    for mention in mentions {
        assert!(mention.contains("Nitro"), "{mention}");
    }
    let described = description(&["aggregationInterval"]);
    assert!(described.contains("Nitro") && described.contains("600 saves nothing"), "{described}");
}
