use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;

use super::health::Health;
use crate::aws::operations::Operation;
use crate::aws::{AwsGate, CallObserver, RequestOutcome};
use crate::leader::Fence;
use crate::metrics::Metrics;

tokio::task_local! {
    static IN_BACKGROUND: ();
}

/// Runs `work`, whose calls are counted but do not show that passes make progress.
pub async fn in_background<T>(work: impl Future<Output = T>) -> T {
    IN_BACKGROUND.scope((), work).await
}

/// Counts the calls to AWS, and lets only the leader change anything.
#[derive(Clone, Debug)]
struct Observer {
    metrics: Metrics,
    fence: Fence,
    health: Health,
}

impl CallObserver for Observer {
    fn may_write(&self) -> Result<(), BoxError> {
        Ok(self.fence.check()?)
    }

    fn answered(&self, operation: &Operation, outcome: RequestOutcome, took: Option<Duration>) {
        self.metrics.aws_request(operation, outcome, took);
        if IN_BACKGROUND.try_with(|()| ()).is_err() {
            self.health.progress();
        }
    }
}

/// The gate of the operator's own calls.
#[must_use]
pub fn aws_gate(metrics: Metrics, fence: Fence, health: Health) -> AwsGate {
    let limit_metrics = metrics.limits().clone();
    AwsGate::new(Arc::new(Observer { metrics, fence, health }), limit_metrics)
}
