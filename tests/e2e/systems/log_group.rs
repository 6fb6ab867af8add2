use serde_json::json;
use vpc_flow_operator::api::conditions::Reason;
use vpc_flow_operator::api::spec::{DeletionPolicy, LogGroupClass};
use vpc_flow_operator::api::{Component, ResourceKind};

use testkit::sandbox::{Sandbox, record};

const LOG_GROUP: &[Component] = &[Component::LogGroup];
const NAME: &str = "/aws/vpc/flowlogs/network/production";

#[tokio::test]
async fn is_created_exactly_so_and_then_left_alone() {
    let sandbox = Sandbox::new("log_group::created").await;
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), vpc_flow_operator::api::spec::TagValue("network".into()));
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, LOG_GROUP).await;
    let group = &sandbox.inventory().await["logGroups"][NAME];
    assert_eq!(group["retention"], 30);
    assert_eq!(group["class"], "STANDARD");
    assert_eq!(
        group["tags"],
        json!({
            "team": "network",
            "vpcflow.dev/owner": "test/network/production",
            "vpcflow.dev/managed-by": "vpc-flow-operator",
            "vpcflow.dev/tag-keys": "yosi",
        })
    );
    sandbox.assert_at_rest(&monitor, LOG_GROUP).await;
}

#[tokio::test]
async fn retention_set_by_hand_is_repaired_and_tags_of_others_stay() {
    let sandbox = Sandbox::new("log_group::drift").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, LOG_GROUP).await;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.put_retention_policy().log_group_name(NAME).retention_in_days(1).send().await.unwrap();
    let arn = monitor.log_group_arn(NAME);
    logs.tag_resource().resource_arn(&arn).tags("cost-centre", "7").send().await.unwrap();
    logs.untag_resource().resource_arn(&arn).tag_keys("vpcflow.dev/managed-by").send().await.unwrap();

    assert_eq!(sandbox.converge(&monitor, LOG_GROUP).await.len(), 2);
    let group = &sandbox.inventory().await["logGroups"][NAME];
    assert_eq!(group["retention"], 30);
    assert_eq!(group["tags"]["cost-centre"], "7");
    assert_eq!(group["tags"]["vpcflow.dev/managed-by"], "vpc-flow-operator");
}

#[tokio::test]
async fn after_a_rename_the_old_group_goes_or_stays_as_the_policy_says() {
    for (policy, stays) in [(DeletionPolicy::Delete, false), (DeletionPolicy::RetainData, true)] {
        let sandbox = Sandbox::new(&format!("log_group::rename::{policy:?}")).await;
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        sandbox.converge(&sandbox.monitor(spec.clone()), LOG_GROUP).await;

        spec.cloud_watch_logs.log_group_name = Some("/other".into());
        let mut renamed = sandbox.monitor(spec);
        record(&mut renamed, Component::LogGroup, ResourceKind::LogGroup, NAME);
        sandbox.converge(&renamed, LOG_GROUP).await;
        let groups = &sandbox.inventory().await["logGroups"];
        assert_eq!(groups["/other"]["retention"], 30);
        assert_eq!(groups.get(NAME).is_some(), stays, "{policy:?}");
        if stays {
            assert_eq!(groups[NAME]["tags"]["vpcflow.dev/retained-by"], "test/network/production");
        }
    }
}

#[tokio::test]
async fn a_key_that_the_log_group_cannot_use_is_named_when_the_key_changes() {
    let sandbox = Sandbox::new("log_group::key").await;
    let mut spec = sandbox.spec();
    sandbox.converge(&sandbox.monitor(spec.clone()), LOG_GROUP).await;
    let missing = format!("arn:aws:kms:eu-west-1:{}:key/00000000-0000-0000-0000-000000000000", sandbox.account);
    let closed = sandbox.emulator.create_key_for(&sandbox.account, "eu-west-1", &["cloudwatch"]).await.unwrap();
    for key in [missing, closed] {
        spec.cloud_watch_logs.kms_key_arn = Some(key.clone());
        let outcomes = sandbox.pass(&sandbox.monitor(spec.clone()), LOG_GROUP).await;
        let (_, failure) = &outcomes[0].failures[0];
        assert_eq!(failure.reason, Reason::Rejected, "{failure}");
        let reported = failure.to_string();
        assert!(reported.starts_with(&format!("log group {NAME}: ")), "{reported}");
        assert!(reported.contains(&format!("spec.cloudWatchLogs.kmsKeyArn is {key}")), "{reported}");
    }
}

#[tokio::test]
async fn data_stays_unless_the_policy_is_delete() {
    let sandbox = Sandbox::new("log_group::delete").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, LOG_GROUP).await;
    sandbox.remove(&monitor, LOG_GROUP).await;
    assert!(sandbox.inventory().await["logGroups"].get(NAME).is_some());

    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let monitor = sandbox.monitor(spec);
    sandbox.converge(&monitor, LOG_GROUP).await;
    sandbox.remove(&monitor, LOG_GROUP).await;
    assert_eq!(sandbox.inventory().await["logGroups"], json!({}));
}

#[tokio::test]
async fn tags_that_are_not_visible_yet_are_no_conflict() {
    let sandbox = Sandbox::new("log_group::tags_later").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, LOG_GROUP).await;
    let read = ("logs", "ListTagsForResource", "ResourceNotFoundException");
    sandbox.assert_late_tags_are_no_conflict(&monitor, Component::LogGroup, read).await;
}

#[tokio::test]
async fn of_the_class_that_has_no_filters_is_built_and_removed_without_them() {
    let sandbox = Sandbox::new("log_group::infrequent_access").await;
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.log_group_class = LogGroupClass::InfrequentAccess;
    spec.detections.rejected_connections.enabled = false;
    spec.detections.high_data_transfer.enabled = false;
    spec.detections.external_connections.enabled = false;
    spec.detector.enabled = false;
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    let monitor = sandbox.monitor(spec);
    let systems = [Component::LogGroup, Component::MetricFilters, Component::Detector];
    assert_eq!(sandbox.converge(&monitor, &systems).await.len(), 1);
    assert_eq!(sandbox.inventory().await["logGroups"][NAME]["class"], "INFREQUENT_ACCESS");
    sandbox.assert_at_rest(&monitor, &systems).await;
    // A spec that asks for the other class does look for metric filters there.
    let standard = sandbox.monitor(sandbox.spec());
    let outcomes = sandbox.pass(&standard, &systems[..2]).await;
    assert!(outcomes[1].failures.is_empty(), "{outcomes:#?}");

    sandbox.remove(&monitor, &systems).await;
    assert_eq!(sandbox.inventory().await["logGroups"], json!({}));
}
