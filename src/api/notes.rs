//! Notes on a monitor for readers of `status`, `plan` and `verify`: each fact has one sentence in all of them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};

use super::conditions;

/// Facts that say how far the status and AWS can be relied on.
#[must_use]
pub fn of_object(metadata: &ObjectMeta, is_suspended: bool, observed_generation: Option<i64>) -> Vec<String> {
    // The observed generation is less than 0 until the operator has read the monitor.
    let is_behind = observed_generation >= Some(0) && observed_generation < metadata.generation;
    let notes = [
        (metadata.deletion_timestamp.is_some(), "the monitor is being deleted"),
        (is_suspended, "spec.suspend is true: the operator changes nothing in AWS, which may differ from the spec"),
        (is_behind, "the operator has not taken up the latest change of the spec yet"),
    ];
    notes.into_iter().filter(|(applies, _)| *applies).map(|(_, note)| note.to_owned()).collect()
}

/// The note on a monitor that is not `Ready`.
#[must_use]
pub fn not_ready(conditions: &[Condition]) -> Option<String> {
    conditions::not_ready(conditions).map(|why| format!("the monitor is not Ready: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_that_the_operator_has_not_read_is_noted_after_its_first_pass() {
        let metadata = ObjectMeta { generation: Some(2), ..ObjectMeta::default() };
        for (observed, notes) in [(None, 0), (Some(-1), 0), (Some(1), 1), (Some(2), 0)] {
            assert_eq!(of_object(&metadata, false, observed).len(), notes, "{observed:?}");
        }
    }
}
