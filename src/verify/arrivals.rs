//! Judges the arrival of records at a destination, in the same way for the log group and the bucket.

use jiff::{SignedDuration, Timestamp};

use super::check::{Check, CheckName, Status};
use super::times;
use crate::elapsed::span;
use crate::monitor::Monitor;
use crate::resources::flow_logs::Delivery;

/// The arrivals of one kind at one place.
pub struct Arrivals<'a> {
    /// The name of the check.
    pub name: CheckName,
    /// `log event` or `object`.
    pub what: &'a str,
    /// The place of arrival.
    pub place: &'a str,
    /// The flow log that sends it, if there is one.
    pub delivery: Option<&'a Delivery>,
    /// Longest time between the arrival itself and AWS's report of it.
    pub reporting_delay: SignedDuration,
    /// The next step if nothing arrives.
    pub remedy: String,
}

impl Arrivals<'_> {
    /// Judges the time of the newest one, `None` if none was found since yesterday.
    pub fn judge(self, monitor: &Monitor, newest: Option<Timestamp>, now: Timestamp) -> Check {
        let Self { name, what, place, .. } = self;
        let most = times::freshness(monitor) + self.reporting_delay;
        if let Some(newest) = newest.filter(|newest| now.duration_since(*newest) <= most) {
            return Check::new(name, Status::Passed, format!("newest {what} in {place}")).at(Some(newest));
        }
        let found = match newest {
            Some(_) => format!("no {what} in {place} for more than {}", span(most)),
            None => format!("no {what} in {place} since yesterday"),
        };
        let expected =
            self.delivery.and_then(|delivery| Some((delivery, times::expected_from(monitor, delivery, now)?)));
        let check = match expected {
            Some((delivery, until)) => {
                Check::new(name, Status::Waiting, format!("{found}; flow log {} is new", delivery.id)).next(format!(
                    "wait until {until:.0} (in {}), then run verify again",
                    span(until.duration_since(now))
                ))
            }
            None => Check::new(name, Status::Failed, found).next(self.remedy),
        };
        check.at(newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixtures::{delivery, monitor_with_interval, time};

    #[test]
    fn what_is_late_has_stopped_unless_the_flow_log_is_new() {
        // Made at, newest at, reported late by minutes; at 11:30.
        for (made, newest, late, status) in [
            (Some("10:00:00"), Some("11:29:00"), 0, Status::Passed),
            (Some("10:00:00"), Some("11:18:00"), 0, Status::Passed),
            (Some("10:00:00"), Some("11:17:59"), 0, Status::Failed),
            (Some("10:00:00"), Some("11:17:59"), 60, Status::Passed),
            (Some("10:00:00"), None, 0, Status::Failed),
            (Some("11:14:01"), None, 0, Status::Waiting),
            (Some("11:14:00"), None, 0, Status::Failed),
            // Left by a flow log that this one has replaced.
            (Some("11:20:00"), Some("11:00:00"), 0, Status::Waiting),
            // By a clock that is ahead of this one.
            (Some("11:20:00"), Some("11:31:00"), 0, Status::Passed),
            (None, None, 0, Status::Failed),
        ] {
            let delivery = made.map(|made| delivery("s3", made));
            let arrivals = Arrivals {
                name: CheckName::Objects,
                what: "object",
                place: "s3://b",
                delivery: delivery.as_ref(),
                reporting_delay: SignedDuration::from_mins(late),
                remedy: "look".to_owned(),
            };
            let check = arrivals.judge(&monitor_with_interval(60), newest.map(time), time("11:30:00"));
            assert_eq!(check.status, status, "{made:?} {newest:?} {late}: {check:?}");
            assert_eq!(check.observed_at, newest.map(time));
            assert_eq!(check.next_step.is_some(), status != Status::Passed);
        }
    }

    #[test]
    fn waiting_reports_until_when() {
        let delivery = delivery("s3", "11:20:00");
        let arrivals = Arrivals {
            name: CheckName::Objects,
            what: "object",
            place: "s3://b",
            delivery: Some(&delivery),
            reporting_delay: SignedDuration::ZERO,
            remedy: String::new(),
        };
        let check = arrivals.judge(&monitor_with_interval(60), None, time("11:30:00"));
        assert_eq!(check.detail, "no object in s3://b since yesterday; flow log fl-s3 is new");
        assert_eq!(check.next_step.unwrap(), "wait until 2026-11-23T11:36:00Z (in 6m), then run verify again");
    }
}
