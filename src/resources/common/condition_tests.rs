//! Tests of conditions on records, as rules and detections of users have them.

use detector::rule_tests::{RuleTest, TestOutcome};
use serde_json::json;

use super::entry_error::{EntryError, visible};
use crate::api::spec;

/// The tests as the detector reads them.
pub fn read(declared: &[spec::RuleTest]) -> Result<Vec<RuleTest>, EntryError> {
    let read = |(place, test): (usize, &spec::RuleTest)| {
        let part = format!(".tests[{place}]");
        serde_json::from_value(json!(test)).map_err(|problem| EntryError::part(part, &problem.to_string()))
    };
    declared.iter().enumerate().map(read).collect()
}

/// The place of the first failed test of the rule or detection `name`, and the failure in words.
#[must_use]
pub fn first_failure(noun: &str, name: &str, outcomes: &[TestOutcome<'_>]) -> Option<(usize, String)> {
    let failed: Vec<_> = outcomes.iter().enumerate().filter(|(_, outcome)| !outcome.passed()).collect();
    let (place, TestOutcome { test, matched }) = failed.first()?;
    let reason = match matched {
        Ok(true) => format!("`when` matches {}, and should not", test.input),
        Ok(false) => format!("`when` does not match {}, and should", test.input),
        Err(problem) => problem.to_string(),
    };
    let others = match failed.len() - 1 {
        0 => String::new(),
        others => format!(" ({others} more of its tests fail)"),
    };
    let problem = format!(
        "the test `{}` of the {noun} `{name}` fails: {reason}{others}; correct the {noun} or the test",
        test.name
    );
    Some((*place, visible(&problem)))
}
