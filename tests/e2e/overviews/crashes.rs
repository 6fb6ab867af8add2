//! An operator that is killed at any write.

use std::time::Duration;

use devenv::{FaultProxy, Gate, ProxyFault, Rule};
use kube::api::DeleteParams;
use serde_json::json;
use testkit::cluster::Operator;

use super::Stage;

/// The writes of a creation, in their order.
const CREATION: [(&str, &str); 10] = [
    ("sns", "CreateTopic"),
    ("events", "CreateEventBus"),
    ("events", "PutPermission"),
    ("events", "PutRule"),
    ("events", "PutTargets"),
    ("iam", "CreateRole"),
    ("iam", "PutRolePolicy"),
    ("events", "PutRule"),
    ("events", "PutTargets"),
    ("monitoring", "PutDashboard"),
];

/// Those of a deletion.
const DELETION: [(&str, &str); 9] = [
    ("monitoring", "DeleteDashboards"),
    ("events", "RemoveTargets"),
    ("events", "DeleteRule"),
    ("iam", "DeleteRolePolicy"),
    ("iam", "DeleteRole"),
    ("events", "RemoveTargets"),
    ("events", "DeleteRule"),
    ("events", "DeleteEventBus"),
    ("sns", "DeleteTopic"),
];

/// Kills an operator before the next such write, and another one after it.
async fn kill_at(stage: &Stage, proxy: &FaultProxy, (service, operation): (&str, &str)) {
    for hold in [ProxyFault::HoldBefore as fn(Gate) -> ProxyFault, ProxyFault::HoldAfter] {
        let gate = Gate::new();
        proxy.add(Rule::of(service, operation, hold(gate.clone())).times(1));
        let operator = start(stage, proxy);
        let arrived = gate.arrived(Duration::from_mins(1)).await;
        arrived.unwrap_or_else(|error| panic!("{service} {operation}: {error}"));
        operator.kill().await;
        gate.drop_calls();
    }
}

fn start(stage: &Stage, proxy: &FaultProxy) -> Operator {
    let allowed = format!("{}={}", stage.cluster.namespace, stage.role.role_arn);
    Operator::start_at(&stage.cluster, &stage.here.config_at(proxy.endpoint()), |options| {
        options.fleets = true;
        options.allowed_roles.0.push(allowed.parse().unwrap());
    })
}

#[tokio::test]
async fn a_crash_at_any_write_ends_the_same() {
    let stage = Stage::new("overview-crashes").await;
    let operator = stage.start();
    stage.monitor_there("far").await;
    stage.apply("all", json!({})).await;
    stage.wait_ready("all", 1).await;
    let expected = stage.left().await;
    stage.delete("all").await;
    operator.stop().await;
    let proxy = FaultProxy::start(stage.here.emulator.endpoint()).await.unwrap();

    stage.apply("all", json!({})).await;
    for write in CREATION {
        kill_at(&stage, &proxy, write).await;
    }
    let operator = stage.start();
    stage.wait_ready("all", 1).await;
    assert_eq!(stage.left().await, expected);
    operator.stop().await;

    stage.overviews.delete("all", &DeleteParams::default()).await.unwrap();
    for write in DELETION {
        kill_at(&stage, &proxy, write).await;
    }
    let operator = stage.start();
    stage.wait_gone("all").await;
    assert_eq!(stage.left().await, Vec::<String>::new());
    operator.stop().await;
}
