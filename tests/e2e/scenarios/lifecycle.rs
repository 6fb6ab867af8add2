//! Whole lives of monitors: a real API server, the controller, AWS in the emulator.

use std::time::Duration;

use devenv::Fault;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::conditions::READY;
use vpc_flow_operator::api::spec::{DeletionPolicy, TagValue};
use vpc_flow_operator::api::status::ResourceState;
use vpc_flow_operator::resources::SYSTEMS;

use testkit::cluster::{Cluster, Operator, is, message, reason};
use testkit::sandbox::{REGION, Sandbox};

/// A refusal by AWS of one operation, as often as it is tried.
pub fn denied(sandbox: &Sandbox, service: &str, operation: &str) -> Fault {
    Fault {
        status: 403,
        times: None,
        ..sandbox.fault(service, operation, "AccessDenied", &format!("not authorized to perform {operation}"))
    }
}

/// Names of everything there is, except the VPC.
fn left(inventory: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for (kind, resources) in inventory.as_object().into_iter().flatten().filter(|(kind, _)| *kind != "vpcs") {
        names.extend(resources.as_object().into_iter().flatten().map(|(name, _)| format!("{kind}/{name}")));
    }
    names
}

#[tokio::test]
async fn a_monitor_becomes_ready_rests_and_goes() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::life").await, Cluster::new("lifecycle-life").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let ready = cluster.wait_ready("m").await;

    let status = ready.status.clone().unwrap();
    assert_eq!(status.observed_generation, ready.metadata.generation);
    assert_eq!(status.account_id.as_deref(), Some(sandbox.account.as_str()));
    assert_eq!(status.region.as_deref(), Some(REGION));
    assert_eq!(status.owner.as_deref(), Some("test/lifecycle-life/m"));
    let mut types: Vec<_> = status.conditions.iter().map(|condition| condition.type_.as_str()).collect();
    let mut expected: Vec<_> = SYSTEMS.iter().map(|system| system.component.condition()).chain([READY]).collect();
    types.sort_unstable();
    expected.sort_unstable();
    assert_eq!(types, expected);
    assert!(status.resources.iter().all(|resource| resource.state == ResourceState::InSync), "{status:#?}");
    let summary = status.summary.unwrap();
    assert_eq!((summary.flow_logs.as_str(), summary.alarms.as_str()), ("2/2", "0 firing"));

    // At rest: three passes, no write to AWS, no write of the status but the one that acknowledges the request, no event.
    let (before, events) = (sandbox.latest_call().await, cluster.events().await.len());
    let mut rested = ready;
    for token in ["1", "2", "3"] {
        rested = cluster.reconcile_now("m", token).await;
    }
    assert_eq!(sandbox.writes_since(before).await, []);
    assert_eq!(cluster.events().await.len(), events);
    let conditions = |monitor: &VpcFlowMonitor| monitor.status.clone().unwrap().conditions;
    assert_eq!(conditions(&rested), status.conditions);

    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    let mut left = left(&sandbox.inventory().await);
    left.sort();
    assert_eq!(left, [format!("buckets/{}", summary.bucket), format!("logGroups/{}", summary.log_group)]);
    let retained = cluster.events().await.into_iter().filter(|(reason, _)| reason == "Retained");
    let notes: Vec<_> = retained.map(|(_, note)| note).collect();
    assert!(notes.iter().any(|note| note.contains(&summary.bucket)), "{notes:?}");
    assert!(notes.iter().any(|note| note.contains(&summary.log_group)), "{notes:?}");
    operator.stop().await;
}

#[tokio::test]
async fn a_resync_at_rest_writes_no_status() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::rest").await, Cluster::new("lifecycle-rest").await);
    let operator = Operator::start_with(&cluster, &sandbox, |options| {
        options.resync = Duration::from_secs(1);
    });
    cluster.create("m", sandbox.spec()).await;
    let ready = cluster.wait_ready("m").await;
    let before = sandbox.latest_call().await;
    // DescribeFlowLogs happens once in a pass.
    devenv::wait_for("three resyncs", Duration::from_mins(1), async || {
        let calls = sandbox.emulator.calls(&sandbox.account, before).await?;
        Ok((calls.iter().filter(|call| call.operation == "DescribeFlowLogs").count() >= 4).then_some(()))
    })
    .await
    .unwrap();
    operator.stop().await;
    let rested = cluster.monitors.get("m").await.unwrap();
    assert_eq!(rested.metadata.resource_version, ready.metadata.resource_version);
    assert_eq!(sandbox.writes_since(before).await, []);
}

#[tokio::test]
async fn delete_leaves_nothing_and_retain_everything_for_the_same_identity() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::policies").await, Cluster::new("lifecycle-policies").await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.deletion_policy = Some(DeletionPolicy::Retain);
    cluster.create("m", spec.clone()).await;
    cluster.wait_ready("m").await;
    let made = left(&sandbox.inventory().await);
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    assert_eq!(left(&sandbox.inventory().await), made);

    // Anyone else finds somebody's resources; the same identity takes them back.
    spec.deletion_policy = Some(DeletionPolicy::Delete);
    cluster.create("m", spec).await;
    cluster.wait_ready("m").await;
    assert_eq!(left(&sandbox.inventory().await), made);
    let (bucket, s3) = (made.iter().find_map(|name| name.strip_prefix("buckets/")).unwrap(), sandbox.s3());
    for body in ["1", "2"] {
        s3.put_object()
            .bucket(bucket)
            .key("vpc-flow-logs/x")
            .body(body.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }
    s3.delete_object().bucket(bucket).key("vpc-flow-logs/x").send().await.unwrap();
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    assert_eq!(left(&sandbox.inventory().await), Vec::<String>::new());
    operator.stop().await;
}

#[tokio::test]
async fn a_refused_permission_stalls_its_system_names_the_action_and_holds_up_nothing_else() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::denied").await, Cluster::new("lifecycle-denied").await);
    sandbox.emulator.add_fault(denied(&sandbox, "iam", "CreateRole")).await.unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let stalled = cluster.wait("m", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, "DeliveryRoleReady").as_deref(), Some("AccessDenied"));
    assert!(
        message(&stalled, "DeliveryRoleReady").contains("iam:CreateRole"),
        "{}",
        message(&stalled, "DeliveryRoleReady")
    );
    assert_eq!(reason(&stalled, "FlowLogsReady").as_deref(), Some("WaitingForDependency"));
    for condition in ["BucketReady", "LogGroupReady", "NotificationsReady", "AlarmsReady", "DashboardReady"] {
        assert!(is(&stalled, condition, "True"), "{condition}");
    }
    // One for each of the two systems with a role.
    cluster.wait_events("AccessDenied", 2).await;

    sandbox.emulator.clear_faults(&sandbox.account).await.unwrap();
    cluster.reconcile_now("m", "granted").await;
    cluster.wait_ready("m").await;
    operator.stop().await;
}

#[tokio::test]
async fn a_service_that_may_not_be_used_keeps_no_deletion_back_and_nothing_switched_off_complains() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::unusable").await, Cluster::new("lifecycle-unusable").await);
    for operation in ["GetWorkGroup", "ListTagsForResource", "ListNamedQueries"] {
        sandbox.emulator.add_fault(denied(&sandbox, "athena", operation)).await.unwrap();
    }
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.analytics.enabled = false;
    cluster.create("off", spec.clone()).await;
    let ready = cluster.wait_ready("off").await;
    assert_eq!(reason(&ready, "AnalyticsReady"), None);
    spec.analytics.enabled = true;
    cluster.create("on", spec).await;
    let stalled = cluster.wait("on", "Stalled", |monitor| is(monitor, "Stalled", "True")).await;
    assert_eq!(reason(&stalled, "AnalyticsReady").as_deref(), Some("AccessDenied"));
    for name in ["off", "on"] {
        cluster.monitors.delete(name, &DeleteParams::default()).await.unwrap();
        cluster.wait_gone(name).await;
    }
    operator.stop().await;
}

#[tokio::test]
async fn suspend_stops_every_write_and_says_so() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::suspend").await, Cluster::new("lifecycle-suspend").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    let before = sandbox.latest_call().await;
    cluster.change("m", json!({"suspend": true, "cloudWatchLogs": {"retentionDays": 7}})).await;
    let suspended = cluster
        .wait("m", "Suspended", |monitor| {
            is(monitor, "Ready", "False") && reason(monitor, "Ready").as_deref() == Some("Suspended")
        })
        .await;
    assert!(message(&suspended, "LogGroupReady").contains("retentionDays: 30 → 7"), "{suspended:#?}");
    assert_eq!(sandbox.writes_since(before).await, []);
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    let waiting = |monitor: &VpcFlowMonitor| message(monitor, "Ready").contains("deletion waits");
    cluster.wait("m", "the deletion to wait", waiting).await;
    assert_eq!(sandbox.writes_since(before).await, []);
    cluster.change("m", json!({"suspend": false})).await;
    cluster.wait_gone("m").await;
    let inventory = sandbox.inventory().await;
    assert_eq!(inventory["flowLogs"], json!({}));
    operator.stop().await;
}

#[tokio::test]
async fn drift_is_repaired_and_reported_as_such() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::drift").await, Cluster::new("lifecycle-drift").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("m", sandbox.spec()).await;
    let group = cluster.wait_ready("m").await.status.unwrap().summary.unwrap().log_group;
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.put_retention_policy().log_group_name(&group).retention_in_days(1).send().await.unwrap();
    cluster.reconcile_now("m", "1").await;
    let events = cluster.events().await;
    let repaired: Vec<_> = events.iter().filter(|(reason, _)| reason == "Repaired").collect();
    assert_eq!(repaired.len(), 1, "{events:#?}");
    assert!(repaired[0].1.contains("retentionDays: 1 → 30"), "{repaired:?}");
    operator.stop().await;
}

#[tokio::test]
async fn two_monitors_on_one_vpc_and_in_one_account_never_mix() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::two").await, Cluster::new("lifecycle-two").await);
    let operator = Operator::start(&cluster, &sandbox);
    cluster.create("a", sandbox.spec()).await;
    cluster.create("b", sandbox.spec()).await;
    cluster.wait_ready("a").await;
    let before = cluster.wait_ready("b").await;
    cluster.monitors.delete("a", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("a").await;
    let rest = sandbox.latest_call().await;
    let after = cluster.reconcile_now("b", "1").await;
    assert_eq!(sandbox.writes_since(rest).await, []);
    assert_eq!(after.status.unwrap().resources, before.status.unwrap().resources);
    operator.stop().await;
}

#[tokio::test]
async fn tags_follow_the_spec_everywhere_and_those_of_others_stay() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::tags").await, Cluster::new("lifecycle-tags").await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.tags.insert("team".into(), TagValue("network".into()));
    cluster.create("m", spec).await;
    cluster.wait_ready("m").await;
    let tagged = |inventory: &Value, key: &str| {
        let mut values = Vec::new();
        // AWS knows no tags of saved Insights queries.
        let kinds = inventory.as_object().unwrap().iter();
        for (kind, resources) in kinds.filter(|(kind, _)| !["vpcs", "queryDefinitions"].contains(&kind.as_str())) {
            for (name, resource) in resources.as_object().unwrap() {
                let tags = resource.get("tags").or_else(|| resource.get("Tags")).unwrap();
                values.push((format!("{kind}/{name}"), tags.get(key).cloned()));
            }
        }
        values
    };
    let inventory = sandbox.inventory().await;
    for key in ["team", "vpcflow.dev/owner", "vpcflow.dev/managed-by"] {
        let without: Vec<_> = tagged(&inventory, key).into_iter().filter(|(_, value)| value.is_none()).collect();
        assert!(without.is_empty(), "{key}: {without:?}");
    }
    cluster.change("m", json!({"tags": {"team": null, "unit": "a"}})).await;
    cluster.wait_ready("m").await;
    let inventory = sandbox.inventory().await;
    assert!(tagged(&inventory, "team").iter().all(|(_, value)| value.is_none()), "{inventory:#}");
    assert!(tagged(&inventory, "unit").iter().all(|(_, value)| *value == Some(json!("a"))), "{inventory:#}");
    operator.stop().await;
}

#[tokio::test]
async fn a_role_that_is_not_listed_is_refused_before_aws_is_asked() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::role").await, Cluster::new("lifecycle-role").await);
    let operator = Operator::start(&cluster, &sandbox);
    let before = sandbox.latest_call().await;
    let mut spec = sandbox.spec();
    spec.assume_role = Some(vpc_flow_operator::api::spec::AssumeRole {
        role_arn: "arn:aws:iam::999999999999:role/other".into(),
        external_id: None,
    });
    cluster.create("m", spec).await;
    let refused = cluster.wait("m", "a refusal", |monitor| is(monitor, "Stalled", "True")).await;
    assert!(message(&refused, "Ready").contains("--allowed-role"), "{refused:#?}");
    assert_eq!(sandbox.latest_call().await, before);
    operator.stop().await;
}

#[tokio::test]
async fn it_is_ready_once_all_monitors_are_listed_and_stops_even_before() {
    let sandbox = Sandbox::new("lifecycle::listed").await;
    let mut cluster = Cluster::new("lifecycle-listed").await;
    let mut operator = Operator::start(&cluster, &sandbox);
    let listed = operator.all_known.wait_for(|known| *known);
    tokio::time::timeout(Duration::from_secs(30), listed).await.unwrap().unwrap();
    operator.stop().await;

    // Without credentials nothing can be listed.
    let mut config = kube::Config::infer().await.unwrap();
    config.auth_info = kube::config::AuthInfo::default();
    cluster.operator = kube::Client::try_from(config).unwrap();
    let operator = Operator::start(&cluster, &sandbox);
    tokio::time::timeout(Duration::from_secs(30), operator.stop()).await.unwrap();
}

#[tokio::test]
async fn a_monitor_that_can_get_nowhere_rests_too() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::stuck").await, Cluster::new("lifecycle-stuck").await);
    sandbox.emulator.add_fault(denied(&sandbox, "iam", "CreateRole")).await.unwrap();
    let operator = Operator::start_with(&cluster, &sandbox, |options| options.resync = Duration::from_secs(1));
    cluster.create("m", sandbox.spec()).await;
    let is_stalled = |monitor: &VpcFlowMonitor| is(monitor, "Stalled", "True") && is(monitor, "AnalyticsReady", "True");
    let stalled = cluster.wait("m", "Stalled", is_stalled).await;
    cluster.wait_events("AccessDenied", 2).await;
    let before = sandbox.latest_call().await;
    devenv::wait_for("three more tries", Duration::from_mins(1), async || {
        let calls = sandbox.emulator.calls(&sandbox.account, before).await?;
        Ok((calls.iter().filter(|call| call.operation == "CreateRole").count() >= 7).then_some(()))
    })
    .await
    .unwrap();
    operator.stop().await;
    let rested = cluster.monitors.get("m").await.unwrap();
    assert_eq!(rested.metadata.resource_version, stalled.metadata.resource_version, "{rested:#?}\n{stalled:#?}");
    cluster.wait_events("AccessDenied", 2).await;
}

#[tokio::test]
async fn a_monitor_born_suspended_can_be_deleted() {
    let (sandbox, cluster) = (Sandbox::new("lifecycle::born").await, Cluster::new("lifecycle-born").await);
    let operator = Operator::start(&cluster, &sandbox);
    let mut spec = sandbox.spec();
    spec.suspend = true;
    cluster.create("m", spec).await;
    cluster.wait("m", "Suspended", |monitor| reason(monitor, "Ready").as_deref() == Some("Suspended")).await;
    cluster.monitors.delete("m", &DeleteParams::default()).await.unwrap();
    cluster.wait_gone("m").await;
    operator.stop().await;
}
