//! The queries of the Grafana dashboard, answered by Prometheus.

use std::path::Path;
use std::time::Duration;

use devenv::{project_root, wait_for};
use serde_json::{Value, json};
use testkit::rights::RELEASE_NAMESPACE;

use crate::programs::monitoring::Monitoring;

const DEADLINE: Duration = Duration::from_mins(2);

/// The time that is looked at: all of the test.
const SECONDS: u64 = 600;

/// Checks each panel, and writes what it shows to `dashboard.json` in the folder of the tests, for `make dashboard-picture`.
pub async fn assert_every_query_has_data(monitoring: &Monitoring) {
    let file = project_root().join("charts/vpc-flow-operator/files/dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut panels = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let mut series = Vec::new();
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            // As Grafana fills the variables in; a rate needs four readings.
            let query = query.replace("$namespace", RELEASE_NAMESPACE).replace("$__rate_interval", "10s");
            let mut latest = Ok(Vec::new());
            let answered = wait_for(&query, DEADLINE, async || {
                latest = monitoring.query(&query, SECONDS).await;
                let points = |series: &Value| series["values"].as_array().map_or(0, Vec::len);
                // A few, or there would be no line.
                Ok(latest.as_ref().is_ok_and(|all| all.iter().any(|series| points(series) > 5)).then_some(()))
            });
            answered.await.unwrap_or_else(|error| panic!("{}: {error}: {latest:?}", panel["title"]));
            series.push(json!({"legend": target["legendFormat"], "data": latest.unwrap()}));
        }
        panels.push(json!({
            "title": panel["title"], "type": panel["type"], "place": panel["gridPos"],
            "unit": panel["fieldConfig"]["defaults"]["unit"], "series": series,
        }));
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboard.json");
    std::fs::write(path, serde_json::to_string(&json!({"title": dashboard["title"], "panels": panels})).unwrap())
        .unwrap();
}
