//! docs/operations.md tells of every reason, event and metric, and of none that there is not.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::api::ObjectMeta;

use crate::api::ResourceKind;
use crate::api::conditions::Reason;
use crate::api::status::VpcFlowMonitorStatus;
use crate::aws::operations as ops;
use crate::engine::{Action, Change};
use crate::metrics::{Metrics, PassResult, RequestOutcome};

const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");

/// What is below a heading, up to the next one of its level.
fn section(heading: &str) -> String {
    let text = std::fs::read_to_string(OPERATIONS).unwrap();
    let (_, from) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{OPERATIONS} lacks {heading}"));
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
    let runbook = section("## Runbook");
    let told = set(runbook.lines().filter_map(|line| line.strip_prefix("### ")));
    assert_eq!(told, set(Reason::ALL.iter().map(|reason| reason.as_str())));
}

#[test]
fn every_event_about_a_change_is_told() {
    let actions =
        [Action::Create, Action::Update, Action::Replace, Action::Adopt, Action::Retain, Action::Delete].map(Action::past);
    assert_eq!(first_column(&section("## Events")), set(actions.into_iter().chain(["Repaired"])));
}

#[test]
fn every_metric_is_told() {
    let metrics = Metrics::default();
    metrics.aws_request(ops::GET_ROLE, RequestOutcome::Success, Some(Duration::ZERO));
    metrics.limits().throttled(ops::GET_ROLE);
    metrics.limits().waited(ops::GET_ROLE, Duration::ZERO);
    metrics.reconcile(PassResult::Error, Duration::ZERO);
    metrics.change(&Change::new(Action::Create, ResourceKind::Role, "r"));
    metrics.monitors().learn(&ObjectMeta::default(), &VpcFlowMonitorStatus::default());
    let text = metrics.render().unwrap();
    let served = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).map(|(name, kind)| {
        match kind {
            "counter" => format!("{name}_total"),
            "info" => format!("{name}_info"),
            _ => name.to_owned(),
        }
    });
    let section = section("## Metrics");
    let tables = section.split("### Alerts").next().unwrap_or_default();
    assert_eq!(first_column(tables), served.collect());
}
