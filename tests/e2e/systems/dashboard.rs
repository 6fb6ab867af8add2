use serde_json::{Value, json};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::api::FlowLogField;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, TagValue};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::{Sandbox, details};

const DASHBOARD: &[Component] = &[Component::Dashboard];

async fn dashboard(sandbox: &Sandbox, monitor: &Monitor) -> Value {
    sandbox.inventory().await["dashboards"][monitor.names.dashboard()].clone()
}

fn titles(dashboard: &Value) -> Vec<&str> {
    let widgets = dashboard["body"]["widgets"].as_array().unwrap().iter();
    widgets.filter_map(|widget| widget["properties"]["title"].as_str()).collect()
}

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("dashboard::created").await;
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, DASHBOARD).await;
    let (base, account) = (monitor.names.base(), &sandbox.account);
    let link =
        format!("https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards:name={base}");
    assert_eq!(details(&outcomes).links.unwrap().dashboard, Some(link));

    let found = dashboard(&sandbox, &monitor).await;
    assert_eq!(found["arn"], format!("arn:aws:cloudwatch::{account}:dashboard/{base}"));
    assert_eq!(
        found["tags"],
        json!({
            "team": "network",
            "vpcflow.dev/owner": "test/network/production",
            "vpcflow.dev/managed-by": "vpc-flow-operator",
            "vpcflow.dev/tag-keys": "yosi",
        })
    );
    assert_eq!(found["body"], expected_body(base, account, &sandbox.vpc_id));
    sandbox.assert_at_rest(&monitor, DASHBOARD).await;
}

fn expected_body(base: &str, account: &str, vpc_id: &str) -> Value {
    let parse = "SOURCE '/aws/vpc/flowlogs/network/production' | parse @message '* * * * * * * * * * * * * *' as \
                 flow_version, flow_account_id, flow_interface_id, flow_srcaddr, flow_dstaddr, flow_srcport, flow_dstport, \
                 flow_protocol, flow_packets, flow_bytes, flow_start, flow_end, flow_action, flow_log_status";
    let at = |x: u32, y: u32, width: u32, height: u32, kind: &str, properties: Value| json!({"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties});
    let graph = |title: &str, period: u32, metrics: Value, more: Value| {
        let mut properties = json!({
            "title": title, "region": "eu-west-1", "view": "timeSeries", "stacked": false, "stat": "Sum", "period": period,
            "metrics": metrics,
        });
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        properties
    };
    let detection = |title: &str, metric: &str, label: &str, threshold: u32| {
        let line = json!([{"label": label, "value": threshold, "color": "#d13212"}]);
        graph(
            title,
            300,
            json!([["VPC/FlowLogs", format!("{metric}-{base}"), {"label": "Flows"}]]),
            json!({"annotations": {"horizontal": line}, "yAxis": {"left": {"min": 0, "showUnits": false}}}),
        )
    };
    let log = |title: &str, view: &str, query: String| json!({"title": title, "region": "eu-west-1", "view": view, "stacked": false, "query": query});
    let alarm = |slug: &str| format!("arn:aws:cloudwatch:eu-west-1:{account}:alarm:{base}-{slug}");
    let function = format!("{base}-detector");
    let lambda = |name: &str, options: Value| json!(["AWS/Lambda", name, "FunctionName", function, options]);
    let own = |name: &str, options: Value| json!(["VPC/FlowLogs", name, "Monitor", base, options]);
    let finding = |rule: &str, label: &str| json!(["VPC/FlowLogs", "DetectorFindings", "Monitor", base, "Rule", rule, {"label": label}]);
    let topic = |name: &str| json!(["AWS/SNS", name, "TopicName", format!("{base}-alerts")]);
    json!({"start": "-PT3H", "periodOverride": "inherit", "widgets": [
        at(0, 0, 24, 2, "text", json!({"markdown": format!(
            "# VPC flow logs: network/production\nTraffic of `{vpc_id}` in eu-west-1. Managed by vpc-flow-operator \
             (`vpcflow.dev/owner=test/network/production`): the operator reverts manual changes."
        )})),
        at(0, 2, 24, 3, "alarm", json!({"title": "Alarms", "alarms": [
            alarm("rejected-connections"), alarm("high-data-transfer"), alarm("external-connections"), alarm("detector-errors"),
        ]})),
        at(0, 5, 8, 6, "metric", detection(
            "Rejected connections", "RejectedConnections", "Alarm: above 50 in 2 × 300 s", 50,
        )),
        at(8, 5, 8, 6, "metric", detection("High data transfer", "HighDataTransfer", "Alarm: above 10 in 1 × 300 s", 10)),
        at(16, 5, 8, 6, "metric", detection(
            "External connections", "ExternalConnections", "Alarm: above 100 in 2 × 300 s", 100,
        )),
        at(0, 11, 12, 8, "log", log("Accepted and rejected flows", "timeSeries", format!(
            "{parse}\n| fields strcontains(flow_action, 'ACCEPT') as is_accepted, strcontains(flow_action, 'REJECT') as \
             is_rejected\n| stats sum(is_accepted) as accepted, sum(is_rejected) as rejected by bin(5m)"
        ))),
        at(12, 11, 12, 8, "log", log("Top talkers", "table", format!(
            "{parse}\n| filter flow_bytes > 0\n| stats sum(flow_bytes) as total_bytes, count(*) as flows by flow_srcaddr, \
             flow_dstaddr\n| sort total_bytes desc\n| limit 20"
        ))),
        at(0, 19, 12, 6, "metric", graph("Findings by rule", 300, json!([
            finding("highDataTransfer", "High data transfer"),
            finding("largeEgress", "Large egress"),
            finding("sensitivePortAccepted", "Sensitive port accepted"),
            finding("portScan", "Port scan"),
            finding("hostSweep", "Host sweep"),
            finding("rejectedTcp", "Rejected TCP"),
            finding("sensitivePortRejected", "Sensitive port rejected"),
            finding("unusualProtocol", "Unusual protocol"),
            finding("skippedRecords", "Skipped records"),
        ]), json!({"stacked": true, "yAxis": {"left": {"min": 0, "showUnits": false}}}))),
        at(12, 19, 12, 6, "metric", graph("Records read by the detector", 300, json!([
            own("DetectorRecords", json!({"label": "Records"})),
            own("DetectorBadRecords", json!({"label": "Bad records", "color": "#d13212"})),
            own("DetectorUnexaminedRecords", json!({"label": "Not examined for scans and sums"})),
            own("DetectorSuppressed", json!({"label": "Suppressed"})),
        ]), json!({"yAxis": {"left": {"min": 0, "showUnits": false}}}))),
        at(0, 25, 8, 6, "metric", graph("Detector invocations", 300, json!([
            lambda("Invocations", json!({})),
            lambda("Errors", json!({"color": "#d13212"})),
            lambda("Throttles", json!({})),
        ]), json!({"yAxis": {"left": {"min": 0}}}))),
        at(8, 25, 8, 6, "metric", graph("Detector duration", 300, json!([
            own("DetectorDuration", json!({"label": "A batch (p95)"})),
            lambda("Duration", json!({"label": "An invocation (p95)"})),
            lambda("Duration", json!({"label": "The longest invocation", "stat": "Maximum"})),
        ]), json!({"stat": "p95", "yAxis": {"left": {"min": 0}}}))),
        at(16, 25, 8, 6, "metric", graph("Notifications", 300, json!([
            topic("NumberOfNotificationsDelivered"), topic("NumberOfNotificationsFailed"),
        ]), json!({"yAxis": {"left": {"min": 0}}}))),
    ]})
}

#[tokio::test]
async fn the_spec_decides_what_is_shown() {
    let sandbox = Sandbox::new("dashboard::fields").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), DASHBOARD).await;

    spec.detections.namespace = "Network".into();
    spec.detections.rejected_connections.threshold = 7.5;
    spec.detections.high_data_transfer.enabled = false;
    spec.detector.enabled = false;
    spec.notifications.topic_arn = Some(format!("arn:aws:sns:eu-west-1:{}:theirs", sandbox.account));
    spec.cloud_watch_logs.log_group_name = Some("/other".into());
    spec.cloud_watch_logs.fields = vec![FlowLogField::SrcAddr, FlowLogField::Action];
    let monitor = sandbox.monitor(spec.clone());
    let changes = sandbox.converge(&monitor, DASHBOARD).await;
    assert_eq!(changes.len(), 1, "{changes:#?}");
    let found = dashboard(&sandbox, &monitor).await;
    assert_eq!(
        titles(&found),
        ["Alarms", "Rejected connections", "External connections", "Accepted and rejected flows"]
    );
    let widgets = &found["body"]["widgets"];
    assert_eq!(widgets[1]["properties"]["alarms"].as_array().unwrap().len(), 2);
    assert_eq!(widgets[2]["properties"]["metrics"][0][0], "Network");
    assert_eq!(widgets[2]["properties"]["annotations"]["horizontal"][0]["value"], 7.5);
    let query = widgets[4]["properties"]["query"].as_str().unwrap();
    assert!(query.starts_with("SOURCE '/other' | parse @message '* *' as flow_srcaddr, flow_action\n"), "{query}");
    sandbox.assert_at_rest(&monitor, DASHBOARD).await;

    spec.detector.enabled = true;
    spec.detector.rules.port_scan.enabled = false;
    let rule = |name: &str, enabled: bool| json!({"name": name, "severity": "LOW", "when": "syn", "description": "d", "enabled": enabled});
    spec.detector.custom_rules = serde_json::from_value(json!([rule("ours", true), rule("off", false)])).unwrap();
    let monitor = sandbox.monitor(spec.clone());
    sandbox.converge(&monitor, DASHBOARD).await;
    let found = dashboard(&sandbox, &monitor).await;
    assert_eq!(found["body"]["widgets"][1]["properties"]["alarms"].as_array().unwrap().len(), 3);
    let metrics = found["body"]["widgets"][5]["properties"]["metrics"].as_array().unwrap();
    assert_eq!((metrics.len(), &metrics[0][0]), (9, &json!("Network")));
    assert_eq!((&metrics[8][5], &metrics[8][6]["label"]), (&json!("ours"), &json!("ours")));
    assert!(metrics.iter().all(|metric| metric[5] != "portScan"), "{metrics:#?}");

    spec.dashboard.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), DASHBOARD).await;
    assert_eq!(sandbox.inventory().await["dashboards"], json!({}));
}

#[tokio::test]
async fn every_drift_is_repaired_and_tags_of_others_stay() {
    let sandbox = Sandbox::new("dashboard::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DASHBOARD).await;
    let before = dashboard(&sandbox, &monitor).await;

    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    let arn = before["arn"].as_str().unwrap();
    let put = cloudwatch.put_dashboard().dashboard_name(monitor.names.dashboard());
    put.dashboard_body(r#"{"widgets": []}"#).send().await.unwrap();
    cloudwatch.untag_resource().resource_arn(arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    let tag = aws_sdk_cloudwatch::types::Tag::builder().key("cost-centre").value("7").build();
    cloudwatch.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();

    let changes = sandbox.converge(&monitor, DASHBOARD).await;
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert!(changes.iter().all(|change| change.action == Action::Update));
    let mut after = dashboard(&sandbox, &monitor).await;
    assert_eq!(after["tags"].as_object_mut().unwrap().remove("cost-centre").unwrap(), "7");
    assert_eq!(after, before);

    cloudwatch.delete_dashboards().dashboard_names(monitor.names.dashboard()).send().await.unwrap();
    sandbox.converge(&monitor, DASHBOARD).await;
    assert_eq!(dashboard(&sandbox, &monitor).await["body"], before["body"]);
}

#[tokio::test]
async fn one_that_is_not_ours_is_a_conflict_and_untouched_or_adopted() {
    let sandbox = Sandbox::new("dashboard::conflict").await;
    let mut spec = sandbox.spec();
    let monitor = sandbox.monitor(spec.clone());
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    let put = cloudwatch.put_dashboard().dashboard_name(monitor.names.dashboard());
    put.dashboard_body(r#"{"widgets": []}"#).send().await.unwrap();
    let before = sandbox.inventory().await;

    let outcomes = sandbox.pass(&monitor, DASHBOARD).await;
    assert!(outcomes[0].conflicts[0].to_string().contains("adoptionPolicy"), "{outcomes:#?}");
    sandbox.remove(&monitor, DASHBOARD).await;
    assert_eq!(sandbox.inventory().await, before);

    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let adopting = sandbox.monitor(spec);
    let changes = sandbox.converge(&adopting, DASHBOARD).await;
    assert_eq!(changes.iter().map(|change| change.action).collect::<Vec<_>>(), [Action::Adopt, Action::Update]);
    sandbox.assert_at_rest(&adopting, DASHBOARD).await;
}

#[tokio::test]
async fn goes_on_delete_and_stays_marked_on_retain() {
    let sandbox = Sandbox::new("dashboard::delete").await;
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    let retaining = sandbox.monitor(spec.clone());
    sandbox.converge(&retaining, DASHBOARD).await;
    let before = dashboard(&sandbox, &retaining).await;
    sandbox.remove(&retaining, DASHBOARD).await;
    let left = dashboard(&sandbox, &retaining).await;
    assert_eq!(left["body"], before["body"]);
    assert_eq!(left["tags"]["vpcflow.dev/retained-by"], "test/network/production");
    assert!(left["tags"].get("vpcflow.dev/owner").is_none());

    for policy in [DeletionPolicy::Delete, DeletionPolicy::RetainData] {
        spec.deletion_policy = Some(policy);
        let again = sandbox.monitor(spec.clone());
        let changes = sandbox.converge(&again, DASHBOARD).await;
        assert_eq!(changes.len(), 1, "taken back by its tags alone, or made: {changes:#?}");
        sandbox.remove(&again, DASHBOARD).await;
        assert_eq!(sandbox.inventory().await["dashboards"], json!({}), "{policy:?}");
    }
}

async fn account(test: &str, dashboard_tags: &str) -> Sandbox {
    let sandbox = Sandbox::new(&format!("dashboard::{test}::{dashboard_tags}")).await;
    sandbox.emulator.set_modes(&sandbox.account, json!({"dashboardTags": dashboard_tags})).await.unwrap();
    sandbox
}

#[tokio::test]
async fn without_tags_at_the_creation_it_is_ours_all_the_same() {
    for dashboard_tags in ["refused", "ignored", "unsupported"] {
        let sandbox = account("untagged", dashboard_tags).await;
        let mut spec = sandbox.spec();
        for policy in [DeletionPolicy::Retain, DeletionPolicy::Delete] {
            spec.deletion_policy = Some(policy);
            let monitor = sandbox.monitor(spec.clone());
            // Created, or taken back.
            let outcomes = sandbox.pass(&monitor, DASHBOARD).await;
            assert!(outcomes[0].conflicts.is_empty() && outcomes[0].failures.is_empty(), "{outcomes:#?}");
            sandbox.converge(&monitor, DASHBOARD).await;
            let tags = &dashboard(&sandbox, &monitor).await["tags"];
            let owner = (dashboard_tags != "unsupported").then_some("test/network/production");
            assert_eq!(tags["vpcflow.dev/owner"], json!(owner), "{dashboard_tags}: {tags}");
            sandbox.assert_at_rest(&monitor, DASHBOARD).await;
            spec.detector.enabled = !spec.detector.enabled;
            let changed = sandbox.monitor(spec.clone());
            assert_eq!(sandbox.converge(&changed, DASHBOARD).await.len(), 1, "{dashboard_tags}");
            sandbox.remove(&changed, DASHBOARD).await;
        }
        assert_eq!(sandbox.inventory().await["dashboards"], json!({}), "{dashboard_tags}");
    }
}

#[tokio::test]
async fn one_of_somebody_else_is_a_conflict_where_dashboards_have_no_tags() {
    let sandbox = account("strangers", "unsupported").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&sandbox.config);
    let markdown = "Managed by vpc-flow-operator (`vpcflow.dev/owner=test/other/production`)";
    let theirs = json!({"widgets": [{"type": "text", "properties": {"markdown": markdown}}]}).to_string();
    for (body, reported) in [(r#"{"widgets": []}"#, "adoptionPolicy"), (theirs.as_str(), "test/other/production")] {
        let put = cloudwatch.put_dashboard().dashboard_name(monitor.names.dashboard()).dashboard_body(body);
        put.send().await.unwrap();
        let before = sandbox.inventory().await;
        let outcomes = sandbox.pass(&monitor, DASHBOARD).await;
        assert!(outcomes[0].conflicts[0].to_string().contains(reported), "{outcomes:#?}");
        sandbox.remove(&monitor, DASHBOARD).await;
        assert_eq!(sandbox.inventory().await, before);
    }
}

#[tokio::test]
async fn tags_that_are_not_visible_yet_are_no_conflict() {
    let sandbox = Sandbox::new("dashboard::tags_later").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, DASHBOARD).await;
    let read = ("monitoring", "ListTagsForResource", "ResourceNotFoundException");
    sandbox.assert_late_tags_are_no_conflict(&monitor, Component::Dashboard, read).await;
}
