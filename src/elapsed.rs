//! Spans of time for people.

use jiff::{SignedDuration, Timestamp};

/// A span for people: its largest unit, rounded down.
pub fn span(span: SignedDuration) -> String {
    match span.as_secs().max(0) {
        seconds @ ..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m", seconds / 60),
        seconds @ 3600..86_400 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// A time for people: RFC 3339, and the span since then.
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    format!("{then:.0} ({} ago)", span(now.duration_since(then)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_reported_in_their_largest_unit() {
        for (seconds, reported) in
            [(-5, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_399, "23h"), (200_000, "2d")]
        {
            assert_eq!(span(SignedDuration::from_secs(seconds)), reported);
        }
        assert_eq!(ago(time("11:30:00"), time("11:26:00")), "2026-11-23T11:26:00Z (4m ago)");
    }

    fn time(of_day: &str) -> Timestamp {
        format!("2026-11-23T{of_day}Z").parse().unwrap()
    }
}
