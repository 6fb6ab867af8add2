//! The suppressions, as the detector reads them from its package.

use std::time::{Duration, SystemTime};

use detector::suppression::Suppression;
use serde_json::json;

use crate::api::spec;
use crate::resources::common::entry_error::{EntryError, compile};

pub(super) const SUPPRESS: &str = "detector.suppress";

/// The most days from now to the end of a suppression.
const MOST_DAYS: u64 = 366;

/// The suppression as the function has it. An expired one has no effect and stays, so no time changes the settings.
pub(super) fn read(declared: &spec::Suppression, now: SystemTime) -> Result<Suppression, EntryError> {
    compile(&declared.when)?;
    // The function reads the same form.
    let read: Suppression =
        serde_json::from_value(json!(declared)).map_err(|problem| EntryError::whole(&problem.to_string()))?;
    if read.until > now + Duration::from_hours(MOST_DAYS * 24) {
        let problem = format!(
            "`{}` ends at {}, more than {MOST_DAYS} days from now; set an earlier time",
            read.name, declared.until
        );
        return Err(EntryError::part(".until", &problem));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::api::Invalid;

    /// 2026-11-30T00:00:00Z
    const NOW: Duration = Duration::from_hours(498_888);

    fn checked(changes: &Value) -> Result<Suppression, Invalid> {
        let mut suppression = json!({
            "name": "scanner",
            "rules": ["portScan", "hostSweep"],
            "when": "in_networks(source, [\"10.0.8.8/32\"])",
            "until": "2027-03-01T00:00:00Z",
            "reason": "Nessus, ticket SEC-123",
        });
        for (name, value) in changes.as_object().unwrap() {
            suppression[name] = value.clone();
        }
        let declared: spec::Suppression = serde_json::from_value(suppression).unwrap();
        read(&declared, SystemTime::UNIX_EPOCH + NOW)
            .map_err(|error| error.into_invalid("detector.suppress[0]", &declared.name))
    }

    #[test]
    fn the_detector_reads_a_suppression_as_it_is_declared() {
        let read = json!(checked(&json!({})).unwrap());
        let expected = json!({
            "name": "scanner", "rules": ["portScan", "hostSweep"], "when": "in_networks(source, [\"10.0.8.8/32\"])",
            "until": "2027-03-01T00:00:00Z", "reason": "Nessus, ticket SEC-123",
        });
        assert_eq!(read, expected);
        assert_eq!(json!(checked(&json!({"rules": []})).unwrap())["rules"], json!([]));
    }

    #[test]
    fn the_end_is_a_year_ahead_at_most() {
        let until = |text: &str| checked(&json!({ "until": text })).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(until("2027-12-01T00:00:00Z"), Ok(()));
        assert_eq!(until("2020-01-01T00:00:00Z"), Ok(()), "an expired one stays valid");
        assert_eq!(
            until("2027-12-01T00:00:01Z").unwrap_err(),
            "spec.detector.suppress[0].until: `scanner` ends at 2027-12-01T00:00:01Z, more than 366 days from now; set an earlier time"
        );
        let error = until("2027-02-30T00:00:00Z").unwrap_err();
        assert!(error.starts_with("spec.detector.suppress[0]: `2027-02-30T00:00:00Z` is not a time in UTC"), "{error}");
    }

    #[test]
    fn a_broken_condition_is_named_with_its_place() {
        let error = checked(&json!({"when": "synn"})).unwrap_err().to_string();
        let expected =
            "spec.detector.suppress[0].when: `scanner`, line 1, column 1: there is no field `synn`; write `syn`";
        assert!(error.starts_with(expected), "{error}");
    }
}
