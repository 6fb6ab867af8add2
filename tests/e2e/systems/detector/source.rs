//! The source of the records: the log group, or the files of the bucket.

use aws_sdk_s3::types::{Event, EventBridgeConfiguration, NotificationConfiguration, QueueConfiguration};
use serde_json::{Value, json};
use testkit::sandbox::{Sandbox, all_components, record};
use vpc_flow_operator::api::spec::{DeletionPolicy, RecordSource};
use vpc_flow_operator::api::{Component, ResourceKind, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::Direction;
use vpc_flow_operator::monitor::Monitor;

use super::{RECORDS, detector, pass, settled_function};

const PARTS: &[Component] = &[Component::Bucket, Component::LogGroup, Component::Detector];

fn reads_files(sandbox: &Sandbox) -> VpcFlowMonitorSpec {
    let mut spec = sandbox.spec();
    spec.detector.source = RecordSource::S3;
    spec
}

async fn built(test: &str) -> (Sandbox, Monitor) {
    let sandbox = Sandbox::new(test).await;
    let monitor = sandbox.monitor(reads_files(&sandbox));
    sandbox.converge(&monitor, PARTS).await;
    settled_function(&sandbox, &monitor).await;
    (sandbox, monitor)
}

fn events(sandbox: &Sandbox) -> aws_sdk_eventbridge::Client {
    aws_sdk_eventbridge::Client::new(&sandbox.config)
}

/// Everything in the account, without the times that tags record.
async fn without_times(sandbox: &Sandbox) -> Value {
    let mut inventory = sandbox.inventory().await;
    for (_, rule) in inventory["eventRules"].as_object_mut().unwrap() {
        rule["tags"].as_object_mut().unwrap().remove("vpcflow.dev/events-since");
    }
    inventory
}

fn rule<'a>(inventory: &'a Value, monitor: &Monitor) -> &'a Value {
    &inventory["eventRules"][monitor.names.detector()]
}

#[tokio::test]
async fn with_files_as_the_source_an_event_rule_takes_the_place_of_the_subscription() {
    let (sandbox, monitor) = built("detector::source::files").await;
    let inventory = sandbox.inventory().await;
    let (name, account) = (monitor.names.detector(), &sandbox.account);
    let rule = rule(&inventory, &monitor);
    assert_eq!(
        rule["settings"]["EventPattern"],
        json!({
            "source": ["aws.s3"],
            "detail-type": ["Object Created"],
            "detail": {
                "bucket": {"name": [monitor.names.bucket]},
                "object": {"key": [{"prefix": format!(
                    "vpc-flow-logs/AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region=eu-west-1/"
                )}]},
            },
        })
    );
    assert_eq!(
        rule["targets"],
        json!([{"Id": "detector", "Arn": format!("arn:aws:lambda:eu-west-1:{account}:function:{name}")}])
    );
    assert_eq!(rule["tags"]["vpcflow.dev/owner"], "test/network/production");
    let statements = &inventory["functions"][&name]["policy"]["Statement"];
    assert_eq!(statements.as_array().unwrap().len(), 1, "{statements}");
    assert_eq!(statements[0]["Principal"]["Service"], "events.amazonaws.com");
    assert_eq!(inventory["logGroups"][RECORDS]["subscriptionFilters"], json!({}));
    let bucket = &inventory["buckets"][&monitor.names.bucket];
    assert_eq!(
        (&bucket["sendsEvents"], &bucket["tags"]["vpcflow.dev/event-bridge"]),
        (&json!(true), &json!("enabled"))
    );
    sandbox.assert_at_rest(&monitor, PARTS).await;
}

#[tokio::test]
async fn a_change_of_the_source_and_back_ends_as_it_began() {
    let sandbox = Sandbox::new("detector::source::back").await;
    let log_group = sandbox.monitor(sandbox.spec());
    sandbox.converge(&log_group, PARTS).await;
    settled_function(&sandbox, &log_group).await;
    let before = sandbox.inventory().await;

    let files = sandbox.monitor(reads_files(&sandbox));
    sandbox.converge(&files, PARTS).await;
    settled_function(&sandbox, &files).await;
    let since = sandbox.latest_call().await;
    let mut back = sandbox.monitor(sandbox.spec());
    let name = back.names.detector();
    record(&mut back, Component::Detector, ResourceKind::EventRule, &name);
    sandbox.converge(&back, PARTS).await;
    settled_function(&sandbox, &back).await;
    assert_eq!(sandbox.inventory().await, before);
    let writes = sandbox.writes_since(since).await;
    let of = |operation: &str| writes.iter().position(|call| call.operation == operation).unwrap();
    assert!(of("PutSubscriptionFilter") < of("DeleteRule"), "the new path is there before the former goes");
}

#[tokio::test]
async fn every_drift_of_the_rule_and_of_the_bucket_is_repaired() {
    let (sandbox, monitor) = built("detector::source::drift").await;
    let (name, before) = (monitor.names.detector(), without_times(&sandbox).await);
    let (events, s3) = (events(&sandbox), sandbox.s3());
    let repaired = async |what: &str| {
        assert_ne!(without_times(&sandbox).await, before, "{what}: changed nothing");
        sandbox.converge(&monitor, PARTS).await;
        settled_function(&sandbox, &monitor).await;
        assert_eq!(without_times(&sandbox).await, before, "{what}");
    };
    events.disable_rule().name(&name).send().await.unwrap();
    repaired("disabled").await;
    events.remove_targets().rule(&name).ids("detector").send().await.unwrap();
    repaired("target removed").await;
    events.put_rule().name(&name).event_pattern(r#"{"source":["other"]}"#).send().await.unwrap();
    repaired("another pattern").await;
    let arn = format!("arn:aws:events:eu-west-1:{}:rule/{name}", sandbox.account);
    events.untag_resource().resource_arn(arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();
    repaired("tag removed").await;
    events.remove_targets().rule(&name).ids("detector").send().await.unwrap();
    events.delete_rule().name(&name).send().await.unwrap();
    repaired("rule deleted").await;
    let none = NotificationConfiguration::builder().build();
    let put = s3.put_bucket_notification_configuration().bucket(&monitor.names.bucket);
    put.notification_configuration(none).send().await.unwrap();
    repaired("events switched off").await;
}

#[tokio::test]
async fn notifications_of_others_stay_and_events_that_they_switched_on_stay_on() {
    let sandbox = Sandbox::new("detector::source::others").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, PARTS).await;
    let sqs = format!("arn:aws:sqs:eu-west-1:{}:siem", sandbox.account);
    let queue = QueueConfiguration::builder().id("siem").queue_arn(sqs).events(Event::S3ObjectCreated).build().unwrap();
    let put = async |theirs_sends_events: bool| {
        let events = theirs_sends_events.then(|| EventBridgeConfiguration::builder().build());
        let theirs = NotificationConfiguration::builder()
            .queue_configurations(queue.clone())
            .set_event_bridge_configuration(events)
            .build();
        let request = sandbox.s3().put_bucket_notification_configuration().bucket(&monitor.names.bucket);
        request.skip_destination_validation(true).notification_configuration(theirs).send().await.unwrap();
    };
    let found = async || {
        let request = sandbox.s3().get_bucket_notification_configuration().bucket(&monitor.names.bucket);
        let found = request.send().await.unwrap();
        (found.queue_configurations().len(), found.event_bridge_configuration.is_some())
    };
    let files = sandbox.monitor(reads_files(&sandbox));
    for theirs_sends_events in [false, true] {
        put(theirs_sends_events).await;
        sandbox.converge(&files, PARTS).await;
        settled_function(&sandbox, &files).await;
        assert_eq!(found().await, (1, true));
        sandbox.converge(&monitor, PARTS).await;
        settled_function(&sandbox, &monitor).await;
        assert_eq!(found().await, (1, theirs_sends_events));
    }
}

#[tokio::test]
async fn a_rule_of_somebody_else_is_a_conflict_and_stays() {
    let sandbox = Sandbox::new("detector::source::foreign").await;
    let monitor = sandbox.monitor(reads_files(&sandbox));
    let rule = events(&sandbox).put_rule().name(monitor.names.detector()).event_pattern(r#"{"source":["theirs"]}"#);
    rule.send().await.unwrap();
    let before = sandbox.inventory().await["eventRules"].clone();
    let outcomes = pass(&sandbox.aws, &monitor, PARTS, Direction::Build).await;
    let (failures, conflicts) = (&detector(&outcomes).failures, &detector(&outcomes).conflicts);
    assert!(
        failures.is_empty() && conflicts.len() == 1 && conflicts[0].kind == ResourceKind::EventRule,
        "{outcomes:#?}"
    );
    assert_eq!(sandbox.inventory().await["eventRules"], before);
}

#[tokio::test]
async fn a_bucket_that_stays_sends_no_events() {
    let (sandbox, _) = built("detector::source::retained").await;
    let mut spec = reads_files(&sandbox);
    spec.deletion_policy = Some(DeletionPolicy::RetainData);
    let monitor = sandbox.monitor(spec);
    sandbox.remove(&monitor, PARTS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["eventRules"], json!({}));
    assert_eq!(inventory["buckets"][&monitor.names.bucket]["sendsEvents"], false);
}

#[tokio::test]
async fn without_a_log_group_nothing_of_it_is_left_but_its_records() {
    let sandbox = Sandbox::new("detector::source::no_log_group").await;
    let with = sandbox.monitor(sandbox.spec());
    sandbox.converge(&with, &all_components()).await;
    settled_function(&sandbox, &with).await;
    let before = sandbox.inventory().await;
    assert_eq!(before["flowLogs"].as_object().unwrap().len(), 2);

    let mut spec = reads_files(&sandbox);
    spec.cloud_watch_logs.enabled = false;
    let without = sandbox.monitor(spec);
    sandbox.converge(&without, &all_components()).await;
    settled_function(&sandbox, &without).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["flowLogs"].as_object().unwrap().len(), 1);
    assert_eq!(inventory["queryDefinitions"], json!({}));
    assert_eq!(inventory["roles"].as_object().unwrap().keys().collect::<Vec<_>>(), [&without.names.detector_role()]);
    let group = &inventory["logGroups"][RECORDS];
    assert_eq!((&group["metricFilters"], &group["subscriptionFilters"]), (&json!({}), &json!({})));
    assert_eq!(group["tags"]["vpcflow.dev/retained-by"], "test/network/production");
    assert_eq!(inventory["alarms"].as_object().unwrap().len(), 4, "the detector counts for them");
    sandbox.assert_at_rest(&without, &all_components()).await;
}
