use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::types::MetricTransformation;
use serde_json::{Value, json};
use vpc_flow_operator::api::FlowLogField;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy, LogGroupClass};
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::engine::Action;
use vpc_flow_operator::resources::common::detections::Detection;

use testkit::sandbox::{Sandbox, record};

const METRIC_FILTERS: &[Component] = &[Component::LogGroup, Component::MetricFilters];
const GROUP: &str = "/aws/vpc/flowlogs/network/production";

async fn filters(sandbox: &Sandbox, group: &str) -> Value {
    sandbox.inventory().await["logGroups"][group]["metricFilters"].clone()
}

async fn put_by_hand(sandbox: &Sandbox, group: &str, name: &str) {
    let transformation = MetricTransformation::builder()
        .metric_name("Other")
        .metric_namespace("Other")
        .metric_value("2")
        .build()
        .unwrap();
    Client::new(&sandbox.config)
        .put_metric_filter()
        .log_group_name(group)
        .filter_name(name)
        .filter_pattern("ERROR")
        .metric_transformations(transformation)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn are_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("metric_filters::created").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, METRIC_FILTERS).await;

    let base = monitor.names.base();
    let transformation = |metric: &str| {
        json!([{
            "metricName": format!("{metric}-{base}"),
            "metricNamespace": "VPC/FlowLogs",
            "metricValue": "1",
            "defaultValue": 0.0,
        }])
    };
    let head = "[version, account_id, interface_id";
    let private = r"^10\.|^169\.254\.|^172\.1[6-9]\.|^172\.2\d\.|^172\.3[01]\.|^192\.168\.|^f[cd]\w\w:|^fe[89ab]\w:";
    let ports = "dstaddr, srcport, dstport, protocol, packets";
    assert_eq!(
        filters(&sandbox, GROUP).await,
        json!({
            format!("{base}-rejected-connections"): {
                "filterPattern": format!("{head}, srcaddr, {ports}, bytes, start, end, action=REJECT, log_status=OK]"),
                "metricTransformations": transformation("RejectedConnections"),
            },
            format!("{base}-high-data-transfer"): {
                "filterPattern": format!("{head}, srcaddr, {ports}, bytes>10000000, start, end, action, log_status=OK]"),
                "metricTransformations": transformation("HighDataTransfer"),
            },
            format!("{base}-external-connections"): {
                "filterPattern": format!("{head}, srcaddr!=%{private}%, {ports}, bytes, start, end, action, log_status=OK]"),
                "metricTransformations": transformation("ExternalConnections"),
            },
        })
    );
    sandbox.assert_at_rest(&monitor, METRIC_FILTERS).await;
}

#[tokio::test]
async fn every_field_of_the_spec_changes_what_it_should() {
    let sandbox = Sandbox::new("metric_filters::spec").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), METRIC_FILTERS).await;

    spec.detections.high_data_transfer.min_bytes = 5;
    spec.detections.external_connections.trusted_cidrs = vec!["203.0.113.0/25".into(), "2001:db8::/32".into()];
    let monitor = sandbox.monitor(spec.clone());
    let changes = sandbox.converge(&monitor, METRIC_FILTERS).await;
    assert_eq!(changes.len(), 2, "{changes:#?}");
    let found = filters(&sandbox, GROUP).await;
    let pattern = |detection: Detection| found[detection.filter_name(&monitor)]["filterPattern"].as_str().unwrap();
    assert!(pattern(Detection::HighDataTransfer).contains("bytes>5,"));
    assert!(pattern(Detection::ExternalConnections).contains(r"|^203\.0\.113\.12[0-7]$|"));
    assert!(pattern(Detection::ExternalConnections).contains("|^2001:db8:|"));

    spec.detections.namespace = "Network".into();
    spec.cloud_watch_logs.fields = vec![FlowLogField::Action, FlowLogField::Bytes, FlowLogField::SrcAddr];
    let monitor = sandbox.monitor(spec.clone());
    assert_eq!(sandbox.converge(&monitor, METRIC_FILTERS).await.len(), 3);
    let found = filters(&sandbox, GROUP).await;
    let rejected = &found[Detection::RejectedConnections.filter_name(&monitor)];
    assert_eq!(rejected["filterPattern"], "[action=REJECT, bytes, srcaddr]");
    assert_eq!(rejected["metricTransformations"][0]["metricNamespace"], "Network");
    sandbox.assert_at_rest(&monitor, METRIC_FILTERS).await;

    spec.detections.rejected_connections.enabled = false;
    sandbox.converge(&sandbox.monitor(spec.clone()), METRIC_FILTERS).await;
    assert_eq!(filters(&sandbox, GROUP).await.as_object().unwrap().len(), 2);
    spec.detections.high_data_transfer.enabled = false;
    spec.detections.external_connections.enabled = false;
    sandbox.converge(&sandbox.monitor(spec), METRIC_FILTERS).await;
    assert_eq!(filters(&sandbox, GROUP).await, json!({}));
}

#[tokio::test]
async fn every_drift_is_repaired_and_filters_of_others_stay() {
    let sandbox = Sandbox::new("metric_filters::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, METRIC_FILTERS).await;
    put_by_hand(&sandbox, GROUP, "somebody-elses").await;
    let before = filters(&sandbox, GROUP).await;
    put_by_hand(&sandbox, GROUP, &Detection::RejectedConnections.filter_name(&monitor)).await;
    let gone = Detection::HighDataTransfer.filter_name(&monitor);
    let logs = Client::new(&sandbox.config);
    logs.delete_metric_filter().log_group_name(GROUP).filter_name(gone).send().await.unwrap();

    let changes = sandbox.converge(&monitor, METRIC_FILTERS).await;
    let actions: Vec<_> = changes.iter().map(|change| change.action).collect();
    assert_eq!(actions, [Action::Update, Action::Create], "{changes:#?}");
    assert_eq!(filters(&sandbox, GROUP).await, before);
    sandbox.remove(&monitor, METRIC_FILTERS).await;
    assert_eq!(filters(&sandbox, GROUP).await.as_object().unwrap().keys().collect::<Vec<_>>(), ["somebody-elses"]);
}

#[tokio::test]
async fn more_filters_than_a_page_are_no_obstacle() {
    let sandbox = Sandbox::new("metric_filters::pages").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &[Component::LogGroup]).await;
    for number in 0..60 {
        put_by_hand(&sandbox, GROUP, &format!("a-{number}")).await;
    }
    assert_eq!(sandbox.converge(&monitor, METRIC_FILTERS).await.len(), 3);
    sandbox.assert_at_rest(&monitor, METRIC_FILTERS).await;
}

#[tokio::test]
async fn a_log_group_that_is_not_ours_gets_no_filters() {
    let sandbox = Sandbox::new("metric_filters::conflict").await;
    let monitor = sandbox.monitor(sandbox.spec());
    Client::new(&sandbox.config).create_log_group().log_group_name(GROUP).send().await.unwrap();
    let outcomes = sandbox.pass(&monitor, METRIC_FILTERS).await;
    assert_eq!(outcomes[1].waits_for, [Component::LogGroup]);
    assert_eq!(filters(&sandbox, GROUP).await, json!({}));

    let mut spec = sandbox.spec();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    let adopting = sandbox.monitor(spec);
    put_by_hand(&sandbox, GROUP, "rejected-connections").await;
    sandbox.converge(&adopting, METRIC_FILTERS).await;
    assert_eq!(filters(&sandbox, GROUP).await.as_object().unwrap().len(), 4);
}

#[tokio::test]
async fn networks_that_do_not_fit_are_reported_and_what_exists_stays() {
    let sandbox = Sandbox::new("metric_filters::invalid").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), METRIC_FILTERS).await;
    let before = filters(&sandbox, GROUP).await;
    spec.detections.external_connections.trusted_cidrs = (0..64).map(|index| format!("203.{index}.1.0/24")).collect();
    let monitor = sandbox.monitor(spec);
    let outcomes = sandbox.pass(&monitor, METRIC_FILTERS).await;
    let (_, failure) = &outcomes[1].failures[0];
    assert_eq!(failure.reason, Reason::InvalidSpec);
    assert!(failure.message.starts_with("spec.detections.externalConnections.trustedCidrs: 203."), "{failure}");
    assert_eq!(filters(&sandbox, GROUP).await, before);
    // Deletion goes on.
    sandbox.remove(&monitor, METRIC_FILTERS).await;
}

#[tokio::test]
async fn a_full_log_group_is_reported_with_its_filters() {
    let sandbox = Sandbox::new("metric_filters::full").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &[Component::LogGroup]).await;
    for number in 0..98 {
        put_by_hand(&sandbox, GROUP, &format!("theirs-{number:02}")).await;
    }
    let outcomes = sandbox.pass(&monitor, METRIC_FILTERS).await;
    let (_, failure) = &outcomes[1].failures[0];
    assert_eq!(failure.reason, Reason::Rejected);
    let words = [
        "metric filter ",
        "Resource limit exceeded",
        &format!("log group {GROUP} has metric filter "),
        " more; delete",
    ];
    assert!(words.iter().all(|words| failure.to_string().contains(words)), "{failure}");
    assert!(!failure.message.contains("100"), "{failure}");
}

#[tokio::test]
async fn a_class_without_metric_filters_is_not_asked_for_them() {
    let sandbox = Sandbox::new("metric_filters::class").await;
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.log_group_class = LogGroupClass::InfrequentAccess;
    spec.detections.rejected_connections.enabled = false;
    spec.detections.high_data_transfer.enabled = false;
    spec.detections.external_connections.enabled = false;
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, METRIC_FILTERS).await;
    let calls = sandbox.emulator.calls(&sandbox.account, 0).await.unwrap();
    assert!(calls.iter().all(|call| call.operation != "DescribeMetricFilters" && call.operation != "PutMetricFilter"));
}

#[tokio::test]
async fn stay_only_where_everything_does() {
    for (policy, count) in [(DeletionPolicy::Retain, 3), (DeletionPolicy::RetainData, 0)] {
        let sandbox = Sandbox::new(&format!("metric_filters::delete::{policy:?}")).await;
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec);
        sandbox.converge(&monitor, METRIC_FILTERS).await;
        sandbox.remove(&monitor, METRIC_FILTERS).await;
        assert_eq!(filters(&sandbox, GROUP).await.as_object().unwrap().len(), count, "{policy:?}");
        // A log group that is taken back gets all its filters.
        sandbox.converge(&monitor, METRIC_FILTERS).await;
        sandbox.assert_at_rest(&monitor, METRIC_FILTERS).await;
    }
}

#[tokio::test]
async fn a_former_log_group_counts_no_more() {
    let sandbox = Sandbox::new("metric_filters::rename").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), METRIC_FILTERS).await;
    spec.cloud_watch_logs.log_group_name = Some("/other".into());
    let mut renamed = sandbox.monitor(spec);
    record(&mut renamed, Component::LogGroup, ResourceKind::LogGroup, GROUP);
    sandbox.converge(&renamed, METRIC_FILTERS).await;
    assert_eq!(filters(&sandbox, GROUP).await, json!({}));
    assert_eq!(filters(&sandbox, "/other").await.as_object().unwrap().len(), 3);
    sandbox.assert_at_rest(&renamed, METRIC_FILTERS).await;
}

#[tokio::test]
async fn without_the_log_group_deletion_goes_on() {
    let sandbox = Sandbox::new("metric_filters::gone").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, METRIC_FILTERS).await;
    Client::new(&sandbox.config).delete_log_group().log_group_name(GROUP).send().await.unwrap();
    sandbox.remove(&monitor, METRIC_FILTERS).await;
}
