//! The VPCs that a fleet finds.

use serde_json::json;
use testkit::sandbox::{REGION, Sandbox};
use vpc_flow_operator::api::fleet::{ORPHANED_SINCE, PLACE_LABEL};

use super::{Stage, ec2, has, is_ready, make_prod, make_vpc, message, set_tags};
use testkit::roles::trusting_role;

#[tokio::test]
async fn vpcs_of_several_accounts_and_regions_get_a_monitor_each() {
    let name = "fleet-places";
    let stage = Stage::new(name).await;
    let there = Sandbox::new("fleet-places::there").await;
    let role = trusting_role(&there, &stage.here).await;
    let mut wanted = vec![
        make_prod(&stage.here).await,
        make_vpc(&stage.here.config, "us-east-1", &[("env", "prod")]).await,
        make_prod(&there).await,
    ];
    make_vpc(&stage.here.config, REGION, &[("env", "dev")]).await;
    make_vpc(&there.config, "us-east-1", &[("env", "prod")]).await;
    wanted.sort();
    let operator = stage.start_with(|options| {
        options.allowed_roles.0.push(format!("{name}={}", role.role_arn).parse().unwrap());
    });
    stage
        .apply(
            "prod",
            json!({"places": [
                {"name": "home", "regions": [REGION, "us-east-1"]},
                {"name": "other", "regions": [REGION], "assumeRole": role},
            ]}),
        )
        .await;
    let fleet = stage.wait_ready("prod").await;
    assert_eq!(stage.watched("prod").await, wanted);
    let status = fleet.status.unwrap();
    let counts = status.monitors.unwrap();
    assert_eq!((counts.wanted, counts.present, counts.ready, counts.updated, counts.orphaned), (3, 3, 3, 3, 0));
    let places: Vec<_> = status
        .places
        .iter()
        .map(|place| {
            (place.name.as_str(), place.region.as_str(), place.account_id.as_deref().unwrap(), place.vpcs.unwrap())
        })
        .collect();
    let (here, other) = (stage.here.account.as_str(), there.account.as_str());
    assert_eq!(places, [("home", REGION, here, 1), ("home", "us-east-1", here, 1), ("other", REGION, other, 1)]);
    for monitor in stage.monitors("prod").await {
        let is_there = monitor.metadata.labels.as_ref().unwrap()[PLACE_LABEL] == "other";
        assert_eq!(monitor.status.as_ref().unwrap().account_id.as_deref(), Some(if is_there { other } else { here }));
    }
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_tag_that_comes_makes_a_monitor_and_one_that_goes_deletes_none() {
    let stage = Stage::new("fleet-tags").await;
    let first = make_prod(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({})).await;
    stage.wait_ready("prod").await;
    let second = make_prod(&stage.here).await;
    stage.search("prod", "second").await;
    stage.wait("prod", "two monitors", |fleet| has(fleet, "Ready", "True", "Reconciled") && ready(fleet) == 2).await;

    set_tags(&ec2(&stage.here.config, REGION), &second, &[("env", "dev")]).await;
    stage.search("prod", "gone").await;
    let fleet = stage.wait("prod", "an orphan", |fleet| orphaned(fleet) == 1).await;
    assert!(has(&fleet, "Ready", "True", "Reconciled"), "{fleet:?}");
    let marked = |monitors: &[vpc_flow_operator::api::VpcFlowMonitor]| -> Vec<String> {
        let is_marked = |it: &&vpc_flow_operator::api::VpcFlowMonitor| {
            it.metadata.annotations.as_ref().is_some_and(|all| all.contains_key(ORPHANED_SINCE))
        };
        monitors.iter().filter(is_marked).map(|it| it.spec.vpc_id.clone()).collect()
    };
    let monitors = stage.monitors("prod").await;
    assert_eq!(marked(&monitors), [second.as_str()]);
    assert!(monitors.iter().all(is_ready), "{monitors:#?}");

    set_tags(&ec2(&stage.here.config, REGION), &second, &[("env", "prod")]).await;
    stage.search("prod", "back").await;
    stage.wait("prod", "no orphan", |fleet| orphaned(fleet) == 0 && ready(fleet) == 2).await;
    assert_eq!(marked(&stage.monitors("prod").await), Vec::<String>::new());
    let events = stage.cluster.events().await;
    for reason in ["MonitorCreated", "MonitorOrphaned", "MonitorSelectedAgain"] {
        assert!(events.iter().any(|(known, _)| known == reason), "{reason}: {events:#?}");
    }
    let mut both = vec![first, second];
    both.sort();
    assert_eq!(stage.watched("prod").await, both);
    stage.clear(operator).await;
}

fn ready(fleet: &vpc_flow_operator::api::VpcFlowFleet) -> u32 {
    fleet.status.as_ref().and_then(|status| status.monitors).map_or(0, |counts| counts.ready)
}

fn orphaned(fleet: &vpc_flow_operator::api::VpcFlowFleet) -> u32 {
    fleet.status.as_ref().and_then(|status| status.monitors).map_or(0, |counts| counts.orphaned)
}

#[tokio::test]
async fn a_place_that_cannot_be_read_never_looks_empty() {
    let stage = Stage::new("fleet-unread").await;
    let vpc = make_prod(&stage.here).await;
    let operator = stage.start();
    stage.apply("prod", json!({"prune": {"policy": "Delete", "afterSeconds": 3600}})).await;
    stage.wait_ready("prod").await;

    let denied = stage.here.fault("ec2", "DescribeVpcs", "UnauthorizedOperation", "You are not authorized");
    stage.here.emulator.add_fault(devenv::Fault { status: 403, times: None, ..denied }).await.unwrap();
    stage.search("prod", "denied").await;
    let fleet = stage.wait("prod", "the refusal", |fleet| has(fleet, "Discovered", "False", "AccessDenied")).await;
    assert!(has(&fleet, "Ready", "False", "AccessDenied"), "{fleet:?}");
    let text = message(&fleet, "Discovered");
    assert!(text.contains("place home in eu-west-1 cannot be read") && text.contains("ec2:DescribeVpcs"), "{text}");
    let counts = fleet.status.unwrap().monitors.unwrap();
    assert_eq!((counts.wanted, counts.present, counts.ready, counts.orphaned), (1, 1, 1, 0));
    let monitors = stage.monitors("prod").await;
    assert_eq!(monitors[0].spec.vpc_id, vpc);
    assert!(!monitors[0].metadata.annotations.as_ref().unwrap().contains_key(ORPHANED_SINCE));

    stage.here.emulator.clear_faults(&stage.here.account).await.unwrap();
    stage.search("prod", "again").await;
    stage.wait_ready("prod").await;
    stage.clear(operator).await;
}

#[tokio::test]
async fn a_tenant_reaches_no_account_that_is_not_listed() {
    let stage = Stage::new("fleet-tenant").await;
    let there = Sandbox::new("fleet-tenant::there").await;
    let role = trusting_role(&there, &stage.here).await;
    make_prod(&there).await;
    let own = make_prod(&stage.here).await;
    let operator = stage.start();
    let places = json!([{"name": "other", "assumeRole": role}, {"name": "home"}]);
    stage.apply("prod", json!({"places": places})).await;
    let fleet = stage.wait("prod", "the refusal", |fleet| has(fleet, "Discovered", "False", "AccessDenied")).await;
    let text = message(&fleet, "Discovered");
    assert!(text.contains(&format!("--allowed-role fleet-tenant={}", role.role_arn)), "{text}");
    // The other place is not held up.
    stage.wait("prod", "the monitor of home", |fleet| ready(fleet) == 1).await;
    assert_eq!(stage.watched("prod").await, [own]);
    let calls = there.emulator.calls(&there.account, 0).await.unwrap();
    assert!(calls.iter().all(|call| call.operation != "DescribeVpcs"), "{calls:#?}");
    stage.clear(operator).await;
}

#[tokio::test]
async fn the_vpcs_beyond_the_limit_get_no_monitor() {
    let stage = Stage::new("fleet-limit").await;
    for _ in 0..3 {
        make_prod(&stage.here).await;
    }
    let operator = stage.start();
    stage.apply("prod", json!({"maxMonitors": 2})).await;
    let fleet = stage.wait("prod", "two monitors", |fleet| ready(fleet) == 2).await;
    assert!(
        has(&fleet, "Ready", "False", "LimitExceeded") && has(&fleet, "Stalled", "True", "LimitExceeded"),
        "{fleet:?}"
    );
    let text = message(&fleet, "Ready");
    assert!(text.contains("3 VPCs are selected and maxMonitors is 2"), "{text}");
    assert_eq!(stage.watched("prod").await.len(), 2);
    // A lower limit deletes nothing.
    stage.apply("prod", json!({"maxMonitors": 1})).await;
    stage.wait_reason("prod", "LimitExceeded").await;
    assert_eq!(stage.watched("prod").await.len(), 2);
    stage.clear(operator).await;
}
