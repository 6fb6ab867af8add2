//! Monitors that claim the same resources.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::spec::DeletionPolicy;

use super::Stage;
use testkit::cluster::{is, message, reason};

fn shared(stage: &Stage, policy: DeletionPolicy) -> VpcFlowMonitorSpec {
    let mut spec = stage.sandbox.spec();
    spec.s3.bucket_name = Some(format!("shared-{}", stage.sandbox.account));
    spec.cloud_watch_logs.log_group_name = Some("/shared".into());
    spec.analytics.database = Some("shared".into());
    spec.deletion_policy = Some(policy);
    spec
}

#[tokio::test]
async fn one_owns_it_and_the_other_reports_whose_it_is() {
    let stage = Stage::new("hostile-claims").await;
    stage.cluster.create("first", shared(&stage, DeletionPolicy::Delete)).await;
    stage.cluster.wait_ready("first").await;
    stage.cluster.create("second", shared(&stage, DeletionPolicy::Delete)).await;
    let reported = stage.wait_stalled("second").await;
    for (condition, field) in
        [("BucketReady", "spec.s3.bucketName"), ("LogGroupReady", "spec.cloudWatchLogs.logGroupName")]
    {
        let message = message(&reported, condition);
        assert!(message.contains("VpcFlowMonitor test/hostile-claims/first") && message.contains(field), "{message}");
    }
    // AWS would let one more flow log write to the same places.
    assert_eq!(reason(&reported, "FlowLogsReady").as_deref(), Some("Conflict"));

    // Neither takes it from the other in further passes.
    let (before, inventory) = (stage.sandbox.latest_call().await, stage.inventory().await);
    let events = stage.cluster.events().await.len();
    for round in ["1", "2", "3", "4", "5"] {
        join_all(["first", "second"].map(|name| stage.cluster.reconcile_now(name, round))).await;
    }
    assert_eq!(stage.sandbox.writes_since(before).await, []);
    assert_eq!(stage.inventory().await, inventory);
    assert_eq!(stage.cluster.events().await.len(), events);

    stage.delete("second").await;
    let first = stage.cluster.reconcile_now("first", "alone").await;
    assert!(is(&first, "Ready", "True"));
    for kind in ["buckets", "logGroups", "databases", "flowLogs"] {
        for (name, resource) in stage.inventory().await[kind].as_object().unwrap() {
            assert_eq!(resource, &inventory[kind][name]);
        }
    }

    // Once it is gone the other gets it.
    stage.cluster.create("second", shared(&stage, DeletionPolicy::RetainData)).await;
    stage.wait_stalled("second").await;
    stage.delete("first").await;
    stage.cluster.reconcile_now("second", "now").await;
    stage.cluster.wait_ready("second").await;

    // A resource left behind stays its maker's; the message says so and names the remedy.
    stage.delete("second").await;
    stage.cluster.create("third", shared(&stage, DeletionPolicy::RetainData)).await;
    let reported = message(&stage.wait_stalled("third").await, "BucketReady");
    assert!(
        reported.contains("test/hostile-claims/second left it behind") && reported.contains("vpcflow.dev/retained-by"),
        "{reported}"
    );
    stage.operator.stop().await;
}

#[tokio::test]
async fn of_those_that_come_at_once_exactly_one_gets_it() {
    let stage = Stage::new("hostile-claims-race").await;
    let names = ["a", "b", "c"];
    join_all(names.map(|name| stage.cluster.create(name, shared(&stage, DeletionPolicy::RetainData)))).await;
    devenv::wait_for("each to own a thing or be reported", Duration::from_mins(1), async || {
        let mut settled = 0;
        for name in names {
            let monitor = stage.cluster.reconcile_now(name, &format!("{settled}-{name}")).await;
            settled += usize::from(is(&monitor, "Ready", "True") || is(&monitor, "Stalled", "True"));
        }
        Ok((settled == names.len()).then_some(()))
    })
    .await
    .unwrap();
    let inventory = stage.inventory().await;
    let owner = |kind: &str, name: &str| inventory[kind][name]["tags"]["vpcflow.dev/owner"].clone();
    let bucket = format!("shared-{}", stage.sandbox.account);
    let before = stage.sandbox.latest_call().await;
    for name in names {
        let monitor = stage.cluster.reconcile_now(name, "again").await;
        for (condition, kind, shared) in
            [("BucketReady", "buckets", bucket.as_str()), ("LogGroupReady", "logGroups", "/shared")]
        {
            let owns = owner(kind, shared) == json!(format!("test/hostile-claims-race/{name}"));
            assert_eq!(is(&monitor, condition, "True"), owns, "{name} {condition}: {}", message(&monitor, condition));
        }
    }
    assert_eq!(stage.sandbox.writes_since(before).await, []);
    stage.operator.stop().await;
}
