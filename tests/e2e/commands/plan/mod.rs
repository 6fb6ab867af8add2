//! The plan is compared with the changes that the operator then makes. Planning itself writes nothing to AWS.

mod command;
mod dry_run;
mod fleets;
mod kubectl;
mod offline;
mod overviews;
mod vpc;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;
use vpc_flow_operator::api::spec::{DeletionPolicy, TrafficType};
use vpc_flow_operator::api::{Component, ResourceKind};
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::aws::{Aws, AwsGate, ClientPool};
use vpc_flow_operator::engine::{self, Action, Change, Direction};
use vpc_flow_operator::monitor::{MANAGED_BY, Monitor, OWNER};
use vpc_flow_operator::permissions;
use vpc_flow_operator::plan::{self, Plan};
use vpc_flow_operator::resources::SYSTEMS;

use testkit::sandbox::{PACE, Sandbox, all_components, apply};

type Named = BTreeSet<(Action, ResourceKind, String)>;

/// Both flow logs are deleted by one call, under both names.
fn named<'a>(changes: impl IntoIterator<Item = &'a Change>) -> Named {
    let each = |change: &'a Change| {
        change.name.split(", ").map(|name| (change.action, change.kind, name.to_owned())).collect::<Vec<_>>()
    };
    changes.into_iter().flat_map(each).collect()
}

fn planned(plan: &Plan) -> Named {
    named(plan.changes.iter().map(|planned| &planned.change))
}

/// Clients as the command has them, for a person who may do what `permissions --print plan-policy` says, and nothing else.
async fn reader(sandbox: &Sandbox) -> Arc<Aws> {
    let policies = permissions::policies(&sandbox.printed(Caller::Plan));
    let config = sandbox.config_bound_to(&policies).await;
    ClientPool::with_pace(&config, AwsGate::of_plan(), PACE).get(None, None).await.unwrap()
}

/// Plans, and checks that nothing was written.
async fn plan(sandbox: &Sandbox, monitor: &Monitor, destroy: bool) -> Plan {
    let (aws, before) = (reader(sandbox).await, sandbox.latest_call().await);
    let plan = plan::plan(&aws, monitor, destroy).await;
    assert_eq!(sandbox.writes_since(before).await, []);
    plan
}

#[tokio::test]
async fn what_is_planned_for_a_new_monitor_is_what_gets_made() {
    let sandbox = Sandbox::new("plan::new").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let plan = plan(&sandbox, &monitor, false).await;
    assert_eq!(plan.problems.len(), 0, "{plan:#?}");
    assert!(plan.changes.iter().all(|planned| planned.change.action == Action::Create), "{plan:#?}");

    let made = named(&sandbox.converge(&monitor, &all_components()).await);
    let made: Named = made.into_iter().filter(|(action, ..)| *action == Action::Create).collect();
    assert_eq!(planned(&plan), made);
    let after = self::plan(&sandbox, &monitor, false).await;
    assert!(after.is_empty(), "{after:#?}");
}

#[tokio::test]
async fn systems_stand_in_the_order_of_the_work() {
    let sandbox = Sandbox::new("plan::order").await;
    let monitor = sandbox.monitor(sandbox.spec());
    let position = |plan: &Plan, component: Component| {
        plan.changes.iter().position(|planned| planned.component == component).unwrap()
    };
    let making = plan(&sandbox, &monitor, false).await;
    for system in SYSTEMS.iter() {
        for needed in system.needs {
            assert!(position(&making, *needed) < position(&making, system.component), "{needed:?} {system:?}");
        }
    }
    sandbox.converge(&monitor, &all_components()).await;
    let removing = plan(&sandbox, &monitor, true).await;
    assert_eq!(removing.changes[0].component, Component::FlowLogs);
    for system in SYSTEMS.iter().filter(|system| system.component != Component::FlowLogs) {
        for needed in system.needs.iter().filter(|needed| **needed != Component::FlowLogs) {
            assert!(position(&removing, system.component) < position(&removing, *needed), "{needed:?} {system:?}");
        }
    }
}

#[tokio::test]
async fn a_change_is_planned_field_by_field_and_a_replacement_says_why() {
    let sandbox = Sandbox::new("plan::change").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &all_components()).await;
    let mut spec = sandbox.spec();
    spec.cloud_watch_logs.retention_days = 7;
    spec.s3.traffic_type = Some(TrafficType::Reject);
    spec.dashboard.enabled = false;
    let changed = sandbox.monitor(spec);

    let plan = plan(&sandbox, &changed, false).await;
    let found = |kind| {
        let mut of_kind = plan.changes.iter().filter(move |planned| planned.change.kind == kind);
        of_kind.next().unwrap_or_else(|| panic!("{kind:?} in {plan:#?}"))
    };
    let retention = &found(ResourceKind::LogGroup).change;
    assert_eq!((retention.action, retention.fields[0].path.as_str()), (Action::Update, "retentionDays"));
    assert_eq!((&retention.fields[0].old, &retention.fields[0].new), (&Some(json!(30)), &Some(json!(7))));
    let flow_log = &found(ResourceKind::FlowLog).change;
    assert_eq!((flow_log.action, flow_log.name.as_str()), (Action::Replace, "s3"));
    assert!(flow_log.fields.iter().any(|field| field.path == "trafficType"), "{flow_log:#?}");
    assert!(flow_log.why.is_some(), "{flow_log:#?}");
    assert_eq!(found(ResourceKind::Dashboard).change.action, Action::Delete);

    let done = named(&sandbox.converge(&changed, &all_components()).await);
    assert!(planned(&plan).is_subset(&done), "{plan:#?}\n{done:#?}");
}

/// Plans, makes one pass, and checks that it leaves exactly the changes that the plan shows as waiting.
async fn assert_only_what_waits_is_left(sandbox: &Sandbox, monitor: &Monitor) {
    let plan = plan(sandbox, monitor, false).await;
    let (waiting, at_once): (Vec<_>, Vec<_>) = plan.changes.iter().partition(|planned| !planned.waits_for.is_empty());
    let assessed = engine::assess(&*SYSTEMS, &sandbox.aws, monitor, Direction::Build).await;
    let outcomes = apply(&sandbox.aws, monitor, assessed, Direction::Build).await;
    assert_eq!(
        named(at_once.iter().map(|planned| &planned.change)),
        named(outcomes.iter().flat_map(|outcome| &outcome.applied))
    );
    for planned in waiting {
        let outcome = outcomes.iter().find(|outcome| outcome.component == planned.component).unwrap();
        assert!(outcome.remaining.contains(&planned.change), "{planned:?}");
        assert_eq!(planned.waits_for, outcome.waits_for, "{planned:?}");
    }
}

#[tokio::test]
async fn what_is_planned_to_wait_is_what_does_not_get_made() {
    let sandbox = Sandbox::new("plan::waits").await;
    let monitor = sandbox.monitor(sandbox.spec());
    // Foreign resources, each in the way of a system that others need.
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    sns.create_topic().name(monitor.names.topic()).send().await.unwrap();
    let logs = aws_sdk_cloudwatchlogs::Client::new(&sandbox.config);
    logs.create_log_group().log_group_name(&monitor.names.log_group).send().await.unwrap();
    assert_only_what_waits_is_left(&sandbox, &monitor).await;
}

#[tokio::test]
async fn what_is_only_to_be_removed_does_not_wait_for_what_it_needed() {
    let sandbox = Sandbox::new("plan::removes").await;
    let monitor = sandbox.monitor(sandbox.spec());
    sandbox.converge(&monitor, &all_components()).await;
    let topic = monitor.topic_arn();
    let sns = aws_sdk_sns::Client::new(&sandbox.config);
    for key in [OWNER, MANAGED_BY] {
        sns.untag_resource().resource_arn(&topic).tag_keys(key).send().await.unwrap();
    }
    let mut spec = sandbox.spec();
    spec.detector.enabled = false;
    assert_only_what_waits_is_left(&sandbox, &sandbox.monitor(spec)).await;
}

#[tokio::test]
async fn the_plan_of_a_deletion_is_what_gets_removed_and_left() {
    for (name, policy) in [
        ("delete", DeletionPolicy::Delete),
        ("retain-data", DeletionPolicy::RetainData),
        ("retain", DeletionPolicy::Retain),
    ] {
        let sandbox = Sandbox::new(&format!("plan::destroy-{name}")).await;
        let mut spec = sandbox.spec();
        spec.deletion_policy = Some(policy);
        let monitor = sandbox.monitor(spec);
        sandbox.converge(&monitor, &all_components()).await;
        let plan = plan(&sandbox, &monitor, true).await;
        assert!(plan.destroy && plan.problems.is_empty(), "{plan:#?}");
        let outcomes = sandbox.tear_down(&monitor, &all_components()).await;
        let done = named(outcomes.iter().flat_map(|outcome| &outcome.applied));
        assert_eq!(planned(&plan), done, "{name}");
        assert!(self::plan(&sandbox, &monitor, true).await.is_empty());
    }
}

#[tokio::test]
async fn the_clients_of_a_plan_send_no_write_whatever_asks_for_it() {
    let sandbox = Sandbox::new("plan::gate").await;
    let (aws, before) = (reader(&sandbox).await, sandbox.latest_call().await);
    let refused = aws.sns.create_topic().name("t").send().await.unwrap_err();
    assert!(format!("{refused:?}").contains("UnknownOperation"), "{refused:?}");
    assert_eq!(sandbox.writes_since(before).await, []);
}
