//! An operator that is killed while a fleet builds or changes its monitors.

use std::time::Duration;

use devenv::wait_for;
use serde_json::json;
use vpc_flow_operator::api::spec::TrafficType;

use super::{Stage, make_prod, small_with};

const VPCS: usize = 4;

/// Kills the operator once `reached` counts `count`.
async fn kill_once(stage: &Stage, count: usize, reached: impl AsyncFn(&Stage) -> usize) {
    let operator = stage.start();
    let all: anyhow::Result<()> =
        wait_for("the step", Duration::from_mins(1), async || Ok((reached(stage).await >= count).then_some(()))).await;
    all.unwrap();
    operator.kill().await;
}

#[tokio::test]
async fn a_crash_after_any_monitor_ends_the_same() {
    let stage = Stage::new("fleet-crashes").await;
    let mut vpcs = Vec::new();
    for _ in 0..VPCS {
        vpcs.push(make_prod(&stage.here).await);
    }
    vpcs.sort();
    stage.apply("prod", json!({})).await;
    for count in 1..=VPCS {
        kill_once(&stage, count, async |stage| stage.monitors("prod").await.len()).await;
    }
    let operator = stage.start();
    stage.wait_ready("prod").await;
    assert_eq!(stage.watched("prod").await, vpcs);
    operator.stop().await;

    let template = small_with("trafficType", json!("REJECT"));
    let rollout = json!({"waves": [1, "50%", "100%"], "soakSeconds": 0});
    stage.apply("prod", json!({"template": template, "rollout": rollout})).await;
    let rejecting = async |stage: &Stage| {
        let monitors = stage.monitors("prod").await;
        monitors.iter().filter(|monitor| monitor.spec.traffic_type == TrafficType::Reject).count()
    };
    for count in 1..=VPCS {
        kill_once(&stage, count, rejecting).await;
    }
    let operator = stage.start();
    let fleet = stage.wait_ready("prod").await;
    assert_eq!(rejecting(&stage).await, VPCS);
    assert_eq!(fleet.status.unwrap().rollout.unwrap().wave, "3/3");
    assert_eq!(stage.watched("prod").await, vpcs);
    stage.clear(operator).await;
}
