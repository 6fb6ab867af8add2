//! The widgets about the detector: records read, findings, duration and errors.

use detector::metrics;
use detector::rules::Rule;
use serde_json::{Value, json};

use super::widget::{RED, Widget, graph};
use crate::monitor::Monitor;
use crate::resources::detector::rules::{enabled_custom_rules, is_enabled};

/// The widgets for its findings and for the records it read.
pub(super) fn results(monitor: &Monitor) -> Vec<Widget> {
    findings(monitor).into_iter().chain([records(monitor)]).collect()
}

/// The widgets for the outcomes and the duration of its invocations.
pub(super) fn invocations(monitor: &Monitor) -> Vec<Widget> {
    vec![outcomes(monitor), duration(monitor)]
}

/// A metric that the detector writes itself, for one rule or for all its work.
fn own_metric(monitor: &Monitor, name: &str, rule: Option<&str>, options: Value) -> Value {
    let mut metric = vec![json!(monitor.spec.detections.namespace), json!(name)];
    metric.extend([json!(metrics::MONITOR), json!(monitor.names.base())]);
    metric.extend(rule.into_iter().flat_map(|rule| [json!(metrics::RULE), json!(rule)]));
    metric.push(options);
    metric.into()
}

fn lambda_metric(monitor: &Monitor, name: &str, options: &Value) -> Value {
    json!(["AWS/Lambda", name, "FunctionName", monitor.names.detector(), options])
}

fn findings(monitor: &Monitor) -> Option<Widget> {
    let spec = &monitor.spec.detector;
    let enabled = Rule::ALL.into_iter().filter(|rule| is_enabled(*rule, &spec.rules));
    let enabled = enabled.map(|rule| (rule.name(), rule.title()));
    let custom = enabled_custom_rules(spec).map(|rule| (rule.name.as_str(), rule.name.as_str()));
    let metric = |(rule, label)| own_metric(monitor, metrics::FINDINGS, Some(rule), json!({"label": label}));
    let metrics: Vec<_> = enabled.chain(custom).map(metric).collect();
    let more = json!({"stacked": true, "yAxis": {"left": {"min": 0, "showUnits": false}}});
    (!metrics.is_empty()).then(|| graph(&monitor.account_region.region, "Findings by rule", &json!(metrics), more))
}

fn records(monitor: &Monitor) -> Widget {
    let metrics = [
        own_metric(monitor, metrics::RECORDS, None, json!({"label": "Records"})),
        own_metric(monitor, metrics::BAD_RECORDS, None, json!({"label": "Bad records", "color": RED})),
        own_metric(monitor, metrics::UNEXAMINED_RECORDS, None, json!({"label": "Not examined for scans and sums"})),
        own_metric(monitor, metrics::SUPPRESSED_RECORDS, None, json!({"label": "Suppressed"})),
    ];
    let more = json!({"yAxis": {"left": {"min": 0, "showUnits": false}}});
    graph(&monitor.account_region.region, "Records read by the detector", &json!(metrics), more)
}

fn outcomes(monitor: &Monitor) -> Widget {
    let metrics = [
        lambda_metric(monitor, "Invocations", &json!({})),
        lambda_metric(monitor, "Errors", &json!({"color": RED})),
        lambda_metric(monitor, "Throttles", &json!({})),
    ];
    graph(&monitor.account_region.region, "Detector invocations", &json!(metrics), json!({}))
}

fn duration(monitor: &Monitor) -> Widget {
    let metrics = [
        own_metric(monitor, metrics::DURATION, None, json!({"label": "A batch (p95)"})),
        lambda_metric(monitor, "Duration", &json!({"label": "An invocation (p95)"})),
        lambda_metric(monitor, "Duration", &json!({"label": "The longest invocation", "stat": "Maximum"})),
    ];
    graph(&monitor.account_region.region, "Detector duration", &json!(metrics), json!({"stat": "p95"}))
}
