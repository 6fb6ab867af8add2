//! The times within which records must arrive.

use aws_smithy_types::DateTime;
use jiff::{SignedDuration, Timestamp};

use crate::monitor::Monitor;
use crate::resources::flow_logs::Delivery;

/// Delivery takes about 5 minutes to CloudWatch Logs and 10 to S3: "Flow log records" in the Amazon VPC user guide.
const DELIVERY: SignedDuration = SignedDuration::from_mins(10);

/// A new flow log takes some minutes to begin with: "Work with flow logs" in the Amazon VPC user guide.
const START: SignedDuration = SignedDuration::from_mins(5);

fn interval(monitor: &Monitor) -> SignedDuration {
    SignedDuration::from_secs(monitor.spec.aggregation_interval.into())
}

/// The greatest age of the newest record or file. A record carries the time at which its interval began, and the next one is written an
/// interval later.
pub fn freshness(monitor: &Monitor) -> SignedDuration {
    interval(monitor) * 2 + DELIVERY
}

/// The time from which records are expected, if it is still to come.
pub fn expected_from(monitor: &Monitor, delivery: &Delivery, now: Timestamp) -> Option<Timestamp> {
    let expected = timestamp(delivery.created_at.as_ref()?)? + (START + DELIVERY + interval(monitor));
    (now < expected).then_some(expected)
}

/// Converts a time of AWS's.
pub fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::from_millisecond(time.to_millis().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixtures::{delivery, monitor_with_interval, time};

    #[test]
    fn slower_flow_logs_have_more_time() {
        for (interval, most_minutes, from) in [(60, 12, "11:16:00"), (600, 30, "11:25:00")] {
            let monitor = monitor_with_interval(interval);
            assert_eq!(freshness(&monitor), SignedDuration::from_mins(most_minutes));
            let made_at_eleven = delivery("s3", "11:00:00");
            assert_eq!(expected_from(&monitor, &made_at_eleven, time("11:15:59")), Some(time(from)));
            assert_eq!(expected_from(&monitor, &made_at_eleven, time(from)), None);
        }
    }
}
