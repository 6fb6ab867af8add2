//! Monitors and fleets that want the same VPC or name.

use kube::api::PostParams;
use serde_json::json;
use vpc_flow_operator::api::fleet::status::SkipReason;
use vpc_flow_operator::api::{VpcFlowMonitor, VpcFlowMonitorSpec};

use super::{Stage, has, make_prod, message};

fn skipped(fleet: &vpc_flow_operator::api::VpcFlowFleet) -> Vec<(String, SkipReason)> {
    fleet.status.iter().flat_map(|status| &status.skipped).map(|it| (it.vpc_id.clone(), it.reason)).collect()
}

#[tokio::test]
async fn a_vpc_that_is_watched_already_gets_no_second_monitor() {
    let stage = Stage::new("fleet-watched").await;
    let vpc = make_prod(&stage.here).await;
    let by_hand = VpcFlowMonitor::new("by-hand", VpcFlowMonitorSpec::new(&vpc));
    stage.cluster.monitors.create(&PostParams::default(), &by_hand).await.unwrap();
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    let fleet = stage.wait_ready("prod").await;
    assert_eq!(skipped(&fleet), [(vpc, SkipReason::AlreadyMonitored)]);
    assert_eq!(stage.monitors("prod").await.len(), 0);
    assert!(message(&fleet, "Ready").contains("other monitors watch 1 VPC"), "{fleet:?}");
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_monitor_of_the_name_is_never_taken_over() {
    let stage = Stage::new("fleet-name-taken").await;
    let vpc = make_prod(&stage.here).await;
    let name = format!("prod-{}", vpc.trim_start_matches("vpc-"));
    // Of another VPC, with the label of the fleet.
    let mut forged = VpcFlowMonitor::new(&name, VpcFlowMonitorSpec::new(&stage.here.vpc_id));
    forged.metadata.labels = Some([("vpcflow.dev/fleet".to_owned(), "prod".to_owned())].into());
    let forged = stage.cluster.monitors.create(&PostParams::default(), &forged).await.unwrap();
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    let fleet = stage.wait_reason("prod", "Conflict").await;
    assert_eq!(skipped(&fleet), [(vpc, SkipReason::NameTaken)]);
    let now = stage.cluster.monitors.get(&name).await.unwrap();
    assert_eq!((now.spec, now.metadata.owner_references), (forged.spec, None));
    stage.clear(operator).await;
}

#[tokio::test]
async fn two_fleets_that_want_one_vpc_make_one_monitor() {
    let stage = Stage::new("fleet-two").await;
    for _ in 0..3 {
        make_prod(&stage.here).await;
    }
    let operator = stage.start();
    let (one, two) = tokio::join!(stage.apply("one", json!({})), stage.apply("two", json!({})));
    assert!(one.spec == two.spec);
    let is_done = |fleet: &vpc_flow_operator::api::VpcFlowFleet| has(fleet, "Ready", "True", "Reconciled");
    let (one, two) = tokio::join!(stage.wait("one", "one", is_done), stage.wait("two", "two", is_done));
    let mut skipped_by_either = skipped(&one);
    skipped_by_either.extend(skipped(&two));
    assert_eq!(skipped_by_either.len(), 3, "{skipped_by_either:?}");
    assert!(skipped_by_either.iter().all(|(_, reason)| *reason == SkipReason::AlreadyMonitored));
    assert_eq!(stage.monitors("one").await.len() + stage.monitors("two").await.len(), 3);
    stage.clear(operator).await;
}
