//! Metrics of the limits.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::aws::operations::Operation;

/// Refusals because of the rate, and the waits that prevent them.
#[derive(Clone, Debug)]
pub struct LimitMetrics {
    throttles: Family<OperationLabels, Counter>,
    waits: Family<GroupLabels, Histogram, fn() -> Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    service: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GroupLabels {
    group: &'static str,
}

/// From 10 ms to about three minutes.
fn waits() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 4.0, 8))
}

impl Default for LimitMetrics {
    /// Metrics that no registry publishes.
    fn default() -> Self {
        Self::register(&mut Registry::default())
    }
}

impl LimitMetrics {
    /// Adds them to a registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { throttles: Family::default(), waits: Family::new_with_constructor(waits) };
        registry.register(
            "aws_throttles",
            "Requests that AWS refused because of their rate",
            metrics.throttles.clone(),
        );
        let help = "Time that requests waited for their turn";
        registry.register_with_unit("aws_wait", help, Unit::Seconds, metrics.waits.clone());
        metrics
    }

    /// Counts a refusal.
    pub fn throttled(&self, operation: &Operation) {
        let labels = OperationLabels { service: operation.service.id(), operation: operation.name };
        self.throttles.get_or_create(&labels).inc();
    }

    /// Records the wait of a request.
    pub fn waited(&self, operation: &Operation, wait: Duration) {
        self.waits.get_or_create(&GroupLabels { group: operation.quota.group }).observe(wait.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;
    use crate::aws::operations as ops;

    #[test]
    fn refusals_and_waits_are_reported() {
        let mut registry = Registry::with_prefix("vpc_flow_operator");
        let metrics = LimitMetrics::register(&mut registry);
        metrics.throttled(ops::DESCRIBE_ALARMS);
        metrics.waited(ops::PUT_METRIC_FILTER, Duration::from_millis(500));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "vpc_flow_operator_aws_throttles_total{service=\"CloudWatch\",operation=\"DescribeAlarms\"} 1",
            "vpc_flow_operator_aws_wait_seconds_count{group=\"logs\"} 1",
            "vpc_flow_operator_aws_wait_seconds_sum{group=\"logs\"} 0.5",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
