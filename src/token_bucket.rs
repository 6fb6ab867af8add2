//! A token bucket: arithmetic, with the time as an argument.

use std::time::{Duration, Instant};

/// Factor for the rate after a refusal, as TCP halves its window.
const DECREASE: f64 = 0.5;
/// Smallest rate, as a part of the full rate. It is above zero, so the rate can recover.
const FLOOR: f64 = 1.0 / 16.0;
/// Longest time until the full rate is regained. The rate rises evenly.
const RECOVERY_SECONDS: f64 = 60.0;
/// Refusals within this time concern the same burst and count once.
const TOGETHER: Duration = Duration::from_secs(1);
/// Tolerance for rounding errors, in tokens.
const GRAIN: f64 = 1e-9;

/// Tokens that come at a rate; the rate falls when AWS refuses and recovers by itself.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    full_rate: f64,
    burst: f64,
    rate: f64,
    tokens: f64,
    at: Instant,
    slowed_at: Option<Instant>,
}

impl TokenBucket {
    /// A full bucket of `burst` tokens, at least one, which gains `rate` a second.
    pub const fn new(rate: f64, burst: f64, now: Instant) -> Self {
        Self { full_rate: rate, burst, rate, tokens: burst, at: now, slowed_at: None }
    }

    /// Takes a token, or returns the time until there is one.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.advance(now);
        if self.tokens + GRAIN >= 1.0 {
            self.tokens = (self.tokens - 1.0).max(0.0);
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.tokens) / self.rate))
    }

    /// AWS has refused a call because of the rate.
    pub fn throttled(&mut self, now: Instant) {
        self.advance(now);
        if self.slowed_at.is_some_and(|slowed| now.saturating_duration_since(slowed) < TOGETHER) {
            return;
        }
        self.slowed_at = Some(now);
        self.rate = (self.rate * DECREASE).max(self.full_rate * FLOOR);
        self.tokens = 0.0;
    }

    fn advance(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        let slope = self.full_rate / RECOVERY_SECONDS;
        let climbing = seconds.min((self.full_rate - self.rate) / slope);
        let rate = (self.rate + slope * climbing).min(self.full_rate);
        let gained = f64::midpoint(self.rate, rate) * climbing + self.full_rate * (seconds - climbing);
        self.rate = rate;
        self.tokens = (self.tokens + gained).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// Number of tokens that a bucket gives to a caller that asks without pause for `length` seconds.
    fn given(bucket: &mut TokenBucket, from: Instant, length: f64) -> u32 {
        let (mut now, mut count) = (from, 0);
        while now <= from + seconds(length) {
            match bucket.take(now) {
                Ok(()) => count += 1,
                Err(wait) => now += wait.max(Duration::from_millis(1)),
            }
        }
        count
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(4.0, 3.0, start);
        assert_eq!(given(&mut bucket, start, 0.0), 3);
        assert_eq!(given(&mut bucket, start, 10.0), 40);
    }

    #[test]
    fn a_refusal_halves_the_rate_and_it_recovers_by_itself() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(10.0, 1.0, start);
        bucket.throttled(start);
        assert!((bucket.rate - 5.0).abs() < 1e-6);
        // Those that were under way at the same time do not count again.
        bucket.throttled(start + seconds(0.9));
        assert!(bucket.rate > 5.0);
        let slow = given(&mut bucket, start + seconds(0.9), 5.0);
        assert!((25..35).contains(&slow), "{slow}");
        assert_eq!(given(&mut bucket, start + seconds(60.0), 10.0), 101, "fully recovered");
    }

    #[test]
    fn refusals_without_end_leave_a_way_back() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(16.0, 1.0, start);
        for second in 0..100 {
            bucket.throttled(start + seconds(f64::from(second)));
        }
        assert!(bucket.rate >= 1.0);
        assert!(bucket.take(start + seconds(101.0)).is_ok());
    }

    #[derive(Clone, Debug)]
    enum Event {
        Ask,
        Throttle,
    }

    proptest! {
        #[test]
        fn never_more_than_the_burst_and_the_rate_in_any_window(
            rate in 0.5_f64..50.0,
            burst in 1.0_f64..20.0,
            events in prop::collection::vec((0_u64..400, prop_oneof![9 => Just(Event::Ask), 1 => Just(Event::Throttle)]), 1..300),
        ) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(rate, burst, start);
            let (mut now, mut taken) = (start, Vec::new());
            for (pause, event) in events {
                now += Duration::from_millis(pause);
                match event {
                    Event::Throttle => bucket.throttled(now),
                    Event::Ask => if bucket.take(now).is_ok() { taken.push(now) },
                }
            }
            for (first, from) in taken.iter().enumerate() {
                for (count, until) in taken[first..].iter().enumerate() {
                    let allowed = burst + rate * until.duration_since(*from).as_secs_f64();
                    let count = u32::try_from(count + 1).unwrap();
                    prop_assert!(f64::from(count) <= allowed + 1e-6, "{count} in {:?}", until.duration_since(*from));
                }
            }
        }

        #[test]
        fn whatever_happened_a_minute_later_it_is_as_new(
            throttles in prop::collection::vec(0_u64..5_000, 0..50),
        ) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(8.0, 2.0, start);
            let mut now = start;
            for pause in throttles {
                now += Duration::from_millis(pause);
                bucket.throttled(now);
            }
            now += seconds(RECOVERY_SECONDS);
            prop_assert_eq!(given(&mut bucket, now, 0.0), 2);
            prop_assert!((bucket.rate - 8.0).abs() < 1e-6);
        }

        #[test]
        fn who_waits_as_told_gets_a_token(
            rate in 0.5_f64..50.0,
            throttled in any::<bool>(),
        ) {
            let start = Instant::now();
            let mut bucket = TokenBucket::new(rate, 1.0, start);
            prop_assert!(bucket.take(start).is_ok());
            if throttled {
                bucket.throttled(start);
            }
            let wait = bucket.take(start).unwrap_err();
            prop_assert!(bucket.take(start + wait + Duration::from_millis(1)).is_ok());
        }
    }
}
