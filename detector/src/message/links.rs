//! Links to the records of a finding in the AWS console, and to the page of its rule.
//!
//! Hosts and paths are those that the operator writes in `status.links`. AWS does not document the address of a query in Logs Insights.
//! It is the one that the console itself shows: the query's state in [JSURL](https://github.com/Sage/jsurl), of which the
//! punctuation is percent-encoded twice, with `$` in the place of the outer `%`.

use serde::Serialize;

use super::query;
use super::span::Span;
use super::{Invocation, Time};
use crate::account_region::AccountRegion;
use crate::finding::Finding;
use crate::rules::{Rule, RuleId};
use crate::settings::Settings;

/// Links of a finding.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    /// Logs Insights with the query for the records of the finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logs_insights: Option<String>,
    /// The dashboard of the monitor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dashboard: Option<String>,
    /// The page of the rule; the runbook of a user's rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rule: Option<String>,
}

impl Links {
    pub(super) fn of(finding: &Finding, settings: &Settings, invocation: &Invocation) -> Self {
        let Invocation { account_region, log_group, .. } = invocation;
        let logs_insights = account_region.as_ref().zip(log_group.as_ref()).map(|(account_region, log_group)| {
            let query = query::insights(finding, settings);
            logs_insights(account_region, log_group, &query, Span::around(&finding.tally))
        });
        Self { logs_insights, dashboard: dashboard(settings, invocation), rule: page(&finding.rule) }
    }
}

fn page(id: &RuleId) -> Option<String> {
    match id {
        RuleId::BuiltIn(built_in) => Some(rule(*built_in)),
        RuleId::Custom(custom) => custom.runbook.clone(),
    }
}

/// The section of the rule in `docs/rules.md`.
pub(super) fn rule(rule: Rule) -> String {
    format!("{}/blob/main/docs/rules.md#{}", env!("CARGO_PKG_REPOSITORY"), rule.name().to_ascii_lowercase())
}

/// The dashboard, if there is one.
pub(super) fn dashboard(settings: &Settings, invocation: &Invocation) -> Option<String> {
    let (account_region, name) = invocation.account_region.as_ref().zip(settings.console.dashboard.as_ref())?;
    let (host, region) = (account_region.console_host(), &account_region.region);
    Some(format!("https://{host}/cloudwatch/home?region={region}#dashboards:name={name}"))
}

/// The editor of Athena, if there is a workgroup. No address of it carries a statement.
pub(super) fn query_editor(settings: &Settings, invocation: &Invocation) -> Option<String> {
    let (account_region, workgroup) = invocation.account_region.as_ref().zip(settings.console.workgroup.as_ref())?;
    let (host, region) = (account_region.console_host(), &account_region.region);
    Some(format!("https://{host}/athena/home?region={region}#/query-editor?workgroup={workgroup}"))
}

/// Logs Insights with `query` over the time range, or over the last day if the records have no times.
fn logs_insights(account_region: &AccountRegion, log_group: &str, query: &str, span: Option<Span>) -> String {
    let time = match span {
        Some(Span { first, last }) => {
            format!("end~{}~start~{}~timeType~'ABSOLUTE~tz~'UTC", text(&moment(last)), text(&moment(first)))
        }
        None => "end~0~start~-86400~timeType~'RELATIVE~tz~'UTC~unit~'seconds".to_owned(),
    };
    let (query, log_group) = (text(query), text(log_group));
    let detail = format!("~({time}~editorString~{query}~isLiveTail~false~source~(~{log_group}))");
    let (host, region) = (account_region.console_host(), &account_region.region);
    format!(
        "https://{host}/cloudwatch/home?region={region}#logsV2:logs-insights$3FqueryDetail$3D{}",
        punctuation(&detail)
    )
}

/// A time as the console writes it: `2026-11-23T10:00:00.000Z`.
fn moment(seconds: u64) -> String {
    format!("{}.000Z", Time(seconds).to_string().trim_end_matches('Z'))
}

/// A text in JSURL: it begins with `'`, and most characters are `*` and two hexadecimal digits, or `**` and four.
fn text(text: &str) -> String {
    let mut encoded = String::with_capacity(2 * text.len());
    encoded.push('\'');
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match (high, low) {
            (0, byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') => {
                encoded.push(char::from(byte));
            }
            (0, byte) => {
                encoded.push('*');
                push_hex(&mut encoded, byte);
            }
            _ => {
                encoded.push_str("**");
                push_hex(&mut encoded, high);
                push_hex(&mut encoded, low);
            }
        }
    }
    encoded
}

/// Adds two hexadecimal digits. A link has hundreds of them, and the formatter of the standard library is slow.
fn push_hex(text: &mut String, byte: u8) {
    let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16));
    text.extend(digits.into_iter().flatten());
}

/// Percent-encodes the punctuation of JSURL twice.
fn punctuation(jsurl: &str) -> String {
    let mut encoded = String::with_capacity(2 * jsurl.len());
    for character in jsurl.chars() {
        match character {
            '~' => encoded.push_str("$257E"),
            '(' => encoded.push_str("$2528"),
            ')' => encoded.push_str("$2529"),
            '\'' => encoded.push_str("$2527"),
            other => encoded.push(other),
        }
    }
    encoded
}
