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
    let name: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    format!("flow_{name}")
}

/// The query for Logs Insights, which needs each field of a line named.
pub(super) fn insights(finding: &Finding, settings: &Settings) -> String {
    let columns = settings.format.columns();
    let names: Vec<_> = columns.iter().map(|column| alias(column.name())).collect();
    let mut commands =
        vec![format!("parse @message \"{}\" as {}", vec!["*"; columns.len()].join(" "), names.join(", "))];
    commands.extend(
        conditions(finding, &settings.format, &settings.rules)
            .iter()
            .map(|condition| format!("filter {}", condition.render(&INSIGHTS))),
    );
    // The largest transfers first: a busy host could fill the list with others.
    let order = if is_transfer(finding) {
        format!("sort {} desc", alias(Field::Bytes.name()))
    } else {
        "sort @timestamp desc".to_owned()
    };
    commands.extend([order, "limit 1000".to_owned()]);
    commands.join("\n| ")
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
