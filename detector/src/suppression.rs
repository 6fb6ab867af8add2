//! Suppressions: records that rules leave out until a time, with a reason.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::rules::rule::Rule;

/// Records that are not counted to some rules, since somebody knows their cause. The members are in alphabetical order, as
/// [`PackageConfig`](crate::package_config::PackageConfig) needs them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Suppression {
    /// The name, under which the records are counted.
    pub name: String,
    /// The reason, for people.
    pub reason: String,
    /// The rules that leave the records out; empty for all of them.
    #[serde(default)]
    pub rules: BTreeSet<Rule>,
    /// The end: no suppression is forgotten for ever.
    #[serde(with = "rfc3339")]
    pub until: SystemTime,
    /// The condition on the records.
    pub when: Expression,
}

impl Suppression {
    /// True if it does nothing any more.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.until <= now
    }

    /// True if it is about `rule`.
    #[must_use]
    pub fn is_about(&self, rule: Rule) -> bool {
        self.rules.is_empty() || self.rules.contains(&rule)
    }
}

/// The records of a batch that were not counted to a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suppressed {
    /// Records that a suppression kept from one rule at least.
    pub records: u64,
    /// Those of each suppression that has not expired, by its name.
    pub by_name: BTreeMap<String, u64>,
}

/// Times as text: `2027-03-01T00:00:00Z`.
mod rfc3339 {
    use std::time::SystemTime;

    use aws_smithy_types::DateTime;
    use aws_smithy_types::date_time::Format;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Error as _, Serializer};

    pub fn serialize<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        let text = DateTime::from(*time).fmt(Format::DateTime).map_err(S::Error::custom)?;
        serializer.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::from_str(&text, Format::DateTime).ok().and_then(|time| time.try_into().ok());
        time.ok_or_else(|| D::Error::custom(format!("`{text}` is not a time in UTC, such as 2027-03-01T00:00:00Z")))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;

    fn scanner() -> Value {
        json!({
            "name": "scanner",
            "rules": ["portScan", "hostSweep"],
            "when": "in_networks(source, [\"10.0.8.8/32\"])",
            "until": "2027-03-01T00:00:00Z",
            "reason": "Nessus, ticket SEC-123",
        })
    }

    fn read(value: Value) -> Result<Suppression, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    fn with(name: &str, value: Value) -> Value {
        let mut scanner = scanner();
        scanner[name] = value;
        scanner
    }

    #[test]
    fn a_suppression_is_written_as_it_was_read() {
        let read = read(scanner()).unwrap();
        assert_eq!(read.until, SystemTime::UNIX_EPOCH + Duration::from_hours(501_072));
        assert_eq!(serde_json::to_value(read).unwrap(), scanner());
    }

    #[test]
    fn invalid_fields_are_rejected_with_the_remedy() {
        for (name, value, expected) in [
            ("when", json!("syn ||"), "line 1, column 7: expected a condition, found the end"),
            ("until", json!("2027-03-01"), "`2027-03-01` is not a time in UTC, such as 2027-03-01T00:00:00Z"),
            ("until", json!("2027-03-01T00:00:00+01:00"), "`2027-03-01T00:00:00+01:00` is not a time in UTC"),
            ("rules", json!(["port_scan"]), "unknown variant `port_scan`"),
            ("untill", json!("2027-03-01T00:00:00Z"), "unknown field `untill`"),
        ] {
            let error = read(with(name, value)).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        for name in ["name", "when", "until", "reason"] {
            let mut scanner = scanner();
            scanner.as_object_mut().unwrap().remove(name);
            assert_eq!(read(scanner), Err(format!("missing field `{name}`")));
        }
    }

    #[test]
    fn it_is_about_its_rules_or_about_all() {
        let scans = read(scanner()).unwrap();
        assert_eq!(
            Rule::ALL.map(|rule| scans.is_about(rule)),
            Rule::ALL.map(|rule| matches!(rule, Rule::PortScan | Rule::HostSweep))
        );
        let mut all = scanner();
        all.as_object_mut().unwrap().remove("rules");
        let all = read(all).unwrap();
        assert!(Rule::ALL.into_iter().all(|rule| all.is_about(rule)));
    }

    #[test]
    fn it_ends_at_its_time() {
        let scanner = read(scanner()).unwrap();
        assert!(scanner.is_expired(scanner.until));
        assert!(!scanner.is_expired(scanner.until - Duration::from_secs(1)));
    }
}
