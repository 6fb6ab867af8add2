//! Processor time, which leaves out the time of other programs on the machine.

use std::fs;
use std::time::{Duration, Instant};

/// The times of a few repetitions, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Adds a repetition.
    pub fn add(&mut self, seconds: f64) {
        let place = self.0.partition_point(|known| *known < seconds);
        self.0.insert(place, seconds);
    }

    /// Adds repetitions.
    pub fn extend(&mut self, seconds: &[f64]) {
        for seconds in seconds {
            self.add(*seconds);
        }
    }

    /// The shortest.
    pub fn best(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The one in the middle.
    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// Long against the scheduler's tick, by which the kernel counts processor time.
const REPETITION: Duration = Duration::from_millis(400);

/// Seconds of processor time that `work` takes, on average over a repetition.
pub fn seconds_of(mut work: impl FnMut()) -> f64 {
    let (wall, begun) = (Instant::now(), processor_time());
    let mut runs = 0_u32;
    while runs == 0 || wall.elapsed() < REPETITION {
        work();
        runs += 1;
    }
    let spent = match (begun, processor_time()) {
        (Some(begun), Some(ended)) => ended.saturating_sub(begun),
        _ => wall.elapsed(),
    };
    spent.as_secs_f64() / f64::from(runs)
}

/// `None` where the kernel does not report it; the wall clock is used then.
fn processor_time() -> Option<Duration> {
    processor_time_of("thread-self")
}

/// Processor time of the first thread of a process, by its folder in `/proc`.
pub fn processor_time_of(process: &str) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/schedstat")).ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
