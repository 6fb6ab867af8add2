//! The body of the dashboard: a row for each account and region.
//!
//! See "Dashboard body structure and syntax" in the `CloudWatch` API reference for `region` and `accountId` of a metric. There are no log
//! widgets, because each view of one costs a query, and no alarm widgets, because these are not documented for other regions and accounts.

use std::collections::{BTreeMap, BTreeSet};

use detector::metrics;
use serde_json::{Value, json};

use super::Overview;
use super::forwarding::patterns;
use super::place::{PlaceKey, WantedPlace};
use crate::monitor::Monitor;
use crate::resources::common::detections::Detection;
use crate::resources::dashboard::{Dashboard, Widget, graph, link, managed_by, parse, placed};

/// The dashboard over these places.
pub fn dashboard(overview: &Overview, places: &BTreeMap<PlaceKey, WantedPlace>) -> Dashboard {
    let mut rows = vec![vec![heading(overview)]];
    for (key, place) in places {
        rows.push(vec![monitors(key, place)]);
        rows.push(vec![
            detections(overview, key, place),
            records_read(overview, key, place),
            log_bytes(overview, key, place),
        ]);
    }
    rows.push(findings(overview, places));
    rows.push(not_forwarded(overview, places).into_iter().collect());
    let body = json!({"start": "-PT3H", "periodOverride": "inherit", "widgets": placed(rows)});
    Dashboard { name: overview.base().to_owned(), body: parse(&body.to_string()) }
}

fn text(height: usize, markdown: &str) -> Widget {
    Widget { kind: "text", height, properties: json!({"markdown": markdown}) }
}

fn heading(overview: &Overview) -> Widget {
    let markdown = format!(
        "# VPC flow logs: {}/{}\nMonitors of several accounts and regions. {}",
        overview.namespace,
        overview.name,
        managed_by(&overview.owner)
    );
    text(2, &markdown)
}

/// The monitors of a place, with links to their own dashboards.
fn monitors(key: &PlaceKey, place: &WantedPlace) -> Widget {
    let shown = |monitor: &Monitor| {
        let name = format!("{} ({})", monitor.name, monitor.spec.vpc_id);
        if monitor.spec.dashboard.enabled {
            format!("[{name}]({})", link(&monitor.account_region, &monitor.names.dashboard()))
        } else {
            name
        }
    };
    let links: Vec<_> = place.monitors.iter().map(shown).collect();
    let markdown = format!("## {} {}\n{}", key.account, key.region, links.join(" · "));
    text(2 + place.monitors.len() / 6, &markdown)
}

/// The options of a metric in that account and region.
fn options(overview: &Overview, key: &PlaceKey, label: &str) -> Value {
    let mut options = json!({"region": key.region, "label": label});
    if key.account != overview.home.account {
        options["accountId"] = json!(key.account);
    }
    options
}

fn title(what: &str, key: &PlaceKey) -> String {
    format!("{what}, {} {}", key.account, key.region)
}

fn detections(overview: &Overview, key: &PlaceKey, place: &WantedPlace) -> Widget {
    let of = |monitor: &Monitor| {
        let enabled = Detection::ALL.into_iter().filter(|detection| detection.enabled(monitor));
        let metric = |detection: Detection| {
            let label = format!("{} {}", monitor.name, detection.title());
            let namespace = &monitor.spec.detections.namespace;
            json!([namespace, detection.metric_name(monitor), options(overview, key, &label)])
        };
        enabled.map(metric).collect::<Vec<_>>()
    };
    let metrics: Vec<_> = place.monitors.iter().flat_map(of).collect();
    graph(&key.region, &title("Detections", key), &json!(metrics), json!({}))
}

fn records_read(overview: &Overview, key: &PlaceKey, place: &WantedPlace) -> Widget {
    let with_detector = place.monitors.iter().filter(|monitor| monitor.spec.detector.enabled);
    let metric = |monitor: &Monitor| {
        let (namespace, base) = (&monitor.spec.detections.namespace, monitor.names.base());
        json!([namespace, metrics::RECORDS, metrics::MONITOR, base, options(overview, key, &monitor.name)])
    };
    let metrics: Vec<_> = with_detector.map(metric).collect();
    graph(&key.region, &title("Records read", key), &json!(metrics), json!({}))
}

fn log_bytes(overview: &Overview, key: &PlaceKey, place: &WantedPlace) -> Widget {
    let with_logs = place.monitors.iter().filter(|monitor| monitor.spec.cloud_watch_logs.enabled);
    let metric = |monitor: &Monitor| {
        let group = &monitor.names.log_group;
        json!(["AWS/Logs", "IncomingBytes", "LogGroupName", group, options(overview, key, &monitor.name)])
    };
    let metrics: Vec<_> = with_logs.map(metric).collect();
    graph(&key.region, &title("Log bytes", key), &json!(metrics), json!({}))
}

/// The monitors with most findings in each region. A query of Metrics Insights reads one region.
fn findings(overview: &Overview, places: &BTreeMap<PlaceKey, WantedPlace>) -> Vec<Widget> {
    let mut namespaces: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (key, place) in places {
        let with_detector = place.monitors.iter().filter(|monitor| monitor.spec.detector.enabled);
        namespaces.extend(with_detector.map(|it| (key.region.as_str(), it.spec.detections.namespace.as_str())));
    }
    let widget = |(region, namespace): (&str, &str)| {
        let query = format!(
            "SELECT SUM({}) FROM SCHEMA(\"{namespace}\", {}, {}) GROUP BY {} ORDER BY SUM() DESC LIMIT 10",
            metrics::FINDINGS,
            metrics::MONITOR,
            metrics::RULE,
            metrics::MONITOR
        );
        let metrics = json!([[{"expression": query, "region": region, "period": 300}]]);
        let title = format!("Most findings in {region}, {namespace}");
        graph(&overview.home.region, &title, &metrics, json!({}))
    };
    namespaces.into_iter().take(4).map(widget).collect()
}

/// Alarms that could not be sent to the event bus.
fn not_forwarded(overview: &Overview, places: &BTreeMap<PlaceKey, WantedPlace>) -> Option<Widget> {
    let of = |(key, place): (&PlaceKey, &WantedPlace)| {
        let rules = 1..=patterns(&place.monitors, &overview.spec.alerts).len();
        let label = format!("{} {}", key.account, key.region);
        let metric = |number| {
            json!([
                "AWS/Events",
                "FailedInvocations",
                "RuleName",
                overview.forward_rule(number),
                options(overview, key, &label)
            ])
        };
        rules.map(metric).collect::<Vec<_>>()
    };
    let metrics: Vec<_> = places.iter().flat_map(of).collect();
    let is_shown = overview.spec.alerts.enabled && !metrics.is_empty();
    is_shown.then(|| graph(&overview.home.region, "Alarms that were not forwarded", &json!(metrics), json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::fixtures::{monitors, overview};

    fn places(count: usize) -> BTreeMap<PlaceKey, WantedPlace> {
        let key = |account: &str, region: &str| PlaceKey { account: account.to_owned(), region: region.to_owned() };
        let place = |count| WantedPlace { assume_role: None, monitors: monitors(count) };
        [(key("123456789012", "eu-west-1"), place(1)), (key("444455556666", "us-east-1"), place(count - 1))].into()
    }

    #[test]
    fn metrics_of_other_accounts_and_regions_name_these() {
        let body = dashboard(&overview(), &places(2)).body.to_string();
        assert!(
            body.contains(
                r#"{"accountId":"444455556666","label":"vpc-000 Rejected connections","region":"us-east-1"}"#
            ),
            "{body}"
        );
        assert!(!body.contains(r#""accountId":"123456789012""#), "{body}");
    }

    #[test]
    fn two_hundred_monitors_stay_within_the_limits_of_a_dashboard() {
        let body = dashboard(&overview(), &places(200)).body;
        let widgets = body["widgets"].as_array().unwrap();
        let counts: Vec<_> =
            widgets.iter().filter_map(|it| Some(it["properties"]["metrics"].as_array()?.len())).collect();
        assert!(counts.iter().sum::<usize>() <= 2500, "metrics of a dashboard: {counts:?}");
        assert!(widgets.len() <= 500);
    }
}
