//! Limits the number of monitors that are worked on at once, so that broken ones never delay healthy ones.
//!
//! Most of a pass is waiting for AWS, and a pass over a broken monitor may wait long. So there are two lanes. Monitors whose latest pass
//! failed work in the side lane. A pass in the main lane that takes long goes on in the side lane as soon as that has room, and leaves the
//! main lane. The load on AWS is not bounded here, but by [`limits`](crate::aws::limits).

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Time that a pass may take in the main lane: longer than a pass at rest takes, and not much longer than AWS needs to build a monitor.
const LONG: Duration = Duration::from_secs(10);

/// The side lane is as many times as wide: those in it mostly wait.
const SIDE_WIDTH: usize = 8;

/// The lanes.
#[derive(Debug)]
pub struct Concurrency {
    main: Semaphore,
    side: Semaphore,
    long: Duration,
}

impl Concurrency {
    /// Lanes for `concurrency` healthy monitors at once.
    pub fn new(concurrency: u16) -> Self {
        let width = usize::from(concurrency.max(1));
        Self { main: Semaphore::new(width), side: Semaphore::new(width * SIDE_WIDTH), long: LONG }
    }

    /// Runs a pass when there is room for it. `failing`: the latest pass over the monitor failed.
    pub async fn run<T>(&self, failing: bool, pass: impl Future<Output = T>) -> T {
        if failing {
            let _permit = self.side.acquire().await;
            return pass.await;
        }
        let permit = self.main.acquire().await;
        let mut pass = pin!(pass);
        if let Ok(done) = timeout(self.long, &mut pass).await {
            return done;
        }
        tokio::select! {
            biased;
            done = &mut pass => done,
            _permit = self.side.acquire() => {
                drop(permit);
                pass.await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::FutureExt;
    use futures::future::select_all;

    use super::*;

    fn lanes(long: Duration) -> Concurrency {
        Concurrency { long, ..Concurrency::new(2) }
    }

    /// Runs a healthy pass beside others that never end.
    async fn healthy_beside(lanes: &Concurrency, hanging: usize, failing: bool) -> bool {
        let hang = (0..hanging).map(|_| lanes.run(failing, pending::<()>()).boxed());
        let healthy = async {
            tokio::task::yield_now().await;
            lanes.run(false, async {}).await;
        };
        tokio::select! {
            _ = select_all(hang) => false,
            () = healthy => true,
            () = tokio::time::sleep(Duration::from_millis(300)) => false,
        }
    }

    #[tokio::test]
    async fn failing_monitors_never_hold_up_a_healthy_one() {
        assert!(healthy_beside(&lanes(Duration::from_hours(1)), 100, true).await);
    }

    #[tokio::test]
    async fn nor_do_passes_that_take_long() {
        assert!(healthy_beside(&lanes(Duration::from_millis(1)), 15, false).await);
        // The test can fail: they do while they do not count as long.
        assert!(!healthy_beside(&lanes(Duration::from_hours(1)), 2, false).await);
    }

    #[tokio::test]
    async fn not_all_run_at_once() {
        let lanes = lanes(Duration::from_millis(1));
        // Two in the main lane, sixteen in the side lane: the rest waits.
        assert!(!healthy_beside(&lanes, 18, false).await);
    }
}
