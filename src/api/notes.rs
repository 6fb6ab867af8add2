//! Notes on a monitor for readers of `status`, `plan` and `verify`: each fact has one sentence in all of them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::conditions::{self, Reason};

/// Facts that say how far the status and AWS can be relied on.
#[must_use]
pub fn of_object(metadata: &ObjectMeta, is_suspended: bool, observed_generation: Option<i64>) -> Vec<String> {
    let notes = [
        (metadata.deletion_timestamp.is_some(), "the monitor is being deleted"),
        (is_suspended, "spec.suspend is true: the operator changes nothing in AWS, which may differ from the spec"),
    ];
    let notes = notes.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note.to_owned());
    notes.chain(behind(metadata.generation, observed_generation)).collect()
}

/// The note on a status of a former spec. The observed generation is less than 0 until the operator has read the object.
#[must_use]
pub fn behind(generation: Option<i64>, observed: Option<i64>) -> Option<String> {
    let is_behind = observed >= Some(0) && observed < generation;
    is_behind.then(|| "the operator has not taken up the latest change of the spec yet".to_owned())
}

/// The note on a monitor that is not `Ready`.
#[must_use]
pub fn not_ready(conditions: &[Condition]) -> Option<String> {
    conditions::not_ready(conditions).map(|why| format!("the monitor is not Ready: {why}"))
}

/// As [`not_ready`], for a plan of another spec than that of the status: a reason that lies in the former spec is left out.
#[must_use]
pub fn not_ready_before(conditions: &[Condition]) -> Option<String> {
    let is_of_spec = |condition: &Condition| {
        condition.type_ == conditions::READY
            && matches!(Reason::parse(&condition.reason), Some(Reason::InvalidSpec | Reason::TestsFailed))
    };
    if conditions.iter().any(is_of_spec) { None } else { not_ready(conditions) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_former_spec_is_no_note_on_another_one() {
        let ready = |reason: &str| {
            let condition = serde_json::json!({
                "type": "Ready", "status": "False", "reason": reason, "message": "m", "lastTransitionTime": "2026-11-30T00:00:00Z",
            });
            [serde_json::from_value::<Condition>(condition).unwrap()]
        };
        for (reason, noted) in [("TestsFailed", false), ("InvalidSpec", false), ("AccessDenied", true)] {
            assert_eq!(not_ready_before(&ready(reason)).is_some(), noted, "{reason}");
            assert!(not_ready(&ready(reason)).is_some());
        }
    }

    #[test]
    fn a_spec_that_the_operator_has_not_read_is_noted_after_its_first_pass() {
        let metadata = ObjectMeta { generation: Some(2), ..ObjectMeta::default() };
        for (observed, notes) in [(None, 0), (Some(-1), 0), (Some(1), 1), (Some(2), 0)] {
            assert_eq!(of_object(&metadata, false, observed).len(), notes, "{observed:?}");
        }
    }
}
