//! The operator serves the metrics that the alerts and the dashboard query.

use std::collections::BTreeSet;

use devenv::{project_root, wait_for};
use regex::Regex;

use crate::process::{DEADLINE, Process, Start};
use crate::scenarios::lifecycle::denied;
use testkit::cluster::Cluster;
use testkit::sandbox::Sandbox;

/// Counted only when AWS throttles.
const NOT_AT_REST: [&str; 1] = ["vpc_flow_operator_aws_throttles_total"];

fn names(text: &str) -> BTreeSet<String> {
    let name = Regex::new("(?:vpc_flow_operator|process)_[a-z_]+").unwrap();
    name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

#[tokio::test]
async fn the_charts_alerts_and_dashboard_use_metrics_that_there_are() {
    let (sandbox, cluster) = (Sandbox::new("chart::metrics").await, Cluster::new("chart-metrics").await);
    sandbox.emulator.add_fault(denied(&sandbox, "sns", "CreateTopic")).await.unwrap();
    let operator = Process::start(&Start::new("chart-metrics", &cluster, &sandbox)).await;
    cluster.create("m", sandbox.spec()).await;
    let files = project_root().join("charts/vpc-flow-operator/files");
    for file in ["alerts.yaml", "dashboard.json"] {
        let mut used = names(&std::fs::read_to_string(files.join(file)).unwrap());
        used.retain(|name| !NOT_AT_REST.contains(&name.as_str()));
        assert!(used.len() > 3, "{used:?}");
        // Some metrics are served only after their first event.
        let mut missing = BTreeSet::new();
        let served = wait_for("all metrics", DEADLINE, async || {
            missing = &used - &names(&operator.get("/metrics").await.1);
            Ok(missing.is_empty().then_some(()))
        })
        .await;
        served.unwrap_or_else(|error| panic!("{file}: {error}: {missing:?}"));
    }
}
