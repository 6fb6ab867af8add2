//! Limits the number of monitors that are worked on at once, so that broken and new ones never delay healthy ones.
//!
//! Most of a pass is waiting for AWS: a pass over a new monitor waits for its turn at AWS's quotas, and a pass over a broken one may wait long. So
//! there are lanes. A pass that takes long goes on in the side lane as soon as that has room, and leaves its own. The load on AWS is not
//! bounded here, but by [`limits`](crate::aws::limits).

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Time that a pass may take in its lane: longer than a pass at rest takes, and not much longer than AWS needs to build a monitor.
const LONG: Duration = Duration::from_secs(10);

/// The other lanes are as many times as wide as the main lane: the passes in them mostly wait.
const OTHERS_WIDTH: usize = 8;

/// The lane of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// For monitors that have been as declared.
    Main,
    /// For monitors that have not been as declared since the operator started: most of them are new.
    Building,
    /// For monitors whose latest pass failed.
    Side,
}

/// The lanes.
#[derive(Debug)]
pub struct Concurrency {
    main: Semaphore,
    building: Semaphore,
    side: Semaphore,
    long: Duration,
}

impl Concurrency {
    /// Lanes for `concurrency` healthy monitors at once.
    pub fn new(concurrency: u16) -> Self {
        let width = usize::from(concurrency.max(1));
        let other = || Semaphore::new(width * OTHERS_WIDTH);
        Self { main: Semaphore::new(width), building: other(), side: other(), long: LONG }
    }

    /// Runs a pass when its lane has room for it.
    pub async fn run<T>(&self, lane: Lane, pass: impl Future<Output = T>) -> T {
        let lane = match lane {
            Lane::Main => &self.main,
            Lane::Building => &self.building,
            Lane::Side => {
                let _permit = self.side.acquire().await;
                return pass.await;
            }
        };
        let permit = lane.acquire().await;
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
    async fn healthy_beside(lanes: &Concurrency, hanging: usize, lane: Lane) -> bool {
        let hang = (0..hanging).map(|_| lanes.run(lane, pending::<()>()).boxed());
        let healthy = async {
            tokio::task::yield_now().await;
            lanes.run(Lane::Main, async {}).await;
        };
        tokio::select! {
            _ = select_all(hang) => false,
            () = healthy => true,
            () = tokio::time::sleep(Duration::from_millis(300)) => false,
        }
    }

    #[tokio::test]
    async fn failing_monitors_never_hold_up_a_healthy_one() {
        assert!(healthy_beside(&lanes(Duration::from_hours(1)), 100, Lane::Side).await);
    }

    #[tokio::test]
    async fn new_monitors_never_hold_up_a_healthy_one() {
        assert!(healthy_beside(&lanes(Duration::from_hours(1)), 100, Lane::Building).await);
    }

    #[tokio::test]
    async fn nor_do_passes_that_take_long() {
        assert!(healthy_beside(&lanes(Duration::from_millis(1)), 15, Lane::Main).await);
        // The test can fail: they do while they do not count as long.
        assert!(!healthy_beside(&lanes(Duration::from_hours(1)), 2, Lane::Main).await);
    }

    #[tokio::test]
    async fn not_all_run_at_once() {
        let lanes = lanes(Duration::from_millis(1));
        // Two in the main lane, sixteen in the side lane: the rest waits.
        assert!(!healthy_beside(&lanes, 18, Lane::Main).await);
    }
}
