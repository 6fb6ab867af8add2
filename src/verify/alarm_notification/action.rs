//! The actions in an alarm's history.

use aws_sdk_cloudwatch::types::AlarmHistoryItem;
use jiff::Timestamp;
use serde::Deserialize;

use crate::verify::times::timestamp;

/// A notification that an alarm sent, or tried to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmAction {
    /// The time.
    pub at: Option<Timestamp>,
    /// The error, if it failed.
    pub error: Option<String>,
}

/// `HistoryData` of an item of type Action. AWS documents no more than that it is JSON, so nothing of it is relied on alone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Data {
    action_state: Option<String>,
    notification_resource: Option<String>,
    error: Option<String>,
}

/// The beginnings of summaries, as in "Why didn't I receive an SNS notification for my CloudWatch alarm trigger?" of AWS re:Post.
const DONE: &str = "Successfully executed action";
const FAILED: &str = "Failed to execute action";

impl AlarmAction {
    /// Reads an item about `topic` whose result is known.
    pub fn read(item: &AlarmHistoryItem, topic: &str) -> Option<Self> {
        let summary = item.history_summary().unwrap_or_default();
        let data: Data = item.history_data().and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        if data.notification_resource.as_deref() != Some(topic) && !summary.contains(topic) {
            return None;
        }
        let state = data.action_state.as_deref();
        let error = if state == Some("Failed") || summary.starts_with(FAILED) {
            Some(data.error.filter(|error| !error.is_empty()).unwrap_or_else(|| summary.to_owned()))
        } else if state == Some("Succeeded") || summary.starts_with(DONE) {
            None
        } else {
            return None;
        };
        Some(Self { at: item.timestamp().and_then(timestamp), error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixtures::{aws_time, time};

    const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alerts";

    fn read(summary: &str, data: &str) -> Option<AlarmAction> {
        let item = AlarmHistoryItem::builder().timestamp(aws_time("11:30:00"));
        AlarmAction::read(&item.history_summary(summary).history_data(data).build(), TOPIC)
    }

    #[test]
    fn the_result_is_read_from_data_or_summary() {
        let (done, failed) =
            (format!("{DONE} {TOPIC}"), format!("{FAILED} {TOPIC}. Received error: \"not authorized\""));
        let data =
            |state: &str| format!(r#"{{"actionState":"{state}","notificationResource":"{TOPIC}","error":"said AWS"}}"#);
        for (summary, data, error) in [
            (done.as_str(), data("Succeeded"), Some(None)),
            (done.as_str(), String::new(), Some(None)),
            ("", data("Succeeded"), Some(None)),
            (failed.as_str(), data("Failed"), Some(Some("said AWS"))),
            (failed.as_str(), "{}".to_owned(), Some(Some(failed.as_str()))),
            ("", data("InProgress"), None),
            ("Successfully executed action arn:aws:sns:eu-west-1:123456789012:others", String::new(), None),
        ] {
            let action = read(summary, &data);
            assert_eq!(action.as_ref().map(|action| action.error.as_deref()), error, "{summary} {data}");
            assert!(action.is_none_or(|action| action.at == Some(time("11:30:00"))));
        }
    }
}
