//! The tags by which the alarm on a band records since when it learns, and what it learns: no API of AWS shows the age of a model.

use jiff::{SignedDuration, Timestamp};

use crate::monitor::{Claims, Monitor, TagDiff, Tags, short_hash};
use crate::resources::common::detections::Detection;

/// Time since when the band learns.
const BAND_SINCE: &str = "vpcflow.dev/band-since";
/// Hash of the settings by which the metric counts.
const BAND_COUNTS: &str = "vpcflow.dev/band-counts";
/// Present if the metric counted otherwise before [`BAND_SINCE`].
const BAND_FORGETS: &str = "vpcflow.dev/band-forgets";

/// Days of data that a model is trained on.
const DAYS_OF_DATA: i64 = 14;

/// The record in the tags of an alarm on a band.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learnt {
    /// Time since when the band learns.
    pub since: Option<Timestamp>,
    forgets: bool,
}

impl Learnt {
    /// Reads the record.
    pub fn read(tags: &Tags) -> Self {
        Self {
            since: tags.get(BAND_SINCE).and_then(|since| since.parse().ok()),
            forgets: tags.contains_key(BAND_FORGETS),
        }
    }

    /// The time that the model must not learn from, in epoch seconds: the metric counted otherwise then.
    pub fn forgotten(&self) -> Option<(i64, i64)> {
        let since = self.since.filter(|_| self.forgets)?;
        let from = since.checked_sub(SignedDuration::from_hours(24 * DAYS_OF_DATA)).ok()?;
        Some((from.as_second(), since.as_second()))
    }
}

/// The tags of a new alarm on a band.
pub fn of_new(monitor: &Monitor, detection: Detection, at: Timestamp) -> Tags {
    let mut tags = monitor.tags.clone();
    tags.insert(BAND_SINCE.to_owned(), text(at));
    tags.insert(BAND_COUNTS.to_owned(), counts(monitor, detection));
    tags
}

/// The changes of the tags of an alarm on a band. It begins to learn anew if the metric counts something else.
pub fn diff(monitor: &Monitor, detection: Detection, observed: &Tags, at: Timestamp) -> TagDiff {
    let mut diff = monitor.tag_diff(observed);
    let counts = counts(monitor, detection);
    let known = observed.get(BAND_COUNTS);
    if known != Some(&counts) || Learnt::read(observed).since.is_none() {
        if known.is_some_and(|known| *known != counts) {
            diff.set.insert(BAND_FORGETS.to_owned(), "true".to_owned());
        }
        diff.set.insert(BAND_SINCE.to_owned(), text(at));
        diff.set.insert(BAND_COUNTS.to_owned(), counts);
    }
    diff
}

fn counts(monitor: &Monitor, detection: Detection) -> String {
    short_hash(&detection.counts(monitor))
}

/// In whole seconds.
fn text(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::fixtures;

    const HIGH: Detection = Detection::HighDataTransfer;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_change_of_what_is_counted_begins_anew_and_forgets_the_days_before() {
        let mut monitor = fixtures::monitor();
        let tags = of_new(&monitor, HIGH, at(1_000_000_000));
        assert!(diff(&monitor, HIGH, &tags, at(2_000_000_000)).is_empty());
        assert_eq!(Learnt::read(&tags), Learnt { since: Some(at(1_000_000_000)), forgets: false });
        assert_eq!(Learnt::read(&tags).forgotten(), None);

        monitor.spec.detections.high_data_transfer.threshold = 7.0;
        assert!(diff(&monitor, HIGH, &tags, at(2_000_000_000)).is_empty(), "the threshold counts nothing");
        monitor.spec.detections.high_data_transfer.min_bytes = 1;
        let after = diff(&monitor, HIGH, &tags, at(2_000_000_000)).applied_to(&tags);
        let learnt = Learnt::read(&after);
        assert_eq!(learnt.since, Some(at(2_000_000_000)));
        assert_eq!(learnt.forgotten(), Some((2_000_000_000 - 14 * 86_400, 2_000_000_000)));
        assert!(diff(&monitor, HIGH, &after, at(2_000_000_001)).is_empty());
    }

    #[test]
    fn a_lost_record_is_written_anew() {
        let monitor = fixtures::monitor();
        let mut tags = of_new(&monitor, HIGH, at(1_000_000_000));
        tags.remove(BAND_SINCE);
        let after = diff(&monitor, HIGH, &tags, at(2_000_000_000)).applied_to(&tags);
        assert_eq!(Learnt::read(&after), Learnt { since: Some(at(2_000_000_000)), forgets: false });
    }
}
