//! A change of the template.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use vpc_flow_operator::api::VpcFlowMonitor;
use vpc_flow_operator::api::spec::TrafficType;

use super::{Stage, has, make_prod, message, small, small_with};

/// A spec that the API server accepts and AWS refuses: there is no such topic.
fn broken(stage: &Stage) -> Value {
    small_with("notifications", json!({"topicArn": format!("arn:aws:sns:eu-west-1:{}:missing", stage.here.account)}))
}

fn rejecting(monitors: &[VpcFlowMonitor]) -> usize {
    monitors.iter().filter(|monitor| monitor.spec.traffic_type == TrafficType::Reject).count()
}

#[tokio::test]
async fn a_change_reaches_one_monitor_soaks_and_goes_on() {
    let stage = Stage::new("fleet-waves").await;
    for _ in 0..3 {
        make_prod(&stage.here).await;
    }
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    let rollout = json!({"waves": [1, "100%"], "soakSeconds": 86400});
    let template = small_with("trafficType", json!("REJECT"));
    stage.apply("prod", json!({"template": template, "rollout": rollout})).await;
    let fleet = stage
        .wait("prod", "the first wave", |fleet| {
            message(fleet, "Ready").contains("wave 1 of 2 is Ready and observed until")
        })
        .await;
    assert!(has(&fleet, "Ready", "False", "Progressing"), "{fleet:?}");
    assert_eq!(fleet.status.unwrap().rollout.unwrap().wave, "1/2");
    assert_eq!(rejecting(&stage.monitors("prod").await), 1);
    // A new VPC gets no template that is not proven yet.
    make_prod(&stage.here).await;
    stage.search("prod", "new").await;
    assert_eq!(stage.monitors("prod").await.len(), 3);

    let rollout = json!({"waves": [1, "100%"], "soakSeconds": 0});
    stage.apply("prod", json!({"template": template, "rollout": rollout})).await;
    stage.wait_ready("prod").await;
    let monitors = stage.monitors("prod").await;
    assert_eq!((monitors.len(), rejecting(&monitors)), (4, 4));
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_bad_template_stops_at_one_monitor() {
    let stage = Stage::new("fleet-bad").await;
    for _ in 0..3 {
        make_prod(&stage.here).await;
    }
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    let before = stage.wait_ready("prod").await;
    let bad = broken(&stage);
    stage.apply("prod", json!({"template": bad})).await;
    let stopped = stage.wait_reason("prod", "RolloutStopped").await;
    assert!(has(&stopped, "Stalled", "True", "RolloutStopped"), "{stopped:?}");
    let text = message(&stopped, "Ready");
    assert!(text.starts_with("the rollout stopped in wave 1 of 3: prod-"), "{text}");
    let counts = stopped.status.unwrap().monitors.unwrap();
    assert_eq!((counts.wanted, counts.updated, counts.ready), (3, 1, 2));

    // The former template takes it back; nothing else has to be done.
    stage.apply("prod", json!({"template": {"spec": small()}})).await;
    let after = stage.wait_ready("prod").await;
    assert_eq!(after.status.unwrap().monitors, before.status.unwrap().monitors);
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_template_that_no_monitor_can_have_is_refused_in_its_own_words() {
    let stage = Stage::new("fleet-refused").await;
    make_prod(&stage.here).await;
    let operator = stage.start();
    for (spec, named) in [
        (json!({"trafficType": "SOME"}), "spec.template.spec.trafficType"),
        (json!({"trafficTyp": "ALL"}), "spec.template.spec.trafficTyp"),
        (json!({"s3": {"lifecycle": {"glacierAfterDays": 30}}}), "spec.template.spec.s3.lifecycle"),
    ] {
        stage.apply("prod", json!({"template": {"spec": spec}})).await;
        let fleet = stage.wait_reason("prod", "InvalidSpec").await;
        let text = message(&fleet, "Ready");
        assert!(text.contains(named), "{named}: {text}");
        assert!(has(&fleet, "Stalled", "True", "InvalidSpec"), "{fleet:?}");
        assert_eq!(stage.monitors("prod").await.len(), 0);
    }
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    stage.clear(operator).await;
}

#[tokio::test]
async fn an_edit_by_hand_is_put_back_and_what_the_template_leaves_out_stays() {
    let stage = Stage::new("fleet-edits").await;
    make_prod(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({"template": small_with("trafficType", json!("ALL"))})).await;
    stage.wait_ready("prod").await;
    let name = stage.monitors("prod").await[0].name_any();
    let edit = json!({"spec": {"trafficType": "ACCEPT", "tags": {"own": "x"}}});
    stage.cluster.monitors.patch(&name, &PatchParams::default(), &Patch::Merge(edit)).await.unwrap();
    let monitor = stage
        .cluster
        .wait(&name, "the template's value", |monitor| monitor.spec.traffic_type == TrafficType::All)
        .await;
    assert_eq!(monitor.spec.tags["own"].0, "x");
    stage.cluster.wait_events("MonitorRestored", 1).await;
    stage.clear(operator).await;
}

#[tokio::test]
async fn an_override_is_for_the_vpcs_that_it_names() {
    let stage = Stage::new("fleet-overrides").await;
    make_prod(&stage.here).await;
    let tagged = super::make_vpc(&stage.here.config, "eu-west-1", &[("env", "prod"), ("tier", "1")]).await;
    let operator = stage.start();
    let change = json!({"when": {"matchTags": {"tier": "1"}}, "spec": {"trafficType": "REJECT"}});
    stage.apply("prod", json!({"overrides": [change]})).await;
    stage.wait_ready("prod").await;
    for monitor in stage.monitors("prod").await {
        assert_eq!(monitor.spec.traffic_type == TrafficType::Reject, monitor.spec.vpc_id == tagged, "{monitor:?}");
    }
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_suspended_fleet_changes_nothing_and_its_monitors_go_on() {
    let stage = Stage::new("fleet-suspended").await;
    make_prod(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({"suspend": true})).await;
    stage.wait("prod", "the suspension", |fleet| has(fleet, "Ready", "False", "Suspended")).await;
    assert_eq!(stage.monitors("prod").await.len(), 0);
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    stage.apply("prod", json!({"suspend": true, "template": small_with("trafficType", json!("REJECT"))})).await;
    stage.wait("prod", "the suspension", |fleet| has(fleet, "Ready", "True", "Suspended")).await;
    assert_eq!(rejecting(&stage.monitors("prod").await), 0);
    stage.clear(operator).await;
}
