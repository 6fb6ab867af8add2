//! The status of an object in kstatus, by the rules of `pkg/kstatus/status` in fluxcd/cli-utils, which Flux and Helm's `--wait` use.

use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    InProgress,
    Current,
    Failed,
    Terminating,
}

/// For kinds that kstatus has no rules of their own for.
pub fn compute(object: &Value) -> Status {
    let Value::Object(metadata) = &object["metadata"] else { panic!("no metadata: {object:#}") };
    if metadata.get("deletionTimestamp").and_then(Value::as_str).is_some_and(|time| !time.is_empty()) {
        return Status::Terminating;
    }
    let generation = metadata.get("generation").and_then(Value::as_i64);
    let observed = object["status"]["observedGeneration"].as_i64();
    if generation.is_some() && observed.is_some() && generation != observed {
        return Status::InProgress;
    }
    let conditions: Vec<_> = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|condition| (condition["type"].as_str().unwrap_or_default(), condition["status"].as_str()))
        .collect();
    // Whichever of the two comes first decides.
    let abnormal = conditions.iter().find_map(|condition| match condition {
        ("Reconciling", Some("True")) => Some(Status::InProgress),
        ("Stalled", Some("True")) => Some(Status::Failed),
        _ => None,
    });
    let ready = || {
        conditions.iter().find_map(|condition| match condition {
            ("Ready", Some("True")) => Some(Status::Current),
            ("Ready", Some("False" | "Unknown")) => Some(Status::InProgress),
            _ => None,
        })
    };
    abnormal.or_else(ready).unwrap_or(Status::Current)
}
