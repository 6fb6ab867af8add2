//! A change of the source whose steps fail: the former source stays until the new one works.

use std::time::Duration;

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use devenv::Fault;
use serde_json::{Value, json};
use testkit::sandbox::{Sandbox, all_components, record};
use vpc_flow_operator::api::spec::RecordSource;
use vpc_flow_operator::api::{Component, ResourceKind, VpcFlowMonitorSpec};
use vpc_flow_operator::engine::SystemHealth;
use vpc_flow_operator::monitor::Monitor;

use super::{RECORDS, detector, settled_function};

const PARTS: &[Component] = &[Component::Bucket, Component::LogGroup, Component::Detector];

fn reads_files(sandbox: &Sandbox) -> VpcFlowMonitorSpec {
    let mut spec = sandbox.spec();
    spec.detector.source = RecordSource::S3;
    spec
}

async fn built(
    test: &str,
    components: &[Component],
    spec: impl FnOnce(&Sandbox) -> VpcFlowMonitorSpec,
) -> (Sandbox, Monitor) {
    let sandbox = Sandbox::new(test).await;
    let monitor = sandbox.monitor(spec(&sandbox));
    sandbox.converge(&monitor, components).await;
    settled_function(&sandbox, &monitor).await;
    (sandbox, monitor)
}

async fn fails(sandbox: &Sandbox, service: &str, operation: &str) {
    let fault = sandbox.fault(service, operation, "AccessDenied", "as the test asked");
    sandbox.emulator.add_fault(Fault { status: 403, times: None, ..fault }).await.unwrap();
}

async fn mended(sandbox: &Sandbox, monitor: &Monitor) {
    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    settled_function(sandbox, monitor).await;
}

/// The number of subscription filters and of event rules, and the switch of the bucket.
fn sources(inventory: &Value, monitor: &Monitor) -> (usize, usize, bool) {
    let count = |of: &Value| of.as_object().unwrap().len();
    let subscriptions = count(&inventory["logGroups"][RECORDS]["subscriptionFilters"]);
    let sends_events = inventory["buckets"][&monitor.names.bucket]["sendsEvents"] == true;
    (subscriptions, count(&inventory["eventRules"]), sends_events)
}

#[tokio::test]
async fn without_the_events_of_the_bucket_the_log_group_stays_the_source() {
    let (sandbox, _) = built("detector::source_change::events", PARTS, Sandbox::spec).await;
    let monitor = sandbox.monitor(reads_files(&sandbox));
    fails(&sandbox, "s3", "PutBucketNotificationConfiguration").await;
    let outcomes = sandbox.pass(&monitor, PARTS).await;
    assert_eq!(detector(&outcomes).waits_for, [Component::Bucket], "{outcomes:#?}");
    assert_eq!(sources(&sandbox.inventory().await, &monitor), (1, 0, false));
    mended(&sandbox, &monitor).await;
    sandbox.converge(&monitor, PARTS).await;
    assert_eq!(sources(&sandbox.inventory().await, &monitor), (0, 1, true));
}

#[tokio::test]
async fn another_setting_of_the_bucket_that_fails_holds_its_events_up_no_more() {
    let (sandbox, _) = built("detector::source_change::versioning", PARTS, Sandbox::spec).await;
    let monitor = sandbox.monitor(reads_files(&sandbox));
    let suspended = VersioningConfiguration::builder().status(BucketVersioningStatus::Suspended).build();
    let put = sandbox.s3().put_bucket_versioning().bucket(&monitor.names.bucket).versioning_configuration(suspended);
    put.send().await.unwrap();
    fails(&sandbox, "s3", "PutBucketVersioning").await;
    let outcomes = sandbox.pass(&monitor, PARTS).await;
    assert!(!outcomes[0].failures.is_empty(), "{outcomes:#?}");
    let (_, rules, sends_events) = sources(&sandbox.inventory().await, &monitor);
    assert_eq!((rules, sends_events), (1, true));
}

#[tokio::test]
async fn while_the_log_group_takes_no_subscription_the_files_stay_the_source() {
    let (sandbox, _) = built("detector::source_change::back", PARTS, reads_files).await;
    let mut back = sandbox.monitor(sandbox.spec());
    let name = back.names.detector();
    record(&mut back, Component::Detector, ResourceKind::EventRule, &name);
    fails(&sandbox, "logs", "PutSubscriptionFilter").await;
    let outcomes = sandbox.pass(&back, PARTS).await;
    assert!(!detector(&outcomes).failures.is_empty(), "{outcomes:#?}");
    assert_eq!(outcomes[0].waits_for, [Component::Detector], "the bucket keeps the switch");
    assert_eq!(sources(&sandbox.inventory().await, &back), (0, 1, true));
    mended(&sandbox, &back).await;
    sandbox.converge(&back, PARTS).await;
    assert_eq!(sources(&sandbox.inventory().await, &back), (1, 0, false));
}

#[tokio::test]
async fn both_sources_feed_the_function_until_the_time_is_over() {
    let (sandbox, _) = built("detector::source_change::overlap", PARTS, Sandbox::spec).await;
    let mut monitor = sandbox.monitor(reads_files(&sandbox));
    monitor.settings.source_overlap = Duration::from_mins(10);
    sandbox.converge(&monitor, PARTS).await;
    settled_function(&sandbox, &monitor).await;
    sandbox.assert_at_rest(&monitor, PARTS).await;
    let inventory = sandbox.inventory().await;
    assert_eq!(sources(&inventory, &monitor), (1, 1, true));
    let statements = inventory["functions"][monitor.names.detector()]["policy"]["Statement"].as_array().unwrap().len();
    assert_eq!(statements, 2, "both may invoke the function");
    let outcomes = sandbox.pass(&monitor, PARTS).await;
    let health = &detector(&outcomes).report.as_ref().unwrap().health;
    let SystemHealth::Waiting(_, left) = health else { panic!("{health:?}") };
    assert!(*left > Duration::from_mins(5) && *left <= Duration::from_mins(10), "{left:?}");
    monitor.settings.source_overlap = Duration::ZERO;
    sandbox.converge(&monitor, PARTS).await;
    assert_eq!(sources(&sandbox.inventory().await, &monitor), (0, 1, true));
}

#[tokio::test]
async fn filters_and_flow_log_stay_until_the_detector_counts() {
    let (sandbox, _) = built("detector::source_change::counts", &all_components(), Sandbox::spec).await;
    let mut spec = reads_files(&sandbox);
    spec.cloud_watch_logs.enabled = false;
    let monitor = sandbox.monitor(spec);
    fails(&sandbox, "lambda", "UpdateFunctionCode").await;
    sandbox.pass(&monitor, &all_components()).await;
    let left = async || {
        let inventory = sandbox.inventory().await;
        let count = |of: &Value| of.as_object().unwrap().len();
        let has_role = inventory["roles"].get(monitor.names.delivery_role()).is_some();
        (count(&inventory["flowLogs"]), count(&inventory["logGroups"][RECORDS]["metricFilters"]), has_role)
    };
    assert_eq!(left().await, (2, 3, true));
    mended(&sandbox, &monitor).await;
    sandbox.converge(&monitor, &all_components()).await;
    assert_eq!(left().await, (1, 0, false));
}

#[tokio::test]
async fn a_bucket_that_is_taken_moves_neither_the_function_nor_its_role() {
    let (sandbox, monitor) = built("detector::source_change::taken", &all_components(), reads_files).await;
    let taken = format!("taken-{}", sandbox.account);
    let here = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuWest1).build();
    sandbox.s3().create_bucket().bucket(&taken).create_bucket_configuration(here).send().await.unwrap();
    let parts = async || {
        let inventory = sandbox.inventory().await;
        let name = monitor.names.detector();
        json!([inventory["functions"][&name], inventory["roles"][&name], inventory["eventRules"][&name]])
    };
    let before = parts().await;
    let mut spec = reads_files(&sandbox);
    spec.s3.bucket_name = Some(taken);
    let mut moved = sandbox.monitor(spec);
    record(&mut moved, Component::Bucket, ResourceKind::Bucket, &monitor.names.bucket);
    let outcomes = sandbox.pass(&moved, &all_components()).await;
    assert_eq!(detector(&outcomes).waits_for, [Component::Bucket], "{outcomes:#?}");
    assert_eq!(parts().await, before);
}

#[tokio::test]
async fn while_the_flow_log_stays_at_the_former_bucket_so_do_the_function_and_its_role() {
    let (sandbox, monitor) = built("detector::source_change::flow_log", &all_components(), reads_files).await;
    let mut spec = reads_files(&sandbox);
    spec.s3.bucket_name = Some(format!("new-{}", sandbox.account));
    let mut moved = sandbox.monitor(spec);
    record(&mut moved, Component::Bucket, ResourceKind::Bucket, &monitor.names.bucket);
    let parts = async || {
        let inventory = sandbox.inventory().await;
        let name = monitor.names.detector();
        let of_function = &inventory["functions"][&name]["environment"]["BUCKET"];
        let pattern = &inventory["eventRules"][&name]["settings"]["EventPattern"]["detail"]["bucket"]["name"][0];
        let role = inventory["roles"][&name]["inlinePolicies"].to_string();
        (of_function.clone(), pattern.clone(), role.contains(&monitor.names.bucket), role.contains(&moved.names.bucket))
    };
    fails(&sandbox, "ec2", "CreateFlowLogs").await;
    sandbox.pass(&moved, &all_components()).await;
    let (former, new) = (json!(monitor.names.bucket), json!(moved.names.bucket));
    assert_eq!(parts().await, (former.clone(), former, true, false));
    mended(&sandbox, &moved).await;
    sandbox.converge(&moved, &all_components()).await;
    assert_eq!(parts().await, (new.clone(), new, false, true));
}
