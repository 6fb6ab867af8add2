//! Filter patterns over space-delimited flow-log records.
//!
//! See "Filter pattern syntax" in the `CloudWatch` Logs user guide. A pattern names every field of a record, in order.

use ipnet::IpNet;

use super::custom::{self, ReadDetections};
use super::networks;
use super::render::{Condition, MAX_CHARS, condition, render};
use crate::api::FlowLogField;
use crate::api::Invalid;
use crate::monitor::Monitor;
use crate::resources::common::counted_records::source_field;
use crate::resources::common::detections::Detection;
use crate::resources::common::networks::{PRIVATE, TRUSTED_CIDRS, trusted};

const FIELDS: &str = "cloudWatchLogs.fields";

/// The pattern for the records that a detection counts. Records without data (`NODATA`, `SKIPDATA`) never match.
pub fn pattern(monitor: &Monitor, detection: Detection, own: &ReadDetections<'_>) -> Result<String, Invalid> {
    let fields = &monitor.spec.cloud_watch_logs.fields;
    let detections = &monitor.spec.detections;
    let has = |field| fields.contains(&field);
    // A record without data has `-` in its fields, so a condition on a value excludes it even without this field.
    let mut conditions =
        if has(FlowLogField::LogStatus) { vec![condition(FlowLogField::LogStatus, "=OK")] } else { vec![] };
    match detection {
        Detection::Custom(name) => {
            let custom = custom::pattern(own, name.as_str());
            return custom
                .unwrap_or_else(|| Err(Invalid::new("detections.custom", format!("`{name}` is not in the list"))));
        }
        Detection::RejectedConnections => {
            require(has(FlowLogField::Action), "action", "rejectedConnections")?;
            conditions.push(condition(FlowLogField::Action, "=REJECT"));
        }
        Detection::HighDataTransfer => {
            require(has(FlowLogField::Bytes), "bytes", "highDataTransfer")?;
            conditions.push(condition(FlowLogField::Bytes, &format!(">{}", detections.high_data_transfer.min_bytes)));
        }
        Detection::ExternalConnections => {
            let source = source_field(fields).ok_or_else(|| missing("srcaddr", "externalConnections"))?;
            if !has(FlowLogField::LogStatus) {
                conditions.push(condition(source, "!=\"-\""));
            }
            return external(fields, &conditions, source, &trusted(&monitor.spec)?);
        }
    }
    within_limit(render(fields, &conditions))
}

/// The pattern by the monitor's own detections.
#[cfg(test)]
pub fn of_monitor(monitor: &Monitor, detection: Detection) -> Result<String, Invalid> {
    pattern(monitor, detection, &custom::CustomDetections::read(&monitor.spec))
}

fn require(present: bool, field: &str, detection: &str) -> Result<(), Invalid> {
    if present { Ok(()) } else { Err(missing(field, detection)) }
}

fn missing(field: &str, detection: &str) -> Invalid {
    let problem = format!(
        "detections.{detection} needs the field {field}: add it to the fields, or set detections.{detection}.enabled to false"
    );
    Invalid::new(FIELDS, problem)
}

fn within_limit(pattern: String) -> Result<String, Invalid> {
    if pattern.len() <= MAX_CHARS {
        return Ok(pattern);
    }
    let problem =
        format!("a metric filter's pattern names every field and has at most {MAX_CHARS} characters: log fewer fields");
    Err(Invalid::new(FIELDS, problem))
}

fn external(
    fields: &[FlowLogField],
    conditions: &[Condition],
    source: FlowLogField,
    trusted: &[IpNet],
) -> Result<String, Invalid> {
    let with = |trusted: &[IpNet]| {
        let mut conditions = conditions.to_vec();
        conditions.push(condition(source, &outside(trusted)));
        render(fields, &conditions)
    };
    within_limit(with(&[]))?;
    let whole = with(trusted);
    if whole.len() <= MAX_CHARS {
        return Ok(whole);
    }
    let fits = |count: &usize| with(&trusted[..*count]).len() <= MAX_CHARS;
    let fitting = (1..=trusted.len()).take_while(fits).count();
    let first = trusted.get(fitting).map(ToString::to_string).unwrap_or_default();
    let problem = format!(
        "{first} does not fit: CloudWatch's filter pattern has at most {MAX_CHARS} characters, and the first {fitting} of {} networks \
         fill it; name fewer or wider networks",
        trusted.len()
    );
    Err(Invalid::new(TRUSTED_CIDRS, problem))
}

/// A condition for addresses that are neither in a private network nor in a trusted one. It is one regular expression, since `CloudWatch`
/// Logs allows two in a pattern.
fn outside(trusted: &[IpNet]) -> String {
    let networks = IpNet::aggregate(&PRIVATE.iter().chain(trusted).copied().collect());
    let alternatives: Vec<String> = networks.iter().flat_map(networks::alternatives).collect();
    format!("!=%{}%", alternatives.join("|"))
}
