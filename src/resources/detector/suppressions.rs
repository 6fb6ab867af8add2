//! The suppressions, as the detector reads them from its package.

use std::time::{Duration, SystemTime};

use detector::suppression::Suppression;
use serde_json::json;

use super::conditions::compile;
use crate::api::Invalid;
use crate::api::spec;

pub(super) const SUPPRESS: &str = "detector.suppress";

/// The most days from now to the end of a suppression.
const MOST_DAYS: u64 = 366;

/// The suppressions in the order of the spec: where several match, the first one counts the record. An expired one has no effect and stays, so
/// no time changes the settings.
pub(super) fn all(declared: &[spec::Suppression], now: SystemTime) -> Result<Vec<Suppression>, Invalid> {
    declared.iter().enumerate().map(|(index, suppression)| read(index, suppression, now)).collect()
}

fn read(index: usize, declared: &spec::Suppression, now: SystemTime) -> Result<Suppression, Invalid> {
    let field = format!("{SUPPRESS}[{index}]");
    compile(&field, &declared.name, &declared.when)?;
    // The function reads the same form.
    let read: Suppression = serde_json::from_value(json!(declared))
        .map_err(|problem| Invalid::new(field.clone(), problem.to_string().escape_debug().to_string()))?;
    if read.until > now + Duration::from_hours(MOST_DAYS * 24) {
        return Err(Invalid::new(
            format!("{field}.until"),
            format!(
                "`{}` ends at {}, more than {MOST_DAYS} days from now; set an earlier time",
                read.name, declared.until
            ),
        ));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// 2026-11-30T00:00:00Z
    const NOW: Duration = Duration::from_hours(498_888);

    fn checked(changes: &Value) -> Result<Vec<Suppression>, Invalid> {
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
        all(&serde_json::from_value::<Vec<_>>(json!([suppression])).unwrap(), SystemTime::UNIX_EPOCH + NOW)
    }

    #[test]
    fn the_detector_reads_a_suppression_as_it_is_declared() {
        let read = json!(checked(&json!({})).unwrap());
        let expected = json!([{
            "name": "scanner", "rules": ["portScan", "hostSweep"], "when": "in_networks(source, [\"10.0.8.8/32\"])",
            "until": "2027-03-01T00:00:00Z", "reason": "Nessus, ticket SEC-123",
        }]);
        assert_eq!(read, expected);
        assert_eq!(json!(checked(&json!({"rules": []})).unwrap())[0]["rules"], json!([]));
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
