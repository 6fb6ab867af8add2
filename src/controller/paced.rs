//! Passes over fleets and overviews, which change with each report of their monitors.

use std::time::{Duration, Instant};

use kube::runtime::controller::Action as Requeue;
use tracing::warn;

use super::context::Context;
use super::pass_end::Error;
use super::retry::jittered;

/// Runs a pass no sooner than `pace` after the end of the former one, and returns the time of the next one. The pass answers with the time until
/// then; `None` if only a change leads to one.
pub async fn paced(
    context: &Context,
    uid: &str,
    former_end: Option<Instant>,
    pace: Duration,
    pass: impl Future<Output = Result<Option<Duration>, Error>>,
) -> Requeue {
    if let Some(ended_at) = former_end {
        tokio::time::sleep(pace.saturating_sub(ended_at.elapsed())).await;
    }
    if context.stopping.is_cancelled() {
        return Requeue::await_change();
    }
    context.health.pass_begins(uid);
    let wait = pass.await.unwrap_or_else(|error| {
        warn!(%error, "reconcile failed");
        let options = &context.options;
        Some(context.with_memory(uid, |memory| memory.back_off(false, options.resync, options.backoff)))
    });
    context.health.pass_ends(uid, wait);
    wait.map_or_else(Requeue::await_change, |wait| Requeue::requeue(jittered(wait)))
}
