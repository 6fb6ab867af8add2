//! Names as long as they may be, with every character they may have.

use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::spec::{DeletionPolicy, TagValue};

use super::{Stage, is_empty};

/// Repeats `pattern` up to a length, and ends in a letter.
fn filled(pattern: &str, chars: usize) -> String {
    let text: String = pattern.chars().cycle().take(chars - 1).collect();
    text + "z"
}

/// The longest that Kubernetes and the operator's settings take.
const NAMESPACE_CHARS: usize = 63;
const NAME_CHARS: usize = 63;
const CLUSTER_CHARS: usize = 100;

async fn live_and_go(namespace: &str, change: impl FnOnce(&mut VpcFlowMonitorSpec, &str)) {
    let namespace = filled(&format!("{namespace}-0-"), NAMESPACE_CHARS);
    let cluster_name = filled("Cluster_1.eu-", CLUSTER_CHARS);
    let stage = Stage::with(&namespace, |options| options.settings.cluster_name.clone_from(&cluster_name)).await;
    let name = filled("0.a-b.c--d.", NAME_CHARS);
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    change(&mut spec, &stage.sandbox.account);
    stage.cluster.create(&name, spec).await;
    let ready = stage.cluster.wait_ready(&name).await;
    assert_eq!(ready.status.unwrap().owner, Some(format!("{cluster_name}/{namespace}/{name}")));
    let before = stage.sandbox.latest_call().await;
    stage.cluster.reconcile_now(&name, "at rest").await;
    assert_eq!(stage.sandbox.writes_since(before).await, []);
    stage.delete(&name).await;
    assert!(is_empty(&stage.inventory().await), "{:#}", stage.inventory().await);
    stage.operator.stop().await;
}

#[tokio::test]
async fn the_longest_identity_gives_names_that_every_service_takes() {
    live_and_go("hostile-longest-identity", |_, _| ()).await;
}

#[tokio::test]
async fn the_longest_names_in_a_spec_are_taken_too() {
    live_and_go("hostile-longest-spec", |spec, account| {
        spec.s3.bucket_name = Some(filled(&format!("{account}-a.b-0"), 63));
        spec.s3.prefix = filled("A!_.'()-/0", 256);
        spec.cloud_watch_logs.log_group_name = Some(filled("/Aa0_.#-", 512));
        spec.analytics.database = Some(filled("a_0", 128));
        spec.analytics.table = filled("0_a", 128);
        spec.detections.namespace = filled("A0._/#-", 255);
    })
    .await;
}

#[tokio::test]
async fn as_many_and_as_long_tags_as_there_may_be_are_put_on_and_taken_off() {
    let stage = Stage::new("hostile-longest-tags").await;
    let mut spec = stage.sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    for number in 0..40 {
        let key = format!("{number} {}", filled("Kostenstelle Ü_.:/=+@-日本", 120));
        spec.tags.insert(key, TagValue(filled("v ß_.:/=+@-語", 256)));
    }
    stage.cluster.create("m", spec).await;
    stage.cluster.wait_ready("m").await;
    let tagged = stage.inventory().await;
    for kind in
        ["buckets", "topics", "functions", "workgroups", "databases", "dashboards", "logGroups", "roles", "alarms"]
    {
        for (name, resource) in tagged[kind].as_object().unwrap() {
            assert_eq!(resource["tags"].as_object().unwrap().len(), 43, "{kind} {name}");
        }
    }

    // One that others have put there stays.
    let sns = aws_sdk_sns::Client::new(&stage.sandbox.config);
    let (topic, _) = tagged["topics"].as_object().unwrap().iter().next().unwrap();
    let arn = stage.sandbox.aws.account_region.arn("sns", topic);
    let tag = aws_sdk_sns::types::Tag::builder().key("cost-centre").value("7").build().unwrap();
    sns.tag_resource().resource_arn(arn).tags(tag).send().await.unwrap();
    let none: serde_json::Map<_, _> =
        stage.cluster.monitors.get("m").await.unwrap().spec.tags.into_keys().map(|key| (key, json!(null))).collect();
    stage.cluster.change("m", json!({"tags": none})).await;
    stage.cluster.wait_ready("m").await;
    let bare = stage.inventory().await;
    let ours =
        json!({"vpcflow.dev/owner": "test/hostile-longest-tags/m", "vpcflow.dev/managed-by": "vpc-flow-operator"});
    for kind in ["buckets", "functions", "workgroups", "databases", "dashboards", "logGroups", "roles", "alarms"] {
        for (name, resource) in bare[kind].as_object().unwrap() {
            assert_eq!(resource["tags"], ours, "{kind} {name}");
        }
    }
    let mut with_theirs = ours;
    with_theirs["cost-centre"] = json!("7");
    assert_eq!(bare["topics"][topic]["tags"], with_theirs);
    stage.delete("m").await;
    assert!(is_empty(&stage.inventory().await));
    stage.operator.stop().await;
}
