//! Detections of the user: a metric filter and an alarm each, which come, change and go with the spec.

use aws_sdk_cloudwatchlogs::types::MetricFilterMatchRecord;
use serde_json::{Value, json};
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::{Sandbox, record};

const SYSTEMS: &[Component] =
    &[Component::LogGroup, Component::Notifications, Component::MetricFilters, Component::Alarms];

fn with(sandbox: &Sandbox, custom: &Value) -> Monitor {
    let mut spec = sandbox.spec();
    spec.detections.custom = serde_json::from_value(custom.clone()).unwrap();
    sandbox.monitor(spec)
}

fn detection(when: &str, threshold: u32) -> Value {
    json!({
        "name": "smb-out", "when": when, "threshold": threshold,
        "tests": [
            {"name": "hit", "matches": true, "record": {"action": "ACCEPT", "dstport": 445, "dstaddr": "192.0.2.1"}},
            {"name": "miss", "matches": false, "record": {"action": "REJECT", "dstport": 445, "dstaddr": "192.0.2.1"}},
        ],
    })
}

#[tokio::test]
async fn a_detection_of_the_user_counts_its_records_and_goes_with_the_spec() {
    let sandbox = Sandbox::new("custom_detections::life").await;
    let when = "dstport == 445 && action == \"ACCEPT\" && !in_networks(destination, [\"10.0.0.0/8\"])";
    let monitor = with(&sandbox, &json!([detection(when, 5)]));
    sandbox.converge(&monitor, SYSTEMS).await;
    sandbox.assert_at_rest(&monitor, SYSTEMS).await;
    let name = format!("{}-c-smb-out", monitor.names.base());
    let inventory = sandbox.inventory().await;
    let alarm = &inventory["alarms"][&name];
    assert_eq!((&alarm["Threshold"], &alarm["EvaluationPeriods"]), (&json!(5.0), &json!(1)));
    assert_eq!(alarm["MetricName"], json!(format!("Custom-smb-out-{}", monitor.names.base())));
    let description = alarm["AlarmDescription"].as_str().unwrap();
    assert!(description.contains("It counts the records with dstport == 445 &&"), "{description}");

    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    let group = &monitor.names.log_group;
    let found = logs.describe_metric_filters().log_group_name(group).filter_name_prefix(&name).send().await.unwrap();
    let pattern = found.metric_filters()[0].filter_pattern().unwrap().to_owned();
    let line = |destination: &str, port: u16, action: &str| {
        format!("2 123456789012 eni-1 10.0.0.1 {destination} 50000 {port} 6 1 40 1418530010 1418530070 {action} OK")
    };
    let records = [
        line("192.0.2.1", 445, "ACCEPT"),
        line("192.0.2.1", 445, "REJECT"),
        line("10.1.2.3", 445, "ACCEPT"),
        line("2001:db8::1", 445, "ACCEPT"),
        "2 123456789012 eni-1 - - - - - - - 1418530010 1418530070 - NODATA".to_owned(),
    ];
    let test = logs.test_metric_filter().filter_pattern(pattern).set_log_event_messages(Some(records.to_vec()));
    let matched = test.send().await.unwrap();
    let matched: Vec<_> = matched.matches().iter().map(MetricFilterMatchRecord::event_number).collect();
    assert_eq!(matched, [1, 4]);

    let monitor = with(&sandbox, &json!([detection(when, 7)]));
    sandbox.converge(&monitor, SYSTEMS).await;
    assert_eq!(sandbox.inventory().await["alarms"][&name]["Threshold"], json!(7.0));

    // The status has the names of what earlier passes made.
    let mut without = with(&sandbox, &json!([]));
    record(&mut without, Component::Alarms, ResourceKind::Alarm, &name);
    sandbox.converge(&without, SYSTEMS).await;
    sandbox.assert_at_rest(&without, SYSTEMS).await;
    assert_eq!(sandbox.inventory().await["alarms"].get(&name), None);
    let left = logs.describe_metric_filters().log_group_name(group).filter_name_prefix(&name).send().await.unwrap();
    assert!(left.metric_filters().is_empty());
}

#[tokio::test]
async fn a_detection_that_is_refused_changes_nothing_else() {
    let sandbox = Sandbox::new("custom_detections::refused").await;
    let monitor = with(&sandbox, &json!([detection("dstport == 445 && action == \"ACCEPT\"", 5)]));
    sandbox.converge(&monitor, SYSTEMS).await;
    let (before, since) = (sandbox.inventory().await, sandbox.latest_call().await);
    for (when, reason) in
        [("dstport == 445 || srcport == 445", Reason::InvalidSpec), ("dstport == 445", Reason::TestsFailed)]
    {
        let mut new = detection(when, 7);
        new["name"] = json!("new");
        let outcomes = sandbox.pass(&with(&sandbox, &json!([detection(when, 7), new])), SYSTEMS).await;
        let filters = outcomes.iter().find(|outcome| outcome.component == Component::MetricFilters).unwrap();
        assert_eq!(filters.failures[0].1.reason, reason, "{:?}", filters.failures);
    }
    let after = sandbox.inventory().await;
    assert_eq!((&after["alarms"], &after["logGroups"]), (&before["alarms"], &before["logGroups"]));
    // The topic lets the alarms of all declared detections publish.
    let writes = sandbox.writes_since(since).await;
    assert!(writes.iter().all(|call| call.operation == "SetTopicAttributes"), "{writes:?}");
}

/// A log group has room for few patterns with networks: the new filter may need the room of the former one.
#[tokio::test]
async fn a_filter_that_is_switched_off_goes_though_another_one_is_refused() {
    let sandbox = Sandbox::new("custom_detections::full").await;
    let former = with(&sandbox, &json!([detection("dstport == 445 && action == \"ACCEPT\"", 5)]));
    sandbox.converge(&former, SYSTEMS).await;
    let mut renamed = detection("dstport == 445 && action == \"ACCEPT\"", 5);
    renamed["name"] = json!("smb");
    let renamed = with(&sandbox, &json!([renamed]));
    let refused = sandbox.fault("logs", "PutMetricFilter", "AccessDeniedException", "as the test asked");
    sandbox.emulator.add_fault(refused).await.unwrap();
    let outcomes = sandbox.pass(&renamed, SYSTEMS).await;
    let filters = outcomes.iter().find(|outcome| outcome.component == Component::MetricFilters).unwrap();
    assert_eq!(filters.failures.len(), 1, "{filters:#?}");
    let names = async || {
        let filters = sandbox.inventory().await["logGroups"][&former.names.log_group]["metricFilters"].clone();
        let names =
            filters.as_object().unwrap().keys().filter_map(|name| name.split_once("-c-")).map(|it| it.1.to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names().await, [""; 0]);
    sandbox.converge(&renamed, SYSTEMS).await;
    assert_eq!(names().await, ["smb"]);
}
