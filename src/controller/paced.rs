//! Passes over fleets and overviews, which change with each report of their monitors.

use std::time::{Duration, Instant};

use kube::runtime::controller::Action as Requeue;
use tracing::warn;

use super::context::Context;
use super::pass_end::Error;
use super::retry::jittered;

/// The shortest time between the end of a pass and the next one.
pub const PACE: Duration = Duration::from_secs(1);

/// The time that each monitor adds to that: a pass lists all of them.
const PER_MONITOR: Duration = Duration::from_millis(20);

/// The longest pace.
const LONGEST: Duration = Duration::from_secs(10);

/// The former pass over an object.
#[derive(Clone, Copy, Debug)]
pub struct FormerPass {
    /// Its end.
    ended_at: Instant,
    /// The monitors that it has listed.
    monitors: usize,
}

impl FormerPass {
    /// A pass over so many monitors that ends now.
    pub fn ends(monitors: usize) -> Self {
        Self { ended_at: Instant::now(), monitors }
    }

    /// The time until the next one may begin.
    fn rest(self) -> Duration {
        pace(self.monitors).saturating_sub(self.ended_at.elapsed())
    }
}

fn pace(monitors: usize) -> Duration {
    let for_all = PER_MONITOR.saturating_mul(u32::try_from(monitors).unwrap_or(u32::MAX));
    (PACE + for_all).min(LONGEST)
}

/// Runs a pass no sooner than the pace allows after the former one, and returns the time of the next one. The pass answers with the time until
/// then; `None` if only a change leads to one.
pub async fn paced(
    context: &Context,
    uid: &str,
    former: Option<FormerPass>,
    pass: impl Future<Output = Result<Option<Duration>, Error>>,
) -> Requeue {
    if let Some(former) = former {
        tokio::time::sleep(former.rest()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_monitors_are_listed_less_often() {
        for (monitors, milliseconds) in [(0, 1_000), (1, 1_020), (200, 5_000), (1_000, 10_000), (usize::MAX, 10_000)] {
            assert_eq!(pace(monitors), Duration::from_millis(milliseconds), "{monitors}");
        }
    }
}
