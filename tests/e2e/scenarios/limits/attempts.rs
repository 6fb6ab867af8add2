//! The attempts of a failing call in one pass: the SDK's retries and ours do not multiply.

use std::sync::Arc;

use devenv::{FaultProxy, ProxyFault, Rule};
use vpc_flow_operator::api::Component;
use vpc_flow_operator::aws::{Aws, ClientPool};
use vpc_flow_operator::controller::{self, Health};
use vpc_flow_operator::engine::Direction;
use vpc_flow_operator::leader::Fence;
use vpc_flow_operator::metrics::Metrics;

use testkit::sandbox::{PACE, Sandbox, pass};

struct Proxied {
    sandbox: Sandbox,
    proxy: FaultProxy,
    aws: Arc<Aws>,
    metrics: Metrics,
}

impl Proxied {
    async fn new(test: &str) -> Self {
        let sandbox = Sandbox::new(test).await;
        let proxy = FaultProxy::start(sandbox.emulator.endpoint()).await.unwrap();
        let metrics = Metrics::default();
        let pool = ClientPool::with_pace(
            &sandbox.config_at(proxy.endpoint()),
            controller::aws_gate(metrics.clone(), Fence::always_open(), Health::default()),
            PACE,
        );
        let aws = pool.get(None, None).await.unwrap();
        Self { sandbox, proxy, aws, metrics }
    }

    /// The number of times that the operation is sent in a pass in which it always fails.
    async fn sent(&self, components: &[Component], service: &str, operation: &str, fault: ProxyFault) -> usize {
        let before = self.proxy.calls().len();
        self.proxy.add(Rule::of(service, operation, fault));
        let monitor = self.sandbox.monitor(self.sandbox.spec());
        pass(&self.aws, &monitor, components, Direction::Build).await;
        self.proxy.clear();
        self.proxy.calls()[before..]
            .iter()
            .filter(|call| call.service == service && call.operation == operation)
            .count()
    }
}

#[tokio::test]
async fn a_read_that_fails_is_sent_twice_at_most() {
    let proxied = Proxied::new("limits::reads").await;
    for (fault, sent) in [
        (ProxyFault::Throttle, 2),
        (ProxyFault::ServerError, 2),
        (ProxyFault::Close, 2),
        (ProxyFault::AccessDenied, 1),
        (ProxyFault::error("ValidationError", "no"), 1),
    ] {
        let reported = format!("{fault:?}");
        assert_eq!(proxied.sent(&[Component::Alarms], "monitoring", "DescribeAlarms", fault).await, sent, "{reported}");
    }
    let metrics = proxied.metrics.render().unwrap();
    let throttles = "aws_throttles_total{service=\"CloudWatch\",operation=\"DescribeAlarms\"} 2";
    assert!(metrics.contains(throttles), "{metrics}");
}

#[tokio::test]
async fn a_change_that_fails_is_sent_twice_at_most_and_what_aws_has_not_caught_up_with_four_times() {
    let proxied = Proxied::new("limits::changes").await;
    let storage = [Component::Bucket];
    for (fault, sent) in [(ProxyFault::Throttle, 2), (ProxyFault::ServerError, 2), (ProxyFault::AccessDenied, 1)] {
        let reported = format!("{fault:?}");
        assert_eq!(proxied.sent(&storage, "s3", "CreateBucket", fault).await, sent, "{reported}");
    }
    let not_yet = ProxyFault::error("OperationAborted", "A conflicting conditional operation is currently in progress");
    assert_eq!(proxied.sent(&storage, "s3", "CreateBucket", not_yet).await, 4);
}

#[tokio::test]
async fn a_full_log_group_is_no_throttling() {
    let proxied = Proxied::new("limits::full").await;
    let full = ProxyFault::error("LimitExceededException", "Resource limit exceeded.");
    proxied.sent(&[Component::LogGroup], "logs", "CreateLogGroup", full).await;
    assert!(!proxied.metrics.render().unwrap().contains("aws_throttles_total{"));
    proxied.sent(&[Component::LogGroup], "logs", "CreateLogGroup", ProxyFault::Throttle).await;
    assert!(proxied.metrics.render().unwrap().contains("aws_throttles_total{"));
}
