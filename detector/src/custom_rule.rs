//! Rules of users: a condition on records, and the words of their findings.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};

use flow_log_fields::GroupField;
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::rules::rule::Severity;

/// The most characters of a name.
const MAX_NAME: usize = 40;

/// A rule of a user. The members are in alphabetical order, as [`PackageConfig`](crate::package_config::PackageConfig) needs them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, try_from = "Unchecked")]
pub struct CustomRule {
    /// The meaning of a finding.
    pub description: String,
    /// False for a rule that is switched off.
    pub enabled: bool,
    /// The fields that distinguish findings of the rule.
    pub group_by: BTreeSet<GroupField>,
    /// Records of a window from which on there is a finding.
    pub min_records: u32,
    /// Techniques of MITRE ATT&CK.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mitre: Vec<String>,
    /// The name, the same in the spec, messages, metrics and message attributes.
    pub name: String,
    /// The page with the steps that a person should take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// The severity of its findings.
    pub severity: Severity,
    /// The condition on the records.
    pub when: Expression,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unchecked {
    name: String,
    severity: Severity,
    when: Expression,
    group_by: Option<BTreeSet<GroupField>>,
    min_records: Option<u32>,
    description: String,
    runbook: Option<String>,
    #[serde(default)]
    mitre: Vec<String>,
    enabled: Option<bool>,
}

/// The reason a rule is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomRuleError {
    /// Not the name of a rule.
    #[error(
        "name `{0}` is not the name of a rule; write 3 to {MAX_NAME} small letters, digits and `_`, a letter first"
    )]
    Name(String),
    /// A finding has one property besides its addresses.
    #[error("groupBy of `{0}` has more than one of dstport, protocol and interface_id; write one of them at most")]
    GroupBy(String),
    /// No record at all is no finding.
    #[error("minRecords of `{0}` is 0; write 1 or more")]
    MinRecords(String),
    /// A text of several lines.
    #[error("{field} of `{rule}` has a line break or a control character; write one line")]
    Line {
        /// The field.
        field: &'static str,
        /// The rule.
        rule: String,
    },
}

impl TryFrom<Unchecked> for CustomRule {
    type Error = CustomRuleError;

    fn try_from(rule: Unchecked) -> Result<Self, CustomRuleError> {
        let Unchecked { name, severity, when, group_by, min_records, description, runbook, mitre, enabled } = rule;
        if !is_name(&name) {
            return Err(CustomRuleError::Name(name));
        }
        let group_by = group_by.unwrap_or_else(|| [GroupField::Source, GroupField::Destination].into());
        let is_address = |field: &&GroupField| matches!(field, GroupField::Source | GroupField::Destination);
        if group_by.iter().filter(|field| !is_address(field)).count() > 1 {
            return Err(CustomRuleError::GroupBy(name));
        }
        let min_records = min_records.unwrap_or(1);
        if min_records == 0 {
            return Err(CustomRuleError::MinRecords(name));
        }
        let texts = [("description", Some(&description)), ("runbook", runbook.as_ref())]
            .into_iter()
            .chain(mitre.iter().map(|technique| ("mitre", Some(technique))));
        for (field, text) in texts {
            if text.is_some_and(|text| text.chars().any(char::is_control)) {
                return Err(CustomRuleError::Line { field, rule: name });
            }
        }
        let enabled = enabled.unwrap_or(true);
        Ok(Self { description, enabled, group_by, min_records, mitre, name, runbook, severity, when })
    }
}

/// The rules of the detector have a capital in their names.
fn is_name(text: &str) -> bool {
    (3..=MAX_NAME).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|it| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// The names of rules differ.
impl PartialEq for CustomRule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for CustomRule {}

impl PartialOrd for CustomRule {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CustomRule {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl Hash for CustomRule {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The rule of `docs/rules.md`.
    pub(crate) fn database() -> Value {
        json!({
            "name": "database_from_elsewhere",
            "severity": "HIGH",
            "when": "action == \"ACCEPT\" && dstport == 5432",
            "description": "Only the bastion may open PostgreSQL.",
        })
    }

    pub(crate) fn read(value: Value) -> Result<CustomRule, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_that_are_left_out_have_their_defaults() {
        let rule = read(database()).unwrap();
        assert_eq!(rule.group_by, [GroupField::Source, GroupField::Destination].into());
        assert_eq!((rule.min_records, rule.runbook.as_ref(), rule.enabled), (1, None, true));
        let again = read(serde_json::to_value(&rule).unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{rule:?}"));
    }

    #[test]
    fn invalid_fields_are_rejected_with_the_remedy() {
        for (name, value, expected) in [
            ("name", json!("portScan"), "name `portScan` is not the name of a rule; write 3 to 40 small letters"),
            ("name", json!("1st"), "name `1st` is not"),
            ("name", json!("ab"), "name `ab` is not"),
            ("name", json!("a".repeat(41)), "name `aaa"),
            ("when", json!("dstprt == 1"), "line 1, column 1: there is no field `dstprt`"),
            ("groupBy", json!(["dstport", "protocol"]), "groupBy of `database_from_elsewhere` has more than one of"),
            ("groupBy", json!(["port"]), "unknown variant `port`"),
            ("minRecords", json!(0), "minRecords of `database_from_elsewhere` is 0; write 1 or more"),
            ("description", json!("a\nb"), "description of `database_from_elsewhere` has a line break"),
            ("runbook", json!("a\rb"), "runbook of"),
            ("mitre", json!(["T1\t"]), "mitre of"),
            ("sevrity", json!("HIGH"), "unknown field `sevrity`"),
        ] {
            let mut rule = database();
            rule[name] = value;
            let error = read(rule).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
