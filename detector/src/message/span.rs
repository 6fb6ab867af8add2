//! The time range in which the records of a finding are looked up.

use super::Time;
use crate::tally::Tally;

/// Seconds added on both sides: a record is stored some minutes after its traffic.
const MARGIN: u64 = 600;

/// A time range in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub first: u64,
    pub last: u64,
}

impl Span {
    /// The time range around the records of `tally`, if they have times.
    pub(super) fn around(tally: &Tally) -> Option<Self> {
        let first = tally.first.or(tally.last)?;
        let last = tally.last.unwrap_or(first).max(first);
        Some(Self { first: first.saturating_sub(MARGIN), last: last.saturating_add(MARGIN) })
    }

    pub(super) fn seconds(self) -> u64 {
        self.last.saturating_sub(self.first)
    }
}

/// Year, month and day (UTC) as text, if the calendar has the time.
pub(super) fn date(seconds: u64) -> Option<[String; 3]> {
    let text = Time(seconds).to_string();
    let (date, _) = text.split_once('T')?;
    let mut parts = date.splitn(3, '-').map(str::to_owned);
    Some([parts.next()?, parts.next()?, parts.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_is_enough_for_a_range() {
        let around = |first, last| Span::around(&Tally { first, last, ..Tally::default() });
        assert_eq!(around(None, None), None);
        assert_eq!(around(Some(1000), Some(2000)), Some(Span { first: 400, last: 2600 }));
        assert_eq!(around(Some(1000), None), Some(Span { first: 400, last: 1600 }));
        assert_eq!(around(None, Some(100)), Some(Span { first: 0, last: 700 }));
    }

    #[test]
    fn dates_are_those_of_utc() {
        assert_eq!(date(1_418_530_010), Some(["2014", "12", "14"].map(str::to_owned)));
        assert_eq!(date(u64::MAX), None);
    }
}
