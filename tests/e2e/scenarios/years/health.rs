//! `/healthz` fails when a new start would help, and only then.

use std::time::Duration;

use aws_config::SdkConfig;
use devenv::{FaultProxy, Gate, ProxyFault, Rule, wait_for};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use vpc_flow_operator::aws::ClientPool;
use vpc_flow_operator::controller::{self, Context, Health, Stuck};
use vpc_flow_operator::leader::Fence;
use vpc_flow_operator::metrics::Metrics;

use super::own::config_of;
use crate::link::Link;
use crate::process::DEADLINE;
use testkit::cluster::{Cluster, options};
use testkit::rights;
use testkit::sandbox::{PACE, Sandbox};

/// Much shorter than any real one, and longer than any call that is answered.
const STUCK_AFTER: Duration = Duration::from_secs(8);

struct Watched {
    health: Health,
    metrics: Metrics,
    _stop: oneshot::Sender<()>,
    _task: JoinHandle<()>,
}

/// An operator whose health is looked at.
async fn start(cluster: &Cluster, config: &SdkConfig, link: &Link) -> Watched {
    let (health, metrics) = (Health::stuck_after(STUCK_AFTER), Metrics::default());
    let token = rights::token(&cluster.client, &cluster.namespace).await;
    let kubeconfig = rights::kubeconfig(&link.kubeconfig, &token, &format!("{}-operator", cluster.namespace));
    let kubernetes = config_of(&kubeconfig).await;
    let clients = controller::clients(&kubernetes, Fence::always_open(), health.clone()).unwrap();
    let gate = controller::aws_gate(metrics.clone(), Fence::always_open(), health.clone());
    let pool = ClientPool::with_pace(config, gate, PACE);
    let context = Context::new(clients.work, pool, metrics.clone(), options(cluster));
    let context = context.watching(clients.watch, health.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let (known, _) = watch::channel(false);
    let task = tokio::spawn(async move {
        controller::run(context, known, async move { _ = stopped.await }).await;
    });
    Watched { health, metrics, _stop: stop, _task: task }
}

#[tokio::test]
async fn a_pass_that_stands_still_is_not_healthy() {
    let (sandbox, cluster) = (Sandbox::new("health::still").await, Cluster::new("health-still").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let gate = Gate::new();
    proxy.add(Rule::of("ec2", "CreateFlowLogs", ProxyFault::HoldBefore(gate.clone())));
    let link = Link::start("health-still").await;
    let operator = start(&cluster, &sandbox.config_at(proxy.endpoint()), &link).await;
    cluster.create("m", sandbox.spec()).await;
    gate.arrived(DEADLINE).await.unwrap();
    let stuck = wait_for("the operator to be stuck", DEADLINE, async || Ok(operator.health.check().err())).await;
    assert!(matches!(stuck.unwrap(), Stuck::Passes(_)));
    gate.open();
    cluster.wait_ready("m").await;
    assert_eq!(operator.health.check(), Ok(()));
}

#[tokio::test]
async fn neither_aws_nor_kubernetes_out_of_reach_is_cured_by_a_new_start() {
    let (sandbox, cluster) = (Sandbox::new("health::reach").await, Cluster::new("health-reach").await);
    let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
    let link = Link::start("health-reach").await;
    let operator = start(&cluster, &sandbox.config_at(proxy.endpoint()), &link).await;
    cluster.create("m", sandbox.spec()).await;
    cluster.wait_ready("m").await;
    // Longer than `STUCK_AFTER`, whatever the machine's speed: the passes are counted.
    let begun = std::time::Instant::now();
    let failing = async |count: f64| {
        wait_for("passes that fail", DEADLINE, async || {
            assert_eq!(operator.health.check(), Ok(()), "after {:?}", begun.elapsed());
            let text = operator.metrics.render().unwrap();
            let errors = text.lines().find_map(|line| line.strip_prefix("vpc_flow_operator_reconcile_errors_total "));
            let failed = errors.and_then(|errors| errors.parse().ok()).unwrap_or(0.0);
            Ok((failed >= count && begun.elapsed() > STUCK_AFTER * 2).then_some(()))
        })
        .await
        .unwrap();
    };
    proxy.add(Rule::all(ProxyFault::Close));
    cluster.change("m", serde_json::json!({"cloudWatchLogs": {"retentionDays": 7}})).await;
    failing(3.0).await;
    link.cut();
    failing(4.0).await;
    link.mend();
    proxy.clear();
    cluster.wait_ready("m").await;
}
