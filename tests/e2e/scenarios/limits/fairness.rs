//! Monitors do not hold each other up, and none is worked on twice at once.

use std::time::Duration;

use devenv::{FaultProxy, ProxyFault, Rule, wait_for};
use serde_json::json;
use vpc_flow_operator::api::VpcFlowMonitor;

use testkit::cluster::{Cluster, Operator, is};
use testkit::sandbox::Sandbox;

/// Far more than one healthy monitor takes, and less than the broken ones would hold it up: see there.
const DEADLINE: Duration = Duration::from_secs(150);

async fn wait_ready(cluster: &Cluster, name: &str) -> VpcFlowMonitor {
    wait_for("the monitor to be Ready", DEADLINE, async || {
        let monitor = cluster.monitors.get(name).await?;
        Ok(is(&monitor, "Ready", "True").then_some(monitor))
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn monitors_whose_calls_hang_hold_up_no_healthy_one() {
    let test = "limits::hanging";
    let (sandbox, cluster) = (Sandbox::new(test).await, Cluster::new("limits-hanging").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    // The operator waits 30 s for an answer, twice. Eight such passes, two at once, would take four minutes.
    proxy.add(Rule::of("sns", "Subscribe", ProxyFault::Delay(Duration::from_mins(10))));
    let subscribed = || proxy.calls().into_iter().filter(|call| call.operation == "Subscribe").collect::<Vec<_>>();
    let config = sandbox.config_at(proxy.endpoint());
    let operator = Operator::start_at(&cluster, &config, |options| options.concurrency = 2);
    let mut broken = sandbox.spec();
    broken.notifications.subscriptions =
        serde_json::from_value(json!([{"protocol": "email", "endpoint": "soc@example.com"}])).unwrap();
    for number in 0..8 {
        broken.vpc_id = super::new_vpc(&sandbox).await;
        cluster.create(&format!("broken-{number}"), broken.clone()).await;
    }
    wait_for("all places to be taken", DEADLINE, async || Ok((subscribed().len() >= 2).then_some(()))).await.unwrap();
    cluster.create("healthy", sandbox.spec()).await;
    wait_ready(&cluster, "healthy").await;
    assert!(subscribed().iter().all(|call| call.answered.is_none()), "{:#?}", subscribed());
    operator.kill().await;
}

#[tokio::test]
async fn one_pass_at_a_time() {
    const TAKES: Duration = Duration::from_millis(400);
    let (sandbox, cluster) = (Sandbox::new("limits::one-pass").await, Cluster::new("limits-one-pass").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let operator = Operator::start_at(&cluster, &sandbox.config_at(proxy.endpoint()), |_| ());
    cluster.create("m", sandbox.spec()).await;
    wait_ready(&cluster, "m").await;
    let before = proxy.calls().len();
    // Each look at AWS reads the dashboard once.
    proxy.add(Rule::of("monitoring", "GetDashboard", ProxyFault::Delay(TAKES)));
    let looks = || {
        let calls = proxy.calls().into_iter().skip(before);
        calls.filter(|call| call.operation == "GetDashboard").map(|call| call.at).collect::<Vec<_>>()
    };
    for token in 0..10 {
        let seen = looks().len();
        cluster.reconcile_now("m", &format!("first-{token}")).await;
        // Changes while a pass is under way.
        for change in 0..3 {
            cluster.change("m", json!({"tags": {"change": format!("{token}-{change}")}})).await;
        }
        wait_for("another pass", DEADLINE, async || Ok((looks().len() > seen).then_some(()))).await.unwrap();
    }
    wait_ready(&cluster, "m").await;
    let looks = looks();
    assert!(looks.len() >= 10);
    for pair in looks.windows(2) {
        let apart = pair[1].duration_since(pair[0]);
        assert!(apart >= TAKES, "two looks {apart:?} apart: the second pass began before the first was done");
    }
    operator.stop().await;
}
