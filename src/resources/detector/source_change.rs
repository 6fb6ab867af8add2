//! A change of the source. For some minutes both sources feed the function.
//!
//! "After you enable `EventBridge`, it takes around five minutes for the changes to take effect": S3 user guide, "Enabling Amazon
//! `EventBridge`". And a file has the records of the minutes before it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Desired, Feed, Observed, event_rule, subscription};
use crate::engine::Goal;
use crate::monitor::Monitor;

/// The state of the function in these minutes.
pub(super) const MESSAGE: &str =
    "for some minutes it reads both sources, so that no record is missed; then the former one is removed";

/// The time for which the former source still feeds the function. `None` if that time is over, if no former source is left, or if the new one
/// does not exist yet.
pub(super) fn time_left(monitor: &Monitor, goal: Goal<&Desired>, observed: &Observed) -> Option<Duration> {
    let Goal::Present(desired) = goal else { return None };
    let rule = observed.event_rule.as_ref().filter(|rule| event_rule::is_ours(monitor, rule));
    let since = match desired.feed {
        Feed::EventRule(_) if observed.subscriptions.iter().any(|(_, filter)| filter.is_some()) => rule?.since()?,
        Feed::Subscription(_) if rule.is_some() => subscription::current(monitor, &observed.subscriptions)?.created?,
        _ => return None,
    };
    left(since, observed.at, monitor.settings.source_overlap)
}

fn left(since: Timestamp, at: Timestamp, overlap: Duration) -> Option<Duration> {
    let passed = Duration::try_from(at.duration_since(since)).unwrap_or_default();
    overlap.checked_sub(passed).filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::spec::RecordSource;
    use crate::engine::{System, SystemHealth};
    use crate::monitor::fixtures;
    use crate::resources::detector::tests::{answer, desired, observed, spec};
    use crate::resources::detector::{DetectorSystem, invocation::Invoker};

    const CREATED: &str = "2027-01-01T00:00:00Z";

    /// Both sources of a monitor, so many minutes after the new one was made.
    fn both(source: RecordSource, minutes: i64) -> (Monitor, Observed) {
        let monitor = |source| {
            let mut spec = spec();
            spec.detector.source = source;
            fixtures::with_spec(spec)
        };
        let (log_group, files) = (monitor(RecordSource::CloudWatchLogs), monitor(RecordSource::S3));
        let created: Timestamp = CREATED.parse().unwrap();
        let mut filter = subscription::desired(&log_group);
        filter.created = Some(created);
        let monitor = if source == RecordSource::S3 { files.clone() } else { log_group.clone() };
        let (configuration, tags) = answer(&monitor);
        let invocation = |invoker: Invoker| (invoker, invoker.invocation(&monitor));
        let observed = Observed {
            function: Some(observed(configuration, tags)),
            subscriptions: vec![(monitor.names.log_group.clone(), Some(filter))],
            invocations: [Invoker::CloudWatchLogs, Invoker::EventBridge].map(invocation).into(),
            event_rule: Some(event_rule::found_since(&files, CREATED)),
            at: created + jiff::SignedDuration::from_mins(minutes),
            ..Observed::default()
        };
        (monitor, observed)
    }

    #[test]
    fn both_sources_feed_the_function_for_ten_minutes() {
        for source in [RecordSource::S3, RecordSource::CloudWatchLogs] {
            let state = |minutes| {
                let (monitor, observed) = both(source, minutes);
                let desired = desired(&monitor);
                let diff = DetectorSystem::diff(&monitor, Goal::Present(&desired), &observed);
                let removed = diff.steps.iter().filter(|step| step.change.clears_away()).count();
                (removed, DetectorSystem::report(&monitor, Goal::Present(&desired), &observed).health)
            };
            let waiting = |minutes| SystemHealth::Waiting(MESSAGE.to_owned(), Duration::from_mins(minutes));
            assert_eq!(state(0), (0, waiting(10)), "{source:?}");
            assert_eq!(state(9), (0, waiting(1)), "{source:?}");
            assert_eq!(state(10), (2, SystemHealth::Good), "the feed and its permission: {source:?}");
        }
    }

    #[test]
    fn a_monitor_that_is_deleted_or_has_one_source_waits_for_nothing() {
        let (monitor, mut observed) = both(RecordSource::S3, 0);
        assert_eq!(time_left(&monitor, Goal::Absent(crate::engine::Removal::OwnerDeleted), &observed), None);
        observed.subscriptions[0].1 = None;
        assert_eq!(time_left(&monitor, Goal::Present(&desired(&monitor)), &observed), None);
    }
}
