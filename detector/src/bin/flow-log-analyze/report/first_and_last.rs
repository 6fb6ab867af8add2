//! The times of a finding, in few columns.

use detector::sentence::Time;

/// The first and the last time: `2026-08-23 10:00:00` and `10:04:20`. The last has a date only if it is another one.
pub fn first_and_last(first: Option<u64>, last: Option<u64>) -> (String, String) {
    let (first, last) = (first.map(shown), last.map(shown));
    let date = first.as_deref().and_then(date);
    let last = last.map(|last| match last.split_once(' ') {
        Some((day, time)) if Some(day) == date => time.to_owned(),
        _ => last,
    });
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    (or_dash(first), or_dash(last))
}

/// `2026-08-23 10:00:00`; a number if the calendar ends before it.
fn shown(seconds: u64) -> String {
    Time(seconds).to_string().replace('T', " ").replace('Z', "")
}

fn date(time: &str) -> Option<&str> {
    time.split_once(' ').map(|(date, _)| date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_once() {
        let noon = 1_787_486_400;
        for (first, last, expected) in [
            (Some(noon), Some(noon + 260), ("2026-08-23 12:00:00", "12:04:20")),
            (Some(noon), Some(noon + 43_200), ("2026-08-23 12:00:00", "2026-08-24 00:00:00")),
            (None, Some(noon), ("-", "2026-08-23 12:00:00")),
            (Some(noon), None, ("2026-08-23 12:00:00", "-")),
            (Some(u64::MAX), Some(u64::MAX), ("18446744073709551615", "18446744073709551615")),
        ] {
            let (first, last) = first_and_last(first, last);
            assert_eq!((first.as_str(), last.as_str()), expected);
        }
    }
}
