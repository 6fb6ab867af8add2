//! A spec that names resources of the account's other users.

use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitorSpec;
use vpc_flow_operator::api::spec::{AdoptionPolicy, DeletionPolicy};
use vpc_flow_operator::controller::Options;

use super::Stage;
use super::strangers::Strangers;
use testkit::cluster::{message, reason};

/// The worst that a tenant can ask for.
fn grasping(mut spec: VpcFlowMonitorSpec, strangers: &Strangers) -> VpcFlowMonitorSpec {
    spec.s3.bucket_name = Some(strangers.bucket.clone());
    spec.cloud_watch_logs.log_group_name = Some(strangers.log_group.clone());
    spec.analytics.database = Some(strangers.database.clone());
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    spec
}

#[tokio::test]
async fn what_others_have_made_is_out_of_reach_unless_the_operators_owner_allows_it() {
    let stage = Stage::new("hostile-adoption-refused").await;
    let strangers = Strangers::move_in(&stage.sandbox).await;
    let before = strangers.of(&stage.inventory().await);
    stage.cluster.create("m", grasping(stage.sandbox.spec(), &strangers)).await;
    let refused = stage.wait_stalled("m").await;
    let allow = |arn: &str| format!("--allowed-adoption hostile-adoption-refused={arn}");
    let arn = |service: &str, name: String| stage.sandbox.aws.account_region.arn(service, name);
    for (condition, field, remedy) in [
        ("BucketReady", "spec.s3.bucketName", allow(&format!("arn:aws:s3:::{}", strangers.bucket))),
        (
            "LogGroupReady",
            "spec.cloudWatchLogs.logGroupName",
            allow(&arn("logs", format!("log-group:{}", strangers.log_group))),
        ),
    ] {
        assert_eq!(reason(&refused, condition).as_deref(), Some("Conflict"));
        let reported = message(&refused, condition);
        assert!(reported.contains(field) && reported.contains(&remedy), "{reported}");
    }
    stage.cluster.change("m", json!({"s3": {"bucketName": null}})).await;
    let conflict = |monitor: &_| reason(monitor, "AnalyticsReady").as_deref() == Some("Conflict");
    let refused = stage.cluster.wait("m", "the conflict about the database", conflict).await;
    let reported = message(&refused, "AnalyticsReady");
    let remedy = allow(&arn("glue", format!("database/{}", strangers.database)));
    assert!(reported.contains("spec.analytics.database") && reported.contains(&remedy), "{reported}");
    assert_eq!(strangers.of(&stage.inventory().await), before);
    stage.delete("m").await;
    assert_eq!(strangers.of(&stage.inventory().await), before);
    stage.operator.stop().await;
}

fn allow_all(options: &mut Options) {
    let patterns =
        ["arn:aws:s3:::terraform-*", "arn:aws:logs:*:*:log-group:/platform/*", "arn:aws:glue:*:*:database/finance"];
    let allowed = patterns.map(|pattern| format!("hostile-adoption-*={pattern}").parse().unwrap());
    options.settings.allowed_adoptions.0.extend(allowed);
}

#[tokio::test]
async fn what_was_taken_over_is_never_emptied_or_deleted() {
    let stage = Stage::with("hostile-adoption-allowed", allow_all).await;
    let strangers = Strangers::move_in(&stage.sandbox).await;
    let before = strangers.of(&stage.inventory().await);
    stage.cluster.create("m", grasping(stage.sandbox.spec(), &strangers)).await;
    stage.cluster.wait_ready("m").await;
    let taken = strangers.of(&stage.inventory().await);
    for kind in ["bucket", "logGroup", "database"] {
        assert_eq!(taken[kind]["tags"]["vpcflow.dev/owner"], "test/hostile-adoption-allowed/m", "{taken:#}");
        assert_eq!(taken[kind]["tags"]["vpcflow.dev/adopted"], "true");
    }

    // A change of name leaves it too.
    stage.cluster.change("m", json!({"cloudWatchLogs": {"logGroupName": null}})).await;
    stage.cluster.wait_ready("m").await;
    stage.delete("m").await;
    let left = strangers.of(&stage.inventory().await);
    assert_eq!(left["bucket"]["objectVersions"], before["bucket"]["objectVersions"]);
    assert_eq!(left["bucket"]["objectVersions"], 1);
    assert_eq!(left["database"]["tables"], before["database"]["tables"], "and nothing of ours is in it");
    for kind in ["bucket", "logGroup", "database"] {
        assert_eq!(left[kind]["tags"]["vpcflow.dev/retained-by"], "test/hostile-adoption-allowed/m", "{left:#}");
    }
    let reported: Vec<_> =
        stage.cluster.events().await.into_iter().filter(|(reason, _)| reason == "Retained").collect();
    for name in [&strangers.bucket, &strangers.log_group, &strangers.database] {
        let reported =
            reported.iter().any(|(_, note)| note.contains(name) && note.contains("never empties or deletes"));
        assert!(reported, "{name}");
    }

    // The same identity takes it back, and still knows that it is not its own to delete.
    stage.cluster.create("m", grasping(stage.sandbox.spec(), &strangers)).await;
    stage.cluster.wait_ready("m").await;
    stage.delete("m").await;
    assert_eq!(strangers.of(&stage.inventory().await)["bucket"]["objectVersions"], 1);
    stage.operator.stop().await;
}

#[tokio::test]
async fn the_definition_of_anothers_table_is_not_replaced() {
    let stage = Stage::with("hostile-adoption-table", allow_all).await;
    let strangers = Strangers::move_in(&stage.sandbox).await;
    let before = strangers.of(&stage.inventory().await);
    let mut spec = stage.sandbox.spec();
    spec.analytics.database = Some(strangers.database.clone());
    spec.analytics.table = "orders".into();
    spec.adoption_policy = AdoptionPolicy::IfUnowned;
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    stage.cluster.create("m", spec).await;
    let refused = stage.wait_stalled("m").await;
    let reported = message(&refused, "AnalyticsReady");
    assert!(reported.contains("s3://customers/orders") && reported.contains("spec.analytics.table"), "{reported}");
    stage.delete("m").await;
    assert_eq!(strangers.of(&stage.inventory().await)["database"]["tables"], before["database"]["tables"]);
    stage.operator.stop().await;
}
