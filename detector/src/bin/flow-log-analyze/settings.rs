//! The settings of an analysis.

use std::sync::Arc;

use detector::custom_rule::CustomRule;
use detector::declared_rule::DeclaredRule;
use detector::rules::Config;
use detector::suppression::Suppression;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The settings of the rules, and the rules and suppressions of the user.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The settings of the detector's rules.
    pub config: Config,
    /// The rules of the user.
    pub custom_rules: Vec<Arc<CustomRule>>,
    /// The suppressions.
    pub suppress: Vec<Suppression>,
}

/// An entry of `customRules` or `suppress` that is invalid.
#[derive(Debug, thiserror::Error)]
#[error("{path}[{place}]: {problem}")]
pub struct EntryError {
    path: String,
    place: usize,
    problem: serde_json::Error,
}

impl Settings {
    /// The settings of a `spec.detector` that is at `path`. The tests of the rules are not run.
    pub fn new(config: Config, detector: &Value, path: &str) -> Result<Self, EntryError> {
        let declared: Vec<DeclaredRule> = entries(detector, path, "customRules")?;
        Ok(Self {
            config,
            custom_rules: declared.into_iter().map(|declared| Arc::new(declared.rule)).collect(),
            suppress: entries(detector, path, "suppress")?,
        })
    }
}

fn entries<T: DeserializeOwned>(detector: &Value, path: &str, name: &str) -> Result<Vec<T>, EntryError> {
    let error = |place, problem| EntryError { path: format!("{path}{name}"), place, problem };
    let entries = detector[name].as_array().into_iter().flatten().enumerate();
    entries
        .map(|(place, entry)| serde_json::from_value(entry.clone()).map_err(|problem| error(place, problem)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_invalid_entry_is_named_with_its_place() {
        let rule =
            json!({"name": "smb", "severity": "HIGH", "when": "dstport == 445", "description": "d", "tests": []});
        let read = |detector: Value| Settings::new(Config::default(), &detector, "spec.detector.");
        let settings = read(json!({"customRules": [rule]})).unwrap();
        assert_eq!((settings.custom_rules[0].name.as_str(), settings.suppress.len()), ("smb", 0));
        let error = read(json!({"suppress": [{"name": "abc", "when": "dstprt == 1"}]})).unwrap_err().to_string();
        assert!(
            error.starts_with("spec.detector.suppress[0]: line 1, column 1: there is no field `dstprt`"),
            "{error}"
        );
        assert!(error.ends_with("\n  dstprt == 1\n  ^^^^^^"), "{error}");
    }
}
