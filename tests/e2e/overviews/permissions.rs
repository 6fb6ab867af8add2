//! A life under exactly the policies that `vpc-flow-operator permissions` prints, and one for each action that is taken away.

use std::collections::BTreeSet;

use aws_config::SdkConfig;
use devenv::wait_for;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};
use testkit::cluster::Operator;
use testkit::policies::{actions_of_overviews, without};
use vpc_flow_operator::aws::operations::Caller;
use vpc_flow_operator::permissions::{self, Options};

use super::{DEADLINE, Stage, THERE, has, sink};

/// The policies that are printed, without one action.
fn policies(options: &Options, missing: Option<&str>) -> Vec<Value> {
    let all = permissions::policies(options);
    missing.map_or_else(|| all.clone(), |action| without(&all, action))
}

/// Both accounts under their policies, without this action.
async fn bind(stage: &Stage, missing: Option<&str>) -> SdkConfig {
    let role = stage.role.role_arn.rsplit('/').next().unwrap();
    let there = Options { regions: vec![THERE.to_owned()], ..stage.there.printed(Caller::Operator) };
    stage.here.emulator.bind_role(&stage.there.account, role, &policies(&there, missing)).await.unwrap();
    let assumed_roles = vec![stage.role.role_arn.clone()];
    let here = Options { assumed_roles, ..stage.here.printed(Caller::Operator) };
    stage.here.config_bound_to(&policies(&here, missing)).await
}

fn start(stage: &Stage, config: &SdkConfig) -> Operator {
    let allowed = format!("{}={}", stage.cluster.namespace, stage.role.role_arn);
    Operator::start_at(&stage.cluster, config, |options| {
        options.fleets = true;
        options.allowed_roles.0.push(allowed.parse().unwrap());
    })
}

/// Waits until a condition names the missing action.
async fn missed(stage: &Stage, action: &str) {
    let missed = async || {
        let Some(overview) = stage.overviews.get_opt("all").await? else {
            anyhow::bail!("the overview is gone, and nothing has needed {action}");
        };
        let conditions = overview.status.into_iter().flat_map(|status| status.conditions);
        Ok(conditions.map(|it| it.message).any(|message| message.contains(action)).then_some(()))
    };
    wait_for(&format!("a condition that names {action}"), DEADLINE, missed).await.unwrap();
}

#[tokio::test]
async fn the_printed_policies_allow_a_whole_life_and_each_action_is_needed() {
    let stage = Stage::new("overview-permissions").await;
    let operator = stage.start();
    stage.monitor_here("near").await;
    stage.monitor_there("far").await;
    operator.stop().await;
    let sink = sink(&stage).await;
    let spec = json!({"crossAccount": {"sinkArns": [sink]}});
    let linked = |it: &vpc_flow_operator::api::VpcFlowOverview| {
        has(it, "Ready", "True", "Reconciled") && has(it, "LinksReady", "True", "Reconciled")
    };

    let config = bind(&stage, None).await;
    let operator = start(&stage, &config);
    stage.apply("all", spec.clone()).await;
    stage.wait("all", "the overview to be Ready", linked).await;
    // Another namespace of metrics changes the filter of the link.
    let detections = Patch::Merge(json!({"spec": {"detections": {"namespace": "Custom/FlowLogs"}}}));
    stage.cluster.monitors.patch("far", &PatchParams::default(), &detections).await.unwrap();
    let filter = async || {
        let inventory = stage.here.emulator.inventory(&stage.there.account, THERE).await?;
        Ok(inventory["oamLinks"].to_string().contains("Custom/FlowLogs").then_some(()))
    };
    wait_for("the filter of the link", DEADLINE, filter).await.unwrap();
    stage.wait("all", "the overview to be Ready", linked).await;
    stage.delete("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
    let mut needed = BTreeSet::new();
    for account in [&stage.here.account, &stage.there.account] {
        for need in stage.here.emulator.needs(account).await.unwrap() {
            assert!(need.allowed, "{need:?}");
            needed.insert(need.action);
        }
    }
    for action in actions_of_overviews() {
        assert!(needed.contains(&action), "{action} is allowed and not needed: {needed:?}");
    }

    for action in [
        "events:DescribeEventBus",
        "events:CreateEventBus",
        "events:PutPermission",
        "events:PutTargets",
        "oam:ListLinks",
        "oam:CreateLink",
    ] {
        let config = bind(&stage, Some(action)).await;
        let operator = start(&stage, &config);
        stage.apply("all", spec.clone()).await;
        missed(&stage, action).await;
        operator.stop().await;
        let config = bind(&stage, None).await;
        let operator = start(&stage, &config);
        stage.wait("all", "the overview to be Ready", linked).await;
        stage.delete("all").await;
        operator.stop().await;
    }
    for action in ["events:DeleteRule", "events:DeleteEventBus", "oam:DeleteLink"] {
        let config = bind(&stage, None).await;
        let operator = start(&stage, &config);
        stage.apply("all", spec.clone()).await;
        stage.wait("all", "the overview to be Ready", linked).await;
        operator.stop().await;
        let config = bind(&stage, Some(action)).await;
        let operator = start(&stage, &config);
        stage.overviews.delete("all", &DeleteParams::default()).await.unwrap();
        missed(&stage, action).await;
        operator.stop().await;
        let config = bind(&stage, None).await;
        let operator = start(&stage, &config);
        stage.wait_gone("all").await;
        assert_eq!(stage.left().await, Vec::<String>::new());
        operator.stop().await;
    }
}
