//! The alarms of detections of the user that are refused.

use super::observation::Seen;
use crate::api::Invalid;
use crate::engine::{AnyCall, Diff, Goal, ownership};
use crate::monitor::Monitor;
use crate::resources::common::alarm_kind::AlarmKind;
use crate::resources::common::detections::Detection;
use crate::resources::metric_filters::custom::{ReadDetections, refusal as refusal_of_detection};

/// The reason the detection of the user is refused, if it is.
pub(super) fn refusal(own: &ReadDetections<'_>, kind: AlarmKind) -> Option<Invalid> {
    match kind {
        AlarmKind::Detection(Detection::Custom(name)) => refusal_of_detection(own, name.as_str()),
        _ => None,
    }
}

/// The steps for the alarm of a refused detection. It stays as it is, since the metric counts by the former condition. A new detection has no
/// metric, so it gets no alarm.
pub(super) fn diff_of_refused(monitor: &Monitor, refusal: &Invalid, seen: &Seen) -> Diff<AnyCall> {
    let mut diff = Diff::default();
    let meanwhile = match &seen.alarm {
        Some(found) => {
            let name = seen.kind.alarm_name(monitor);
            diff.include(ownership::diff(monitor, Goal::Present(&found.alarm), &name, Some(found)));
            "until then its alarm stays as it is"
        }
        None => "until then it has no alarm",
    };
    let Invalid { field, problem, reason } = refusal.clone();
    diff.invalid.push(Invalid { field, problem: format!("{problem}; {meanwhile}"), reason });
    diff
}
