//! Prometheus with the chart's alert rules, and Alertmanager.

use std::collections::BTreeSet;
use std::time::Duration;

use devenv::{Supervised, free_port, provided_by, supervised_command, wait_for};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Folder, http};

const DEADLINE: Duration = Duration::from_mins(3);

pub struct Monitoring {
    prometheus: String,
    alertmanager: String,
    _processes: [Supervised; 2],
}

impl Monitoring {
    /// Prometheus reads the metrics at these addresses each second as those of pods in `namespace`, and judges `rules` each second.
    pub async fn start(targets: &[String], namespace: &str, rules: &Value, folder: &Folder) -> Self {
        let (prometheus, alertmanager) = tokio::join!(
            provided_by("tools/others/prometheus/build.sh"),
            provided_by("tools/others/alertmanager/build.sh"),
        );
        let addresses = [(); 2].map(|()| format!("127.0.0.1:{}", free_port().unwrap()));
        let write = |name: &str, content: Value| {
            let path = folder.path().join(name);
            std::fs::write(&path, serde_yaml_ng::to_string(&content).unwrap()).unwrap();
            path
        };
        let rules = write("alerts.yaml", json!({"groups": [{"name": "vpc-flow-operator", "rules": rules}]}));
        let scraped: Vec<_> = targets
            .iter()
            .enumerate()
            .map(|(number, target)| json!({"targets": [target], "labels": {"namespace": namespace, "pod": format!("vpc-flow-operator-{number}")}}))
            .collect();
        let settings = write(
            "prometheus.yaml",
            json!({
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                "rule_files": [rules],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [addresses[1]]}]}]},
                "scrape_configs": [{"job_name": "vpc-flow-operator", "honor_labels": true, "static_configs": scraped}],
            }),
        );
        let receivers =
            write("alertmanager.yaml", json!({"route": {"receiver": "team"}, "receivers": [{"name": "team"}]}));
        let mut server = supervised_command(prometheus.unwrap().join("prometheus"));
        server
            .arg(format!("--config.file={}", settings.display()))
            .arg(format!("--storage.tsdb.path={}", folder.below("prometheus").display()))
            .arg(format!("--web.listen-address={}", addresses[0]));
        let mut manager = supervised_command(alertmanager.unwrap().join("alertmanager"));
        manager
            .arg(format!("--config.file={}", receivers.display()))
            .arg(format!("--storage.path={}", folder.below("alertmanager").display()))
            .arg(format!("--web.listen-address={}", addresses[1]))
            .arg("--cluster.listen-address=");
        let spawn =
            |name: &str, command| Supervised::spawn(name, command, &folder.path().join(format!("{name}.log"))).unwrap();
        let processes = [spawn("prometheus", server), spawn("alertmanager", manager)];
        let [prometheus, alertmanager] = addresses;
        Self { prometheus, alertmanager, _processes: processes }
    }

    /// The names of the alerts that Alertmanager has now.
    pub async fn alerts(&self) -> anyhow::Result<BTreeSet<String>> {
        let alerts = http::json(&self.alertmanager, "/api/v2/alerts").await?;
        let names = alerts.as_array().into_iter().flatten().filter_map(|alert| alert["labels"]["alertname"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Waits until Alertmanager has the alert, or has it no more.
    pub async fn wait_alert(&self, name: &str, fires: bool) {
        let mut latest = BTreeSet::new();
        let waited = wait_for("the alert", DEADLINE, async || {
            latest = self.alerts().await.unwrap_or_default();
            Ok((latest.contains(name) == fires).then_some(()))
        });
        let what = if fires { "to reach Alertmanager" } else { "to resolve" };
        waited.await.unwrap_or_else(|error| panic!("{error} {name} {what}: {latest:?}"));
    }

    /// The series of a query over the last `seconds`.
    pub async fn query(&self, query: &str, seconds: u64) -> anyhow::Result<Vec<Value>> {
        let end = std::time::UNIX_EPOCH.elapsed()?.as_secs();
        let query = utf8_percent_encode(query, NON_ALPHANUMERIC);
        let path = format!("/api/v1/query_range?query={query}&start={}&end={end}&step=1", end - seconds);
        let answer = http::json(&self.prometheus, &path).await?;
        anyhow::ensure!(answer["status"] == "success", "{answer}");
        Ok(answer["data"]["result"].as_array().cloned().unwrap_or_default())
    }
}
