//! Waiting for a condition.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::{Instant, sleep};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// Asks `probe` until it has an answer, in growing intervals (10 ms to 250 ms). An error of the probe ends the wait at
/// once; past the `deadline` the error names `what` was waited for.
pub async fn wait_for<T>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(answer) = probe().await? {
            return Ok(answer);
        }
        if start.elapsed() >= deadline {
            bail!("waited {} s in vain for {what}", deadline.as_secs());
        }
        sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST_PAUSE);
    }
}
