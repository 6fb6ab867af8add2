//! The queries that find the records of a finding: in Logs Insights and in Athena.
//!
//! Both have the names of the operator's saved queries: `flow_…` for the fields that Logs Insights parses, `_` in the place of `-` for the
//! columns of Athena.

use flow_log_fields::Field;

use super::conditions::{Language, conditions};
use super::span::{Span, date};
use crate::finding::Finding;
use crate::rules::Rule;
use crate::settings::Settings;

/// The longest time range that Athena is asked for: one that names two months at most.
const MAX_SECONDS: u64 = 27 * 86_400;

const INSIGHTS: Language = Language { quote: '"', or: "or", name: |field| alias(field.name()) };

const ATHENA: Language = Language { quote: '\'', or: "OR", name: |field| field.name().replace('-', "_") };

/// A name that differs from those that Logs Insights discovers itself.
fn alias(name: &str) -> String {
    let mut alias = String::new();
    push_alias(&mut alias, name);
    alias
}

fn push_alias(text: &mut String, name: &str) {
    text.push_str("flow_");
    text.extend(name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }));
}

/// The query for Logs Insights, which needs each field of a line named.
pub(super) fn insights(finding: &Finding, settings: &Settings) -> String {
    let columns = settings.format.columns();
    // One text without others before it: a message has dozens of queries.
    let mut query = String::with_capacity(1024);
    query.push_str("parse @message \"");
    for place in 0..columns.len() {
        query.push_str(if place == 0 { "*" } else { " *" });
    }
    query.push_str("\" as ");
    for (place, column) in columns.iter().enumerate() {
        query.push_str(if place == 0 { "" } else { ", " });
        push_alias(&mut query, column.name());
    }
    for condition in conditions(finding, &settings.format, &settings.rules) {
        query.push_str("\n| filter ");
        query.push_str(&condition.render(&INSIGHTS));
    }
    query.push_str("\n| sort ");
    // The largest transfers first: a busy host could fill the list with others.
    if is_transfer(finding) {
        push_alias(&mut query, Field::Bytes.name());
    } else {
        query.push_str("@timestamp");
    }
    query.push_str(" desc\n| limit 1000");
    query
}

/// The statement for Athena. `None` if the monitor has no table, or if the records have no times by which Athena finds their files.
pub(super) fn athena(finding: &Finding, settings: &Settings) -> Option<String> {
    let (database, table) = settings.console.database.as_ref().zip(settings.console.table.as_ref())?;
    let span = Span::around(&finding.tally).filter(|span| span.seconds() <= MAX_SECONDS)?;
    if !settings.format.has(Field::Start) {
        return None;
    }
    let [first, last] = [date(span.first)?, date(span.last)?];
    let ([first_year, first_month, _], [last_year, last_month, _]) = (&first, &last);
    let mut lines = vec![
        "SELECT *".to_owned(),
        format!("FROM \"{database}\".\"{table}\""),
        format!("WHERE year IN ({})", either(first_year, last_year)),
        format!("  AND month IN ({})", either(first_month, last_month)),
        format!("  AND year || month || day BETWEEN '{}' AND '{}'", first.concat(), last.concat()),
        format!("  AND \"start\" BETWEEN {} AND {}", span.first, span.last),
    ];
    let conditions = conditions(finding, &settings.format, &settings.rules);
    lines.extend(conditions.iter().map(|condition| format!("  AND {}", condition.render(&ATHENA))));
    let order = if is_transfer(finding) { Field::Bytes.name() } else { "start" };
    lines.extend([format!("ORDER BY \"{order}\" DESC"), "LIMIT 1000".to_owned()]);
    Some(lines.join("\n"))
}

/// True if the finding is about bytes. Its rule needs the field, so the format has it.
fn is_transfer(finding: &Finding) -> bool {
    matches!(finding.rule.built_in(), Some(Rule::HighDataTransfer | Rule::LargeEgress))
}

/// The list of both values, each once.
fn either(first: &str, last: &str) -> String {
    if first == last { format!("'{first}'") } else { format!("'{first}', '{last}'") }
}
