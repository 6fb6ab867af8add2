//! The detections of the user: their conditions, as filter patterns where there is a log group, and their tests.

use detector::expression::Expression;
use detector::expression::by_field::{Comparison, FieldConditions, Joined, NotByField, Subject};
use detector::format::LogFormat;
use detector::rule_tests::{self, RuleTest, TestOutcome};
use ipnet::IpNet;

use super::networks;
use super::render::{MAX_CHARS, name, render};
use crate::api::spec::CustomDetection;
use crate::api::{FlowLogField, Invalid, VpcFlowMonitorSpec, log_format};
use crate::resources::common::condition_tests;
use crate::resources::common::counted_records::{CountedRecords, destination_field, source_field};
use crate::resources::common::entry_error::{EntryError, compile};
use crate::resources::common::networks::trusted;

/// Most patterns with regular expressions in a log group; see "Supported regular expressions" in the CloudWatch Logs user guide.
const MOST_WITH_REGEX: usize = 5;

/// Most regular expressions in a pattern; see there.
const MOST_REGEXES: usize = 2;

/// The largest whole number up to which all numbers of a pattern are exact.
const MAX_NUMBER: u64 = 1 << 53;

/// A valid detection with its tests.
#[derive(Debug)]
pub struct TestedDetection {
    /// The pattern of its filter; none without a log group.
    pattern: Option<String>,
    when: Expression,
    tests: Vec<RuleTest>,
}

/// The detections of a spec, in its order.
#[derive(Debug)]
pub struct CustomDetections<'s> {
    /// Each with its reading.
    pub all: Vec<(&'s CustomDetection, Result<TestedDetection, EntryError>)>,
    format: LogFormat,
    trusted: Vec<IpNet>,
}

/// The detections of a spec, or the reason none of them can be read.
pub type ReadDetections<'s> = Result<CustomDetections<'s>, Invalid>;

impl<'s> CustomDetections<'s> {
    /// Reads them. Without a valid format and valid networks no test can run.
    pub fn read(spec: &'s VpcFlowMonitorSpec) -> Result<Self, Invalid> {
        let CountedRecords { place, fields, .. } = CountedRecords::of(spec);
        // Without a log group the detector counts the records of the bucket.
        let has_log_group = spec.cloud_watch_logs.enabled;
        let format = log_format(fields).parse().map_err(|problem| Invalid::new(place, format!("{problem}")))?;
        let trusted = trusted(spec)?;
        let pattern = |when: &Expression| {
            if has_log_group {
                of_expression(when, (place, fields)).map(Some)
            } else {
                counted_by_the_detector(when, place, &format).map(|()| None)
            }
        };
        let mut with_regex = usize::from(spec.detections.external_connections.enabled);
        let all = spec.detections.custom.iter().map(|detection| {
            let mut read = read(detection, pattern);
            let has_regex = read.as_ref().is_ok_and(TestedDetection::has_regex);
            with_regex += usize::from(has_regex);
            if with_regex > MOST_WITH_REGEX && has_regex {
                let problem = format!(
                    "a log group has at most {MOST_WITH_REGEX} patterns with networks, and externalConnections has one of them; \
                     make it a customRule"
                );
                read = Err(EntryError::part(".when", &problem));
            }
            (detection, read)
        });
        Ok(Self { all: all.collect(), format, trusted })
    }

    /// The tests of a detection with their outcomes.
    #[must_use]
    pub fn outcomes<'t>(&self, detection: &'t TestedDetection) -> Vec<TestOutcome<'t>> {
        rule_tests::run(&detection.when, &detection.tests, &self.format, &self.trusted)
    }

    /// The conditions of all, once their tests pass.
    pub fn conditions(&self) -> Result<Vec<(&'s CustomDetection, Expression)>, Invalid> {
        let condition = |(declared, read): &(&'s CustomDetection, Result<TestedDetection, EntryError>)| {
            self.tested(&declared.name).transpose()?;
            Ok(read.as_ref().ok().map(|read| (*declared, read.when.clone())))
        };
        self.all.iter().filter_map(|read| condition(read).transpose()).collect()
    }

    /// The detection `name`, once its tests pass; `None` if there is no such detection.
    fn tested(&self, name: &str) -> Option<Result<&TestedDetection, Invalid>> {
        let mut named = self.all.iter().enumerate().filter(|(_, (declared, _))| declared.name == name);
        let (index, (declared, read)) = named.next()?;
        let entry = format!("detections.custom[{index}]");
        let read = match read {
            Ok(read) => read,
            Err(EntryError::Part { part, problem }) => {
                return Some(Err(Invalid::new(format!("{entry}{part}"), format!("`{name}`: {problem}"))));
            }
            Err(error) => return Some(Err(error.clone().into_invalid(&entry, &declared.name))),
        };
        Some(match condition_tests::first_failure("detection", name, &self.outcomes(read)) {
            Some((place, problem)) => Err(Invalid::failed_test(format!("{entry}.tests[{place}]"), problem)),
            None => Ok(read),
        })
    }
}

impl TestedDetection {
    fn has_regex(&self) -> bool {
        self.pattern.as_ref().is_some_and(|pattern| pattern.contains('%'))
    }
}

/// The pattern of the detection `name`, once its tests pass; `None` if there is no such detection, or no log group.
pub(super) fn pattern(read: &ReadDetections<'_>, name: &str) -> Option<Result<String, Invalid>> {
    match read {
        Ok(detections) => detections.tested(name)?.map(|tested| tested.pattern.clone()).transpose(),
        Err(invalid) => Some(Err(invalid.clone())),
    }
}

/// The reason the detection `name` is refused, if it is.
#[must_use]
pub fn refusal(read: &ReadDetections<'_>, name: &str) -> Option<Invalid> {
    match read {
        Ok(detections) => detections.tested(name)?.err(),
        Err(invalid) => Some(invalid.clone()),
    }
}

fn read(
    declared: &CustomDetection,
    pattern: impl Fn(&Expression) -> Result<Option<String>, String>,
) -> Result<TestedDetection, EntryError> {
    let when = compile(&declared.when)?;
    let pattern = pattern(&when).map_err(|problem| EntryError::part(".when", &problem))?;
    let tests = condition_tests::read(&declared.tests)?;
    Ok(TestedDetection { pattern, when, tests })
}

/// The detector counts what it can read: no limit of patterns holds, but a condition on a field that is missing is never true.
fn counted_by_the_detector(when: &Expression, place: &str, format: &LogFormat) -> Result<(), String> {
    match when.lacks(format) {
        Some(missing) => Err(needs(missing.name(), place)),
        None => Ok(()),
    }
}

fn needs(field: &str, place: &str) -> String {
    format!("it needs the field {field}: add it to {place}")
}

/// The pattern that matches the records with traffic that match `when`; `place` is the field of the spec that names the `fields`.
pub(super) fn of_expression(when: &Expression, (place, fields): (&str, &[FlowLogField])) -> Result<String, String> {
    let not_in_a_pattern = |reason: &NotByField| match reason {
        NotByField::Constant(_) => format!("{reason}; test a field"),
        _ => format!("{reason}: make it a customRule"),
    };
    let mut terms = Vec::new();
    for FieldConditions { subject, joined } in when.by_field().map_err(|reason| not_in_a_pattern(&reason))? {
        let field = field(subject, fields).map_err(|missing| needs(missing.name(), place))?;
        if terms.iter().any(|(known, _)| *known == field) {
            return Err(format!("it names the field {} twice, by another name too: write one of them", field.name()));
        }
        terms.push((field, term(field, &joined)?));
    }
    let status = FlowLogField::LogStatus;
    if fields.contains(&status) {
        let is_ok = "log_status=OK";
        match terms.iter().find(|(field, _)| *field == status) {
            Some((_, term)) if term == is_ok => {}
            Some(_) => return Err("only records with log_status \"OK\" are counted: leave log_status out".to_owned()),
            None => terms.push((status, is_ok.to_owned())),
        }
    }
    let pattern = render(fields, &terms);
    if pattern.matches('%').count() > 2 * MOST_REGEXES {
        return Err(format!("a pattern has networks of at most {MOST_REGEXES} fields: make it a customRule"));
    }
    match pattern.len() {
        len if len > MAX_CHARS => Err(format!(
            "CloudWatch's filter pattern would have {len} characters, and at most {MAX_CHARS}; name fewer values or networks"
        )),
        _ => Ok(pattern),
    }
}

/// The field of the format that the conditions are about, or the one that is missing.
fn field(subject: Subject, fields: &[FlowLogField]) -> Result<FlowLogField, FlowLogField> {
    match (subject, subject.field()) {
        (_, Some(field)) => fields.contains(&field).then_some(field).ok_or(field),
        (Subject::Destination, None) => destination_field(fields).ok_or(FlowLogField::DstAddr),
        (_, None) => source_field(fields).ok_or(FlowLogField::SrcAddr),
    }
}

/// The conditions on a field as a pattern writes them. An unknown value is `-`, which differs from every value.
fn term(field: FlowLogField, joined: &Joined) -> Result<String, String> {
    let name = name(field);
    let (comparisons, operator) = match joined {
        Joined::All(all) => (all, " && "),
        Joined::Any(any) => (any, " || "),
    };
    let mut tests = comparisons.iter().map(test).collect::<Result<Vec<_>, _>>()?;
    let excludes = |it: &Comparison| matches!(it, Comparison::NotEqual(_) | Comparison::NotIn(_));
    if comparisons.iter().any(excludes) {
        if matches!(joined, Joined::Any(_)) {
            return Err(format!(
                "`!=` within `||` in the conditions on {name} has no form in a pattern: make it a customRule"
            ));
        }
        tests.push("!=\"-\"".to_owned());
    }
    Ok(tests.into_iter().map(|test| format!("{name}{test}")).collect::<Vec<_>>().join(operator))
}

fn test(comparison: &Comparison) -> Result<String, String> {
    let number = |number: u64| match number {
        0..=MAX_NUMBER => Ok(number),
        _ => Err(format!("the number {number} is too large for a pattern")),
    };
    let value = |text: &str| match text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => Ok(text.to_owned()),
        false if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') => Ok(format!("{text:?}")),
        false => Err(format!("the value {text:?} has no form in a pattern")),
    };
    let regex = |networks: &[IpNet]| {
        let networks = IpNet::aggregate(&networks.to_vec());
        networks.iter().flat_map(networks::alternatives).collect::<Vec<_>>().join("|")
    };
    Ok(match comparison {
        Comparison::Equal(text) => format!("={}", value(text)?),
        Comparison::NotEqual(text) => format!("!={}", value(text)?),
        Comparison::AtMost(most) => format!("<={}", number(*most)?),
        Comparison::AtLeast(least) => format!(">={}", number(*least)?),
        Comparison::In(networks) => format!("=%{}%", regex(networks)),
        Comparison::NotIn(networks) => format!("!=%{}%", regex(networks)),
        Comparison::Known => "!=\"-\"".to_owned(),
        Comparison::Unknown => "=\"-\"".to_owned(),
    })
}
