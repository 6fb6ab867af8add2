use std::borrow::Cow;
use std::collections::BTreeMap;

use flow_log_fields::GroupField;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::rule_test_value::RuleTestValue;
use super::severity::Severity;
use crate::api::cel::{distinct, matching, names_differ, one_line, record_condition, rule, rule_name};

/// A rule of your own for the detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("!self.enabled || (has(self.tests) && self.tests.exists(test, test.matches) && self.tests.exists(test, !test.matches))", "a rule needs a test with matches: true and one with matches: false, unless it has enabled: false")
]))]
pub struct CustomRule {
    /// Name in messages, metrics and message attributes: 3 to 40 small letters, digits and `_`, a letter first.
    #[schemars(length(max = 40), extend("x-kubernetes-validations" = [rule_name()]))]
    pub name: String,
    /// Severity of the findings: LOW, MEDIUM or HIGH. `minSeverity` applies to them too.
    pub severity: Severity,
    /// Condition on a record, an expression of a subset of CEL, such as `action == "ACCEPT" && dstport == 5432`. At most 1024 characters
    /// and 64 conditions; all rules and suppressions together have at most 256 conditions. A rule finds nothing if `cloudWatchLogs.fields`,
    /// or `s3.fields` with `detector.source: S3`, lacks a field that it needs; the notice `RuleIdle` names it.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [record_condition()]))]
    pub when: String,
    /// Fields that distinguish findings: `source`, `destination`, and one of `dstport`, `protocol` and `interface_id`. Default `source` and
    /// `destination`.
    #[serde(default = "default_group_by")]
    #[schemars(with = "Vec<GroupFieldName>", length(max = 5), extend("x-kubernetes-validations" = [
        distinct("a field may be named once only in groupBy: take out the repeated one"),
        rule("self.filter(entry, entry in ['dstport', 'protocol', 'interface_id']).size() <= 1", "groupBy has at most one of dstport, protocol and interface_id")
    ]))]
    pub group_by: Vec<GroupField>,
    /// A finding begins at this many matching records within `windowSeconds`, 1 to 1000000. Default 1.
    #[serde(default = "default_min_records")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_records: i32,
    /// Meaning of a finding, in one line of at most 512 characters. Messages have it.
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [one_line("description")]))]
    pub description: String,
    /// Page with the steps to take, an address that begins with `https://`. Messages link to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [
        matching("^https://[A-Za-z0-9._~:/?#@!$&()*+,;=%-]+$", "a runbook is an address that begins with https://, such as https://wiki.example.com/database")
    ]))]
    pub runbook: Option<String>,
    /// Techniques of MITRE ATT&CK, such as `T1046` or `T1021.002`, at most 8. Default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8), inner(length(max = 9)))]
    #[schemars(extend("x-kubernetes-validations" = [
        rule("self.all(entry, entry.matches('^T[0-9]{4}([.][0-9]{3})?$'))", "a technique has the form of T1046 or T1021.002").showing("%s", &["self.filter(entry, !entry.matches('^T[0-9]{4}([.][0-9]{3})?$'))[0]"]),
        distinct("a technique may be named once only in mitre: take out the repeated one")
    ]))]
    pub mitre: Vec<String>,
    /// False switches the rule off. Default true.
    #[serde(default = "default_enabled")]
    pub enabled: bool,
    /// Tests of `when`, 1 to 16: at least one record that matches and one that does not. If a test of an enabled rule fails, the function
    /// keeps the settings that it has, and the condition `DetectorReady` names the test. They do not run if the
    /// records lack a field that the rule needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-validations" = [
        names_differ("the names of a rule's tests must differ")
    ]))]
    pub tests: Vec<RuleTest>,
}

/// The schema of a [`GroupField`].
struct GroupFieldName;

impl JsonSchema for GroupFieldName {
    fn schema_name() -> Cow<'static, str> {
        "GroupField".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = GroupField::ALL;
        json_schema!({"description": "A field that distinguishes findings of a rule.", "type": "string", "enum": names})
    }
}

/// A test of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [
    rule("has(self.record) != has(self.line)", "a test has either record, with values by field, or line, in the format of the flow log")
]))]
pub struct RuleTest {
    /// Name of the test, in one line of at most 64 characters.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = [one_line("the name of a test")]))]
    pub name: String,
    /// True if `when` should match the record.
    pub matches: bool,
    /// Values of the record by field, such as `dstport: 5432`; names as in `cloudWatchLogs.fields`, with `-` or `_`. A field that is left out
    /// has no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 40))]
    pub record: Option<BTreeMap<String, RuleTestValue>>,
    /// The record as a line with the fields of the records that are read: `cloudWatchLogs.fields`, or `s3.fields` where the bucket is read
    /// (`detector.source: S3`; for `detections.custom` without the log group).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = [
        matching("^[!-~]+( [!-~]+)*$", "line is a record of the flow log: values with one space between them")
    ]))]
    pub line: Option<String>,
}

fn default_group_by() -> Vec<GroupField> {
    vec![GroupField::Source, GroupField::Destination]
}

const fn default_min_records() -> i32 {
    1
}

const fn default_enabled() -> bool {
    true
}
