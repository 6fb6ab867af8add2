//! What the operator counts, in Prometheus' terms.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::aws::limits::LimitMetrics;
use crate::aws::operations::Operation;

/// Counters, shared by all that count.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    aws_requests: Family<AwsRequestLabels, Counter>,
    limits: LimitMetrics,
    reconciles: Family<ReconcileLabels, Counter>,
    changes: Family<ChangeLabels, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AwsRequestLabels {
    service: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    action: &'static str,
    kind: &'static str,
}

const fn outcome(succeeded: bool) -> &'static str {
    if succeeded { "success" } else { "error" }
}

impl Default for Metrics {
    fn default() -> Self {
        let (aws_requests, reconciles, changes) = (Family::default(), Family::default(), Family::default());
        let mut registry = Registry::with_prefix("vpc_flow_operator");
        registry.register("aws_requests", "Requests to AWS", Family::clone(&aws_requests));
        registry.register("reconcile", "Passes over a monitor", Family::clone(&reconciles));
        registry.register("changes", "Changes made in AWS", Family::clone(&changes));
        let limits = LimitMetrics::register(&mut registry);
        Self { registry: Arc::new(registry), aws_requests, limits, reconciles, changes }
    }
}

impl Metrics {
    /// What the limits towards AWS count.
    #[must_use]
    pub const fn limits(&self) -> &LimitMetrics {
        &self.limits
    }

    /// Counts a request to AWS.
    pub fn aws_request(&self, operation: &Operation, succeeded: bool) {
        self.aws_requests
            .get_or_create(&AwsRequestLabels {
                service: operation.service.id(),
                operation: operation.name,
                outcome: outcome(succeeded),
            })
            .inc();
    }

    /// Counts a pass over a monitor.
    pub fn reconcile(&self, succeeded: bool) {
        self.reconciles.get_or_create(&ReconcileLabels { outcome: outcome(succeeded) }).inc();
    }

    /// Counts a change made in AWS.
    pub fn change(&self, change: &crate::engine::Change) {
        self.changes.get_or_create(&ChangeLabels { action: change.action.past(), kind: change.kind.noun() }).inc();
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
