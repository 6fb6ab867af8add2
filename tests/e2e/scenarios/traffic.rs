//! Traffic through a whole monitor: from the flow logs to the alarms, the subscriber, the status and a saved query.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Statistic};
use devenv::{Scenario, wait_for};
use serde_json::Value;
use vpc_flow_operator::api::spec::RecordSource;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};

use crate::inbox::Inbox;
use crate::systems::analytics::saved_queries::run_in;
use testkit::cluster::{Cluster, Operator};
use testkit::sandbox::Sandbox;

const DEADLINE: Duration = Duration::from_secs(30);
const MINUTES: u32 = 15;

/// A Ready monitor `m` and a subscriber of its topic.
struct Scene {
    sandbox: Sandbox,
    cluster: Cluster,
    operator: Operator,
    inbox: Inbox,
}

impl Scene {
    async fn new(name: &str) -> Self {
        Self::with(name, |_| ()).await
    }

    async fn with(name: &str, change: impl FnOnce(&mut VpcFlowMonitorSpec)) -> Self {
        let (sandbox, cluster) = (Sandbox::new(&format!("traffic::{name}")).await, Cluster::new(name).await);
        let operator = Operator::start(&cluster, &sandbox);
        let mut spec = sandbox.spec();
        change(&mut spec);
        cluster.create("m", spec).await;
        cluster.wait_ready("m").await;
        let sns = aws_sdk_sns::Client::new(&sandbox.config);
        let topics = sns.list_topics().send().await.unwrap();
        let inbox = Inbox::subscribe(&sns, topics.topics()[0].topic_arn().unwrap()).await;
        Self { sandbox, cluster, operator, inbox }
    }

    async fn happens(&self, scenario: Scenario) {
        let Sandbox { account, vpc_id, emulator, .. } = &self.sandbox;
        let traffic = emulator.traffic(account, "eu-west-1", vpc_id, scenario, MINUTES).await.unwrap();
        assert!(!traffic.flow_logs.is_empty());
        assert!(traffic.flow_logs.values().all(|it| it.delivered > 0 && it.refused.is_none()), "{traffic:?}");
    }

    /// Waits for a document of the detector for which `wanted` is true, and returns it.
    async fn document(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.inbox.next().await;
            let document: Value = serde_json::from_str(message["Message"].as_str().unwrap()).unwrap();
            if document["records"].is_object() {
                let records = &document["records"];
                assert_eq!((&records["bad"], &records["parsed"]), (&0.into(), &records["total"]), "{document}");
            }
            if wanted(&document) {
                return document;
            }
        }
    }

    /// The sum of the detector's metric of findings of a rule.
    async fn findings(&self, rule: &str) -> f64 {
        let cloudwatch = aws_sdk_cloudwatch::Client::new(&self.sandbox.config);
        let inventory = self.sandbox.inventory().await;
        let function = inventory["functions"].as_object().unwrap().keys().next().unwrap();
        let monitor = function.strip_suffix("-detector").unwrap();
        let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let now = SystemTime::now();
        let points = cloudwatch
            .get_metric_statistics()
            .namespace("VPC/FlowLogs")
            .metric_name("DetectorFindings")
            .dimensions(dimension("Monitor", monitor))
            .dimensions(dimension("Rule", rule))
            .start_time(DateTime::from(now - Duration::from_hours(1)))
            .end_time(DateTime::from(now + Duration::from_mins(1)))
            .period(60)
            .statistics(Statistic::Sum)
            .send()
            .await
            .unwrap();
        points.datapoints().iter().filter_map(aws_sdk_cloudwatch::types::Datapoint::sum).sum()
    }
}

fn alarms(monitor: &VpcFlowMonitor) -> BTreeMap<String, String> {
    let status = monitor.status.as_ref().unwrap();
    status.alarms.iter().map(|alarm| (alarm.name.clone(), alarm.state.clone())).collect()
}

fn firing(monitor: &VpcFlowMonitor) -> String {
    monitor.status.as_ref().unwrap().summary.as_ref().unwrap().alarms.clone()
}

#[tokio::test]
async fn an_attack_fires_alarms_reaches_the_subscriber_and_is_on_top_of_a_query() {
    let mut scene = Scene::new("traffic-attack").await;
    scene.happens(Scenario::Attack).await;

    let attacker = Scenario::ATTACKER;
    let has = |document: &Value, rule: &str, field: &str| {
        let findings = document["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
        findings.iter().any(|finding| finding["rule"] == rule && finding[field] == attacker)
    };
    scene.document(|it| it["NewStateValue"] == "ALARM").await;
    scene.document(|it| has(it, "portScan", "source")).await;

    let monitor = scene.cluster.reconcile_now("m", "after the attack").await;
    assert_eq!(firing(&monitor), "3 firing", "{:?}", alarms(&monitor));
    let quiet: Vec<_> = alarms(&monitor).into_iter().filter(|(_, state)| state == "OK").collect();
    assert!(quiet.len() == 1 && quiet[0].0.ends_with("-detector-errors"), "{quiet:?}");

    let inventory = scene.sandbox.inventory().await;
    let workgroups = inventory["workgroups"].as_object().unwrap();
    let workgroup = workgroups.keys().find(|name| *name != "primary").unwrap();
    let scans = run_in(&scene.sandbox, workgroup, "Port scans").await;
    assert_eq!(scans[0][0], attacker, "{scans:?}");
    let talkers = run_in(&scene.sandbox, workgroup, "Top talkers").await;
    assert_eq!(talkers[0][1], attacker, "{talkers:?}");

    wait_for("the detector's metrics", DEADLINE, async || Ok((scene.findings("portScan").await > 0.0).then_some(())))
        .await
        .unwrap();
    for rule in ["largeEgress", "sensitivePortAccepted"] {
        assert!(scene.findings(rule).await > 0.0, "{rule}");
    }
    assert!(scene.findings("skippedRecords").await < 0.5);
    scene.operator.stop().await;
}

#[tokio::test]
async fn an_ordinary_day_fires_nothing() {
    let scene = Scene::new("traffic-normal").await;
    scene.happens(Scenario::Normal).await;
    let monitor = scene.cluster.reconcile_now("m", "after the day").await;
    assert_eq!(firing(&monitor), "0 firing", "{:?}", alarms(&monitor));
    for rule in ["portScan", "hostSweep", "largeEgress", "highDataTransfer", "sensitivePortAccepted"] {
        assert!(scene.findings(rule).await < 0.5, "{rule}");
    }
    scene.operator.stop().await;
}

#[tokio::test]
async fn without_a_log_group_an_attack_is_found_in_the_files_and_counted_for_the_alarms() {
    let mut scene = Scene::with("traffic-files", |spec| {
        spec.cloud_watch_logs.enabled = false;
        spec.detector.source = RecordSource::S3;
    })
    .await;
    scene.happens(Scenario::Attack).await;
    let found = scene.document(|it| it["findings"].as_array().is_some_and(|found| !found.is_empty())).await;
    assert!(found["links"]["logsInsights"].is_null(), "{}", found["links"]);
    scene.document(|it| it["NewStateValue"] == "ALARM").await;

    // The other two look at two periods, and here all files come at once.
    let monitor = scene.cluster.reconcile_now("m", "after the attack").await;
    assert_eq!(firing(&monitor), "1 firing", "{:?}", alarms(&monitor));
    let summary = monitor.status.unwrap().summary.unwrap();
    assert_eq!((summary.flow_logs.as_str(), summary.log_group.as_str()), ("1/1", ""));
    wait_for("the detector's metrics", DEADLINE, async || Ok((scene.findings("portScan").await > 0.0).then_some(())))
        .await
        .unwrap();
    let inventory = scene.sandbox.inventory().await;
    let groups: Vec<_> = inventory["logGroups"].as_object().unwrap().keys().collect();
    assert!(groups.iter().all(|group| group.starts_with("/aws/lambda/")), "{groups:?}");
    scene.operator.stop().await;
}

#[tokio::test]
async fn a_sweep_over_sixty_interfaces_is_found_in_the_files_only() {
    let sees = async |name: &str, source| {
        let mut scene = Scene::with(name, |spec| spec.detector.source = source).await;
        scene.happens(Scenario::Sweep).await;
        let found = scene.findings("hostSweep").await;
        if source == RecordSource::S3 {
            let document = scene.document(|it| it["findings"].to_string().contains("hostSweep")).await;
            assert_eq!(document["findings"][0]["hostCount"], 60, "{document}");
        }
        scene.operator.stop().await;
        found
    };
    assert!(sees("traffic-sweep-batches", RecordSource::CloudWatchLogs).await < 0.5);
    assert!(sees("traffic-sweep-files", RecordSource::S3).await > 0.5);
}
