//! Quiet times that are over, and those that never end: both are valid, and hardly anybody means them.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::mute_rule::length;
use crate::api::Component;
use crate::api::spec::QuietTime;
use crate::api::status::{Notice, NoticeReason};
use crate::resources::common::counted::counted;

/// The zone that is the furthest behind UTC. The operator has no tz database: a time that is over there is over everywhere.
const FURTHEST_BEHIND: SignedDuration = SignedDuration::from_hours(12);

/// The notices on quiet times at the time `at`.
pub(super) fn all(quiet_times: &[QuietTime], at: Timestamp) -> Vec<Notice> {
    let notice = |reason, message| Notice { component: Component::Alarms, reason, message };
    let ended = ended(quiet_times, at).map(|message| notice(NoticeReason::QuietTimeEnded, message));
    let endless = endless(quiet_times).map(|message| notice(NoticeReason::QuietTimeEndless, message));
    ended.into_iter().chain(endless).collect()
}

fn ended(quiet_times: &[QuietTime], at: Timestamp) -> Option<String> {
    let ended = quiet_times.iter().filter(|quiet| end(quiet).is_some_and(|end| end <= at));
    let ended: Vec<_> = ended.map(|quiet| format!("{} with {}", quiet.name, quiet.schedule)).collect();
    counted(
        &ended,
        ("quiet time is over", "; set another schedule, or remove it"),
        ("quiet times are over", "; set other schedules, or remove them"),
    )
}

/// The end of a quiet time that comes once, at the latest.
fn end(quiet: &QuietTime) -> Option<Timestamp> {
    let begin: DateTime = quiet.schedule.strip_prefix("at(")?.strip_suffix(')')?.parse().ok()?;
    let begin = begin.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let behind = if quiet.timezone == "UTC" { SignedDuration::ZERO } else { FURTHEST_BEHIND };
    begin.checked_add(length(quiet)?).ok()?.checked_add(behind).ok()
}

fn endless(quiet_times: &[QuietTime]) -> Option<String> {
    let lasts =
        |quiet: &&QuietTime| longest_gap(&quiet.schedule).zip(length(quiet)).is_some_and(|(gap, length)| length >= gap);
    let endless: Vec<_> = quiet_times.iter().filter(lasts).map(|quiet| quiet.name.as_str()).collect();
    if endless.is_empty() {
        return None;
    }
    let times = if endless.len() == 1 { "1 quiet time never ends" } else { "quiet times never end" };
    Some(format!(
        "{times}: {}; the alarms never notify, since the time begins again before it is over: set a shorter duration",
        endless.join(", "),
    ))
}

/// The longest time between two begins of a schedule, if its days show one.
fn longest_gap(schedule: &str) -> Option<SignedDuration> {
    let fields: Vec<_> = schedule.strip_prefix("cron(")?.strip_suffix(')')?.split(' ').collect();
    match fields[..] {
        ["*", "*", "*", "*", "*"] => Some(SignedDuration::from_mins(1)),
        [_, "*", "*", "*", "*"] => Some(SignedDuration::from_hours(1)),
        [_, _, "*", "*", "*"] => Some(SignedDuration::from_hours(24)),
        [_, _, "*", "*", _] => Some(SignedDuration::from_hours(7 * 24)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notices(schedule: &str, duration: &str, timezone: &str) -> Vec<String> {
        let quiet = QuietTime {
            name: "backup".to_owned(),
            schedule: schedule.to_owned(),
            duration: duration.to_owned(),
            timezone: timezone.to_owned(),
            detections: Vec::new(),
        };
        let at = "2026-11-30T12:00:00Z".parse().unwrap();
        all(&[quiet], at).into_iter().map(|notice| format!("{}: {}", notice.reason.as_str(), notice.message)).collect()
    }

    #[test]
    fn a_quiet_time_that_is_over_everywhere_is_named() {
        let expected = "QuietTimeEnded: 1 quiet time is over: backup with at(2020-12-24T18:00); set another schedule, or remove it";
        assert_eq!(notices("at(2020-12-24T18:00)", "PT1H", "UTC"), [expected]);
        for (schedule, duration, timezone, is_over) in [
            ("at(2026-11-30T11:00)", "PT1H", "UTC", true),
            ("at(2026-11-30T11:01)", "PT1H", "UTC", false),
            ("at(2026-11-29T11:00)", "P2D", "UTC", false),
            ("at(2026-11-30T11:00)", "PT1H", "Etc/GMT+12", false),
            ("at(2026-11-29T23:00)", "PT1H", "Europe/Berlin", true),
            ("at(2026-02-30T00:00)", "PT1H", "UTC", false),
            ("cron(0 2 * * *)", "PT1H", "UTC", false),
        ] {
            assert_eq!(notices(schedule, duration, timezone).len(), usize::from(is_over), "{schedule} {duration}");
        }
    }

    #[test]
    fn a_quiet_time_that_never_ends_is_named() {
        let expected = "QuietTimeEndless: 1 quiet time never ends: backup; the alarms never notify, since the time begins again before it \
            is over: set a shorter duration";
        assert_eq!(notices("cron(* * * * *)", "PT1H", "UTC"), [expected]);
        for (schedule, duration, is_endless) in [
            ("cron(0 * * * *)", "PT59M", false),
            ("cron(0 * * * *)", "PT1H", true),
            ("cron(0 2 * * *)", "PT23H", false),
            ("cron(0 2 * * *)", "P1D", true),
            ("cron(0 2 * * SUN)", "P6D", false),
            ("cron(0 2 * * SUN)", "P7D", true),
            ("cron(0 2 1 * *)", "P15D", false),
        ] {
            assert_eq!(notices(schedule, duration, "UTC").len(), usize::from(is_endless), "{schedule} {duration}");
        }
    }
}
