//! The queue before a bucket: the waiting calls and their order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::priority::Priority;
use crate::token_bucket::TokenBucket;

/// A ticket in the queue. The smallest is served first: the oldest, except that routine calls let urgent ones go first for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ticket {
    due: Instant,
    number: u64,
}

impl Ticket {
    fn new(now: Instant, priority: Priority, number: u64) -> Self {
        Self { due: now + priority.head_start(), number }
    }
}

#[derive(Debug)]
struct State {
    bucket: TokenBucket,
    waiting: BTreeMap<Ticket, Arc<Notify>>,
    next_number: u64,
}

/// A bucket, and the calls that wait for its tokens.
#[derive(Debug)]
pub struct Queue(Mutex<State>);

impl Queue {
    pub const fn new(bucket: TokenBucket) -> Self {
        Self(Mutex::new(State { bucket, waiting: BTreeMap::new(), next_number: 0 }))
    }

    /// Waits for a token, and returns the time that this took. A caller that stops waiting does not delay the others.
    pub async fn turn(&self, priority: Priority) -> Duration {
        let start = Instant::now();
        let waiter = Waiter::join(self, priority, start);
        loop {
            match waiter.ask(Instant::now()) {
                Answer::Go => return start.elapsed(),
                Answer::After(wait) => tokio::time::sleep(wait).await,
                Answer::NotFirst => waiter.first.notified().await,
            }
        }
    }

    /// AWS has refused a call.
    pub fn throttled(&self, now: Instant) {
        self.state().bucket.throttled(now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // At worst, a panic elsewhere leaves a ticket without an owner in the queue; see `Waiter::drop`.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Answer {
    Go,
    After(Duration),
    NotFirst,
}

/// A waiting call; leaves the queue when dropped, served or not.
struct Waiter<'a> {
    queue: &'a Queue,
    ticket: Ticket,
    first: Arc<Notify>,
}

impl<'a> Waiter<'a> {
    fn join(queue: &'a Queue, priority: Priority, now: Instant) -> Self {
        let mut state = queue.state();
        let ticket = Ticket::new(now, priority, state.next_number);
        state.next_number += 1;
        let first = Arc::new(Notify::new());
        state.waiting.insert(ticket, Arc::clone(&first));
        drop(state);
        Self { queue, ticket, first }
    }

    fn ask(&self, now: Instant) -> Answer {
        let mut state = self.queue.state();
        if state.waiting.first_key_value().is_some_and(|(ticket, _)| *ticket != self.ticket) {
            return Answer::NotFirst;
        }
        match state.bucket.take(now) {
            Ok(()) => Answer::Go,
            Err(wait) => Answer::After(wait),
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.state();
        state.waiting.remove(&self.ticket);
        if let Some((_, next)) = state.waiting.first_key_value() {
            next.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use proptest::prelude::*;

    use super::*;

    const RATE: u32 = 4;

    /// Serves a queue of calls (time of arrival in milliseconds, and priority) by the rules above, and returns the wait of each.
    fn served(calls: &[(u64, Priority)]) -> Vec<Duration> {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(f64::from(RATE), 1.0, start);
        let mut arrivals: Vec<_> = calls
            .iter()
            .enumerate()
            .map(|(number, (at, priority))| (start + Duration::from_millis(*at), *priority, number))
            .collect();
        arrivals.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        let (mut now, mut waiting, mut served) = (start, BTreeMap::new(), vec![Duration::ZERO; calls.len()]);
        while !arrivals.is_empty() || !waiting.is_empty() {
            while let Some((at, priority, number)) = arrivals.pop_if(|(at, ..)| *at <= now) {
                waiting.insert(Ticket::new(at, priority, number as u64), (at, number));
            }
            let Some(first) = waiting.first_entry() else {
                now += Duration::from_millis(1);
                continue;
            };
            let Err(wait) = bucket.take(now) else {
                let (at, number) = first.remove();
                served[number] = now.duration_since(at);
                continue;
            };
            now += wait.clamp(Duration::from_micros(1), Duration::from_millis(5));
        }
        served
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn urgent_calls_wait_for_urgent_ones_alone_unless_a_routine_call_has_waited_long(
            calls in prop::collection::vec((0_u64..2_000, prop_oneof![Just(Priority::Urgent), Just(Priority::Routine)]), 1..60),
        ) {
            let waits = served(&calls);
            let urgent = calls.iter().filter(|(_, priority)| *priority == Priority::Urgent).count();
            for (index, (_, priority)) in calls.iter().enumerate() {
                if *priority == Priority::Urgent {
                    let longest = Duration::from_secs(1) * u32::try_from(urgent + 1).unwrap() / RATE;
                    prop_assert!(waits[index] <= longest + Duration::from_millis(50), "{:?} of {urgent}", waits[index]);
                }
            }
        }

        #[test]
        fn a_routine_call_is_served_though_urgent_ones_never_end(at in 0_u64..5_000) {
            // For two minutes, five a second where four are served.
            let mut calls: Vec<_> = (0..600).map(|number| (number * 200, Priority::Urgent)).collect();
            calls.push((at, Priority::Routine));
            let waited = served(&calls)[600];
            let head_start = Priority::Routine.head_start();
            prop_assert!(waited >= head_start, "{waited:?}: it lets them go first");
            // Those that came while it waited still go first, and no later one.
            prop_assert!(waited <= head_start * 5 / 4 + Duration::from_secs(3), "{waited:?}");
        }
    }

    fn queue(rate: f64) -> Arc<Queue> {
        Arc::new(Queue::new(TokenBucket::new(rate, 1.0, Instant::now())))
    }

    #[tokio::test]
    async fn all_are_served_and_none_too_soon() {
        let queue = queue(200.0);
        let start = Instant::now();
        join_all((0..50).map(|_| queue.turn(Priority::Routine))).await;
        // 49 of them wait for a token of their own, which comes every 5 ms.
        assert!(start.elapsed() >= Duration::from_millis(49 * 5 - 1), "{:?}", start.elapsed());
        assert!(queue.state().waiting.is_empty());
    }

    #[tokio::test]
    async fn an_urgent_call_overtakes() {
        let queue = queue(100.0);
        queue.turn(Priority::Urgent).await;
        let order = Mutex::new(Vec::new());
        let call = async |name: &'static str, priority| {
            queue.turn(priority).await;
            order.lock().unwrap().push(name);
        };
        tokio::join!(
            call("first read", Priority::Routine),
            call("second read", Priority::Routine),
            call("write", Priority::Urgent),
        );
        assert_eq!(*order.lock().unwrap(), ["write", "first read", "second read"]);
    }

    #[tokio::test]
    async fn who_gives_up_holds_up_nobody() {
        let queue = queue(50.0);
        queue.turn(Priority::Urgent).await;
        let given_up = Box::pin(queue.turn(Priority::Urgent));
        let second = Box::pin(queue.turn(Priority::Urgent));
        let futures::future::Either::Left((_, second)) =
            futures::future::select(Box::pin(tokio::time::timeout(Duration::from_millis(1), given_up)), second).await
        else {
            panic!("the first in queue was to give up");
        };
        second.await;
        assert!(queue.state().waiting.is_empty());
    }
}
