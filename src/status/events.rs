//! The latest events of a monitor.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde::Serialize;

/// Number of events in a summary.
const SHOWN: usize = 5;

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportedEvent {
    /// Time of its last occurrence.
    pub last_seen: Option<Time>,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The reason.
    pub reason: String,
    /// The message.
    pub message: String,
}

/// The latest events, the latest first.
pub fn latest(events: &[Event]) -> Vec<ReportedEvent> {
    let mut events: Vec<(Option<Timestamp>, &Event)> = events.iter().map(|event| (last_seen(event), event)).collect();
    events.sort_by_key(|(seen, _)| std::cmp::Reverse(*seen));
    let reported = events.into_iter().take(SHOWN).map(|(seen, event)| ReportedEvent {
        last_seen: seen.map(Time),
        type_: event.type_.clone().unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        message: event.message.clone().unwrap_or_default(),
    });
    reported.collect()
}

/// The API of events has a time of its own for repeated, for single and for older events.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let repeated = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let older = event.last_timestamp.as_ref().map(|time| time.0);
    let single = event.event_time.as_ref().map(|time| time.0);
    repeated.or(older).or(single).or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_latest_come_first_by_the_time_of_their_last_occurrence() {
        let event = |reason: &str, times: serde_json::Value| -> Event {
            let mut event = json!({"metadata": {}, "involvedObject": {}, "reason": reason, "type": "Normal"});
            event.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
            serde_json::from_value(event).unwrap()
        };
        let at = |minute: u32| format!("2026-11-23T11:{minute:02}:00.000000Z");
        let mut events: Vec<_> =
            (0..6).map(|minute| event(&minute.to_string(), json!({"eventTime": at(minute)}))).collect();
        events.push(event("older", json!({"lastTimestamp": "2026-11-23T11:30:00Z"})));
        let series = json!({"eventTime": at(0), "series": {"count": 3, "lastObservedTime": at(40)}});
        events.insert(0, event("repeated", series));
        let latest = latest(&events);
        let reasons: Vec<_> = latest.iter().map(|event| event.reason.as_str()).collect();
        assert_eq!(reasons, ["repeated", "older", "5", "4", "3"]);
        assert_eq!(serde_json::to_value(&latest[1]).unwrap()["lastSeen"], "2026-11-23T11:30:00Z");
    }
}
