//! Sends events. The message of SNS is the contract: whatever happens here, the invocation goes on.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::bus::EventBus;
use super::{FindingEvent, Sent};

/// The most events of a call, by `PutEvents`.
const MOST_ENTRIES: usize = 10;

/// A call has fewer bytes. AWS has raised the limit; this one holds in every region.
const LIMIT_BYTES: usize = 256 * 1024;

/// Times that an event is put, if AWS says that it may be taken later.
const ATTEMPTS: u32 = 3;

/// The longest wait in milliseconds before the second attempt; it doubles for each further one.
const MOST_WAIT: u64 = 200;

/// The codes of events that may be taken later: "Retryable errors" of `PutEventsResultEntry` in the `EventBridge` API reference, and the code
/// that the user guide shows.
const PASSING: [&str; 3] = ["InternalFailure", "InternalException", "ThrottlingException"];

/// The result of a call and its repetitions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Put {
    taken: usize,
    failed: usize,
    /// The reason of the first that failed.
    reason: Option<String>,
}

/// Sends the events within the time of `patience`. `above`: findings that have none. Events that are given up are counted, and logged
/// once.
pub async fn send(bus: &impl EventBus, events: &[FindingEvent], above: u64, patience: Duration) -> Sent {
    let end = Instant::now() + patience;
    let (mut sent, mut first_reason) = (Sent { taken: 0, failed: above }, None);
    for call in calls(events) {
        let Put { taken, failed, reason } = put(bus, call, end).await;
        sent.taken += number(taken);
        sent.failed += number(failed);
        first_reason = first_reason.or(reason);
    }
    if sent.failed > 0 {
        let reason = first_reason.unwrap_or_else(|| "the message has more findings than get events".to_owned());
        tracing::warn!(failed = sent.failed, taken = sent.taken, reason, "events were not sent");
    }
    sent
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// The events of each call.
fn calls(events: &[FindingEvent]) -> Vec<Vec<&FindingEvent>> {
    let (mut calls, mut bytes): (Vec<Vec<&FindingEvent>>, usize) = (Vec::new(), 0);
    for event in events {
        let more = event.bytes();
        match calls.last_mut() {
            Some(call) if call.len() < MOST_ENTRIES && bytes + more < LIMIT_BYTES => {
                bytes += more;
                call.push(event);
            }
            _ => {
                bytes = more;
                calls.push(vec![event]);
            }
        }
    }
    calls
}

/// Puts the events of a call, and again those that may be taken later.
async fn put(bus: &impl EventBus, events: Vec<&FindingEvent>, end: Instant) -> Put {
    let (mut result, mut left) = (Put::default(), events);
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            bus.wait(wait_before(attempt)).await;
        }
        let refusals = match put_once(bus, &left, end).await {
            Ok(refusals) => refusals,
            Err(reason) => {
                result.reason = result.reason.or(Some(reason));
                break;
            }
        };
        let mut again = Vec::new();
        for (event, refusal) in left.into_iter().zip(refusals) {
            match refusal {
                None => result.taken += 1,
                Some(code) => {
                    if PASSING.contains(&code.as_str()) {
                        again.push(event);
                    } else {
                        result.failed += 1;
                    }
                    result.reason = result.reason.or(Some(code));
                }
            }
        }
        left = again;
        if left.is_empty() {
            break;
        }
    }
    result.failed += left.len();
    Put { reason: result.reason.filter(|_| result.failed > 0), ..result }
}

/// One call. A bus that does not answer in time may have taken the events; they count as failed.
async fn put_once(bus: &impl EventBus, events: &[&FindingEvent], end: Instant) -> Result<Vec<Option<String>>, String> {
    let late = || "it took too long".to_owned();
    if Instant::now() >= end {
        return Err(late());
    }
    timeout_at(end, bus.put(events)).await.unwrap_or_else(|_| Err(late()))
}

/// A random wait, so that functions that were throttled together do not come back together.
fn wait_before(attempt: u32) -> Duration {
    let most = MOST_WAIT << (attempt - 1);
    Duration::from_millis(fastrand::u64(most / 2..=most))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::finding_events::bus::Refusal;

    /// Time enough for every test.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// An event bus that refuses an event as often as its detail says, with the code after that.
    #[derive(Default)]
    struct FakeBus {
        calls: Mutex<Vec<Vec<String>>>,
        waits: Mutex<Vec<Duration>>,
        /// The first of the calls that the bus refuses whole.
        down_from: Option<usize>,
        hangs: bool,
    }

    impl EventBus for FakeBus {
        async fn put(&self, events: &[&FindingEvent]) -> Result<Vec<Option<Refusal>>, String> {
            let details: Vec<_> = events.iter().map(|event| event.detail.clone()).collect();
            let answer = {
                let mut calls = self.calls.lock().unwrap();
                calls.push(details.clone());
                let before = |detail: &String| calls.iter().flatten().filter(|known| *known == detail).count();
                let refusal = |detail: &String| {
                    let (times, code) = detail.split_once(' ')?;
                    (before(detail) <= times.parse().unwrap()).then(|| code.to_owned())
                };
                let is_down = self.down_from.is_some_and(|first| calls.len() > first);
                if is_down {
                    Err("AccessDeniedException: no".to_owned())
                } else {
                    Ok(details.iter().map(refusal).collect())
                }
            };
            if self.hangs { std::future::pending().await } else { answer }
        }

        async fn wait(&self, time: Duration) {
            self.waits.lock().unwrap().push(time);
        }
    }

    impl FakeBus {
        /// The number of events in each call.
        fn sizes(self) -> Vec<usize> {
            self.calls.into_inner().unwrap().iter().map(Vec::len).collect()
        }
    }

    fn event(detail: &str) -> FindingEvent {
        FindingEvent { resource: None, detail: detail.to_owned(), time: None }
    }

    #[tokio::test]
    async fn only_events_that_may_be_taken_later_are_put_again() {
        let bus = FakeBus::default();
        let events = ["a", "1 ThrottlingException", "9 InternalFailure", "9 MalformedDetail"].map(event);
        assert_eq!(send(&bus, &events, 0, PATIENCE).await, Sent { taken: 2, failed: 2 });
        let waits: Vec<_> = bus.waits.lock().unwrap().iter().map(Duration::as_millis).collect();
        assert!((100..=200).contains(&waits[0]) && (200..=400).contains(&waits[1]) && waits.len() == 2, "{waits:?}");
        assert_eq!(bus.sizes(), [4, 2, 1]);
    }

    #[tokio::test]
    async fn a_call_that_fails_is_given_up_with_what_it_has_not_taken() {
        let bus = FakeBus { down_from: Some(0), ..FakeBus::default() };
        assert_eq!(send(&bus, &[event("a"), event("b")], 3, PATIENCE).await, Sent { taken: 0, failed: 5 });
        assert_eq!(bus.sizes(), [2]);
        let bus = FakeBus { down_from: Some(1), ..FakeBus::default() };
        let events = ["a", "1 ThrottlingException"].map(event);
        assert_eq!(send(&bus, &events, 0, PATIENCE).await, Sent { taken: 1, failed: 1 });
        assert_eq!(bus.sizes(), [2, 1]);
    }

    #[tokio::test]
    async fn a_bus_that_does_not_answer_ends_the_calls() {
        let bus = FakeBus { hangs: true, ..FakeBus::default() };
        assert_eq!(send(&bus, &vec![event("a"); 25], 0, Duration::from_millis(1)).await, Sent { taken: 0, failed: 25 });
        assert_eq!(bus.sizes(), [10]);
    }

    #[tokio::test]
    async fn the_reason_is_that_of_an_event_that_was_given_up() {
        let put = async |details: &[&str]| {
            let events: Vec<_> = details.iter().map(|detail| event(detail)).collect();
            put(&FakeBus::default(), events.iter().collect(), Instant::now() + PATIENCE).await.reason
        };
        assert_eq!(put(&["a", "9 MalformedDetail"]).await.as_deref(), Some("MalformedDetail"));
        assert_eq!(put(&["9 ThrottlingException"]).await.as_deref(), Some("ThrottlingException"));
        assert_eq!(put(&["1 ThrottlingException"]).await, None);
    }

    #[test]
    fn a_call_has_at_most_ten_events_and_fewer_bytes_than_aws_takes() {
        let sizes = |events: &[FindingEvent]| calls(events).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(&vec![event("a"); 25]), [10, 10, 5]);
        let large = event(&"x".repeat(100 * 1024));
        assert_eq!(sizes(&vec![large; 5]), [2, 2, 1]);
        let half = |less: usize| event(&"x".repeat(LIMIT_BYTES / 2 - event("").bytes() - less));
        assert_eq!(sizes(&[half(0), half(0)]), [1, 1]);
        assert_eq!(sizes(&[half(0), half(1)]), [2]);
        assert_eq!(sizes(&[]), [0; 0]);
    }
}
