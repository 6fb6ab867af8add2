//! Tests of users' rules: records with the outcome that the condition should have.
//!
//! A test judges the condition alone: records are not counted over a window, and no suppression applies.

use std::collections::BTreeMap;
use std::fmt;

use flow_log_fields::Field;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::expression::Expression;
use crate::format::{FormatError, LogFormat};
use crate::record::{Parser, RecordError};
use crate::rules::{Ends, Networks};

/// The likeness of two names from which on one is taken for a misspelling of the other.
const LEAST_LIKENESS: f64 = 0.5;

/// A test of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Unchecked")]
pub struct RuleTest {
    /// The name, for people.
    pub name: String,
    /// True if the condition should match the record.
    pub matches: bool,
    /// The record.
    #[serde(flatten)]
    pub input: TestInput,
}

/// The record of a test, in one of two forms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TestInput {
    /// Values by field, `-` or `_` between the words of its name. A field that is left out has no value.
    Record(BTreeMap<String, TestValue>),
    /// A line in the format of the flow log.
    Line(String),
}

/// The value of a field, as YAML has it with or without quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "the value of a field is a text or a whole number")]
pub enum TestValue {
    /// A whole number.
    Number(u64),
    /// A text; `-` for no value.
    Text(String),
}

/// A test as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Unchecked {
    name: String,
    matches: bool,
    record: Option<BTreeMap<String, TestValue>>,
    line: Option<String>,
}

/// A test with no record, or with two.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the test `{0}` needs either `record`, with values by field, or `line`, in the format of the flow log")]
pub struct RuleTestError(String);

impl TryFrom<Unchecked> for RuleTest {
    type Error = RuleTestError;

    fn try_from(Unchecked { name, matches, record, line }: Unchecked) -> Result<Self, RuleTestError> {
        let input = match (record, line) {
            (Some(record), None) => TestInput::Record(record),
            (None, Some(line)) => TestInput::Line(line),
            (Some(_), Some(_)) | (None, None) => return Err(RuleTestError(name)),
        };
        Ok(Self { name, matches, input })
    }
}

impl fmt::Display for TestValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// The record in one line: `action=ACCEPT dstport=5432`, or the line itself.
impl fmt::Display for TestInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(values) => {
                for (place, (name, value)) in values.iter().enumerate() {
                    write!(f, "{}{name}={value}", if place == 0 { "" } else { " " })?;
                }
                Ok(())
            }
            Self::Line(line) => f.write_str(line),
        }
    }
}

/// The reason the record of a test is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TestRecordError {
    /// A field that flow logs do not have.
    #[error(
        "flow logs have no field `{name}`{}",
        nearest.map(|it| format!("; write `{it}` if you mean it")).unwrap_or_default()
    )]
    UnknownField {
        /// The name.
        name: String,
        /// The most similar name of a field.
        nearest: Option<&'static str>,
    },
    /// A field that this flow log does not have: the rule would never see such a record.
    #[error("the format of this flow log has no field `{0}`; add it to the format, or leave it out of the record")]
    NotInFormat(String),
    /// A field with two values.
    #[error("the record has `{0}` twice, with `-` and with `_`; write it once")]
    Repeated(String),
    /// A value that the field cannot have.
    #[error("`{value}` is not a value that the field `{field}` can have")]
    Value {
        /// The field.
        field: String,
        /// The value.
        value: String,
    },
    /// A line of another format.
    #[error("the line is not a record of this flow log: {0}")]
    Line(RecordError),
    /// A record with no field.
    #[error("the record has no field; write one at least")]
    Empty,
}

/// A test with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome<'t> {
    /// The test.
    pub test: &'t RuleTest,
    /// True if the condition matches the record.
    pub matched: Result<bool, TestRecordError>,
}

impl TestOutcome<'_> {
    /// True if the outcome is the expected one.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.matched == Ok(self.test.matches)
    }
}

/// Runs the tests of a condition, for a flow log of `format` with `trusted` networks besides the private ones.
#[must_use]
pub fn run<'t>(
    when: &Expression,
    tests: &'t [RuleTest],
    format: &LogFormat,
    trusted: &[IpNet],
) -> Vec<TestOutcome<'t>> {
    let networks = Networks::new(trusted.to_vec());
    tests.iter().map(|test| TestOutcome { test, matched: is_matched(when, &test.input, format, &networks) }).collect()
}

fn is_matched(
    when: &Expression,
    input: &TestInput,
    format: &LogFormat,
    networks: &Networks,
) -> Result<bool, TestRecordError> {
    let judge = |format: LogFormat, line: &str| {
        let parser = Parser::new(format);
        let record = parser.parse(line)?;
        // The detector judges no other records.
        Ok(record.has_traffic() && when.matches(&record, &Ends::of(&record, networks)))
    };
    match input {
        TestInput::Line(line) => judge(format.clone(), line).map_err(TestRecordError::Line),
        TestInput::Record(values) => {
            let (format, line) = written(values, format)?;
            judge(format, &line).map_err(|error| named(error, values))
        }
    }
}

/// The values as a line, with its format.
fn written(values: &BTreeMap<String, TestValue>, log: &LogFormat) -> Result<(LogFormat, String), TestRecordError> {
    let mut fields = Vec::with_capacity(values.len());
    let mut line = String::new();
    for (name, value) in values {
        let field = Field::from_name(name)
            .ok_or_else(|| TestRecordError::UnknownField { name: name.clone(), nearest: nearest(name) })?;
        let value = value.to_string();
        if value.is_empty() || value.contains(char::is_whitespace) {
            return Err(TestRecordError::Value { field: name.clone(), value });
        }
        if !log.has(field) {
            return Err(TestRecordError::NotInFormat(name.clone()));
        }
        if !fields.is_empty() {
            line.push(' ');
        }
        fields.push(field);
        line.push_str(&value);
    }
    let format = LogFormat::from_names(fields.iter().map(|field| field.name())).map_err(|error| match error {
        FormatError::Repeated(name) => TestRecordError::Repeated(name),
        FormatError::Empty | FormatError::NotAField(_) => TestRecordError::Empty,
    })?;
    Ok((format, line))
}

/// The error of the line that the values make, with the value of the field.
fn named(error: RecordError, values: &BTreeMap<String, TestValue>) -> TestRecordError {
    let RecordError::Value(field) = error else { return TestRecordError::Line(error) };
    let value = values.iter().find(|(name, _)| Field::from_name(name).is_some_and(|known| known.name() == field));
    let value = value.map(|(_, value)| value.to_string()).unwrap_or_default();
    TestRecordError::Value { field, value }
}

fn nearest(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase().replace('_', "-");
    let likeness = |field: &Field| strsim::normalized_damerau_levenshtein(&lower, field.name());
    let all = Field::ALL.iter().map(|field| (likeness(field), field.name()));
    all.max_by(|(a, _), (b, _)| a.total_cmp(b)).filter(|(most, _)| *most >= LEAST_LIKENESS).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn compiled(when: &str) -> Expression {
        Expression::compile(when).unwrap()
    }

    fn with_head(input: Value) -> Value {
        let mut test = json!({"name": "t", "matches": true});
        test.as_object_mut().unwrap().append(&mut serde_json::from_value(input).unwrap());
        test
    }

    fn test(input: Value) -> RuleTest {
        serde_json::from_value(with_head(input)).unwrap()
    }

    /// The outcome of one record, in AWS's default format with `tcp-flags`.
    fn matched(when: &str, input: Value) -> Result<bool, String> {
        let format = format!("{} ${{tcp-flags}}", LogFormat::aws_default()).parse().unwrap();
        let trusted = ["203.0.113.0/24".parse().unwrap()];
        let tests = [test(input)];
        let mut outcomes = run(&compiled(when), &tests, &format, &trusted);
        assert_eq!(outcomes.len(), 1);
        outcomes.remove(0).matched.map_err(|error| error.to_string())
    }

    fn record(record: Value) -> Value {
        Value::Object([("record".to_owned(), record)].into_iter().collect())
    }

    #[test]
    fn values_are_texts_or_numbers_and_names_have_either_sign() {
        let when = "dstport == 5432 && tcp_flags == 2 && action == \"ACCEPT\"";
        assert_eq!(matched(when, record(json!({"dstport": 5432, "tcp_flags": "2", "action": "ACCEPT"}))), Ok(true));
        assert_eq!(matched(when, record(json!({"dstport": "5432", "tcp-flags": 2, "action": "REJECT"}))), Ok(false));
        assert_eq!(matched(when, record(json!({"dstport": "-", "tcp-flags": 2, "action": "ACCEPT"}))), Ok(false));
        assert_eq!(matched("!has(bytes)", record(json!({"dstport": 5432}))), Ok(true), "a field that is left out");
    }

    #[test]
    fn a_line_has_the_format_of_the_flow_log() {
        let line = "2 123456789012 eni-1 10.0.3.4 10.0.9.9 50000 5432 6 1 40 1 2 ACCEPT OK 2";
        assert_eq!(matched("dstport == 5432 && syn", json!({"line": line})), Ok(true));
        let problem = "the line is not a record of this flow log: expected 15 fields, found 14";
        assert_eq!(matched("syn", json!({"line": line.trim_end_matches(" 2")})), Err(problem.to_owned()));
        let problem =
            "the line is not a record of this flow log: the value of `action` is not one that the field can have";
        assert_eq!(matched("syn", json!({"line": line.replace("ACCEPT", "accept")})), Err(problem.to_owned()));
    }

    #[test]
    fn ends_and_networks_are_those_of_the_detector() {
        let to = |address: &str| matched("destination_public", record(json!({"dstaddr": address})));
        assert_eq!((to("198.51.100.1"), to("10.0.0.1")), (Ok(true), Ok(false)));
        assert_eq!(to("203.0.113.7"), Ok(false), "a trusted network");
    }

    #[test]
    fn records_without_traffic_never_match() {
        let of = |status: &str| matched("dstport == 1", record(json!({"dstport": 1, "log_status": status})));
        assert_eq!((of("OK"), of("SKIPDATA")), (Ok(true), Ok(false)));
    }

    #[test]
    fn an_invalid_record_is_an_error_that_names_the_field() {
        for (input, expected) in [
            (json!({"dstprt": 1}), "flow logs have no field `dstprt`; write `dstport` if you mean it"),
            (json!({"qqq": 1}), "flow logs have no field `qqq`"),
            (
                json!({"pkt_srcaddr": "10.0.0.1"}),
                "the format of this flow log has no field `pkt_srcaddr`; add it to the format, or leave it out of the record",
            ),
            (
                json!({"tcp-flags": 1, "tcp_flags": 2}),
                "the record has `tcp-flags` twice, with `-` and with `_`; write it once",
            ),
            (json!({"dstport": 65_536}), "`65536` is not a value that the field `dstport` can have"),
            (json!({"log_status": "ok"}), "`ok` is not a value that the field `log-status` can have"),
            (json!({"srcaddr": "10.0.0.0/8"}), "`10.0.0.0/8` is not a value that the field `srcaddr` can have"),
            (json!({"interface_id": "eni 1"}), "`eni 1` is not a value that the field `interface_id` can have"),
            (json!({"action": ""}), "`` is not a value that the field `action` can have"),
            (json!({}), "the record has no field; write one at least"),
        ] {
            assert_eq!(matched("syn", record(input)), Err(expected.to_owned()));
        }
    }

    #[test]
    fn each_test_has_its_outcome_in_order() {
        let tests = [
            json!({"name": "hit", "matches": true, "record": {"dstport": 5432}}),
            json!({"name": "miss", "matches": true, "record": {"dstport": 80}}),
            json!({"name": "negative", "matches": false, "record": {"dstport": 80}}),
            json!({"name": "broken", "matches": false, "record": {"port": 80}}),
        ]
        .map(|test| serde_json::from_value(test).unwrap());
        let outcomes = run(&compiled("dstport == 5432"), &tests, &LogFormat::aws_default(), &[]);
        let passed: Vec<_> = outcomes.iter().map(|it| (it.test.name.as_str(), it.passed())).collect();
        assert_eq!(passed, [("hit", true), ("miss", false), ("negative", true), ("broken", false)]);
    }

    #[test]
    fn a_test_is_written_as_it_was_read_and_shown_in_one_line() {
        let value = json!({"name": "t", "matches": true, "record": {"action": "ACCEPT", "dstport": 22}});
        let test: RuleTest = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&test).unwrap(), value);
        assert_eq!(test.input.to_string(), "action=ACCEPT dstport=22");
        let value = json!({"name": "t", "matches": false, "line": "2 - eni-1"});
        let test: RuleTest = serde_json::from_value(value.clone()).unwrap();
        assert_eq!((serde_json::to_value(&test).unwrap(), test.input.to_string()), (value, "2 - eni-1".to_owned()));
    }

    #[test]
    fn a_test_has_one_record() {
        for (value, expected) in [
            (json!({}), "the test `t` needs either `record`, with values by field, or `line`"),
            (json!({"record": {"dstport": 1}, "line": "1"}), "the test `t` needs either `record`"),
            (json!({"recrod": {}}), "unknown field `recrod`"),
            (json!({"record": {"dstport": true}}), "the value of a field is a text or a whole number"),
            (json!({"record": {"dstport": -1}}), "the value of a field is a text or a whole number"),
        ] {
            let error = serde_json::from_value::<RuleTest>(with_head(value)).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
