//! The statements of the saved queries: over the declared table, and over those of earlier records.

use ipnet::IpNet;

use super::super::table::{Table, column_name};
use super::super::traffic;
use super::SavedQuery;
use crate::api::FlowLogField::{self, Bytes, LogStatus};
use crate::monitor::Monitor;

/// The description, with a note if the query cannot read all tables of earlier records.
pub fn description(query: &SavedQuery, former: &[Table]) -> String {
    let left_out = former.iter().filter(|table| !query.can_read(&table.fields())).count();
    match left_out {
        0 => query.description.to_owned(),
        1 => format!("{}; without the records of one earlier layout, which lack a column", query.description),
        _ => format!("{}; without the records of {left_out} earlier layouts, which lack a column", query.description),
    }
}

/// The statement over the monitor's table and those of earlier records, or `None` if the table lacks a column that the query needs.
/// Tables of earlier records that lack one are left out.
pub fn sql(query: &SavedQuery, monitor: &Monitor, former: &[Table]) -> Option<String> {
    let fields = &monitor.spec.s3.fields;
    if !query.can_read(fields) {
        return None;
    }
    let former: Vec<(&Table, Vec<FlowLogField>)> =
        former.iter().map(|table| (table, table.fields())).filter(|(_, has)| query.can_read(has)).collect();
    let mut sql = if former.is_empty() {
        query.sql.replace("{table}", &quoted(&monitor.names.table)).replace("{recent}", &recent(query.days, fields))
    } else {
        let former = former.iter().map(|(table, has)| query.selection(&table.name, has, fields));
        let parts: Vec<_> = [query.selection(&monitor.names.table, fields, fields)].into_iter().chain(former).collect();
        over_records(&parts.join("\n  UNION ALL\n"), query.sql)
    };
    if query.names_ends() {
        let [source, destination] = traffic::ends(fields)?.map(column_name);
        sql = sql.replace("{source}", &source).replace("{destination}", &destination);
    }
    for column in ["source", "destination"] {
        let placeholder = format!("{{inside({column})}}");
        if sql.contains(&placeholder) {
            sql = sql.replace(&placeholder, &is_inside(column, &traffic::inside(monitor)));
        }
    }
    Some(sql)
}

impl SavedQuery {
    fn names_ends(&self) -> bool {
        self.sql.contains("{source}")
    }

    /// True if records with these fields have all that the query needs.
    fn can_read(&self, fields: &[FlowLogField]) -> bool {
        self.needs.iter().all(|field| fields.contains(field)) && (!self.names_ends() || traffic::ends(fields).is_some())
    }

    /// The recent records of one table, with the names that the declared table has for sender and receiver.
    fn selection(&self, table: &str, fields: &[FlowLogField], declared: &[FlowLogField]) -> String {
        let mut columns: Vec<_> = ["year", "month", "day"].map(str::to_owned).into();
        columns.extend(self.needs.iter().map(|field| quoted(&column_name(*field))));
        if self.names_ends()
            && let (Some(ends), Some(names)) = (traffic::ends(fields), traffic::ends(declared))
        {
            columns.extend(ends.into_iter().zip(names).map(|(end, name)| match column_name(end) {
                column if end == name => column,
                column => format!("{column} AS {}", column_name(name)),
            }));
        }
        let recent = recent(self.days, fields).replace('\n', "\n    ");
        format!("    SELECT {}\n    FROM {}\n    WHERE {recent}", columns.join(", "), quoted(table))
    }
}

/// The query over `all_records`, which are recent, in the place of the one table.
fn over_records(records: &str, sql: &str) -> String {
    let sql = match sql.split_once("WHERE {recent}") {
        Some((before, after)) => match after.trim_start().strip_prefix("AND ") {
            Some(conditions) => format!("{before}WHERE {conditions}"),
            None => format!("{}{after}", before.trim_end()),
        },
        None => sql.to_owned(),
    };
    let sql = sql.replace("{table}", "all_records");
    let all_records = format!("all_records AS (\n{records}\n)");
    match (sql.split_once(",\n"), sql.strip_prefix("WITH ")) {
        // The user edits the first line, so it stays first.
        (Some((first, rest)), Some(_)) if !first.contains('\n') => format!("{first},\n{all_records}, {rest}"),
        (_, Some(rest)) => format!("WITH {all_records}, {rest}"),
        (_, None) => format!("WITH {all_records}\n{sql}"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// SQL that is true for addresses in one of the networks, and null for text that is no address.
fn is_inside(column: &str, networks: &[IpNet]) -> String {
    let tests: Vec<_> =
        networks.iter().map(|network| format!("contains('{network}', try_cast({column} AS ipaddress))")).collect();
    format!("({})", tests.join("\n            OR "))
}

/// The last `days` days, and only records of traffic: those that say `NODATA` or `SKIPDATA` carry neither addresses nor bytes.
fn recent(days: u32, fields: &[FlowLogField]) -> String {
    let first = format!("current_date - INTERVAL '{}' DAY", days - 1);
    let traffic = if fields.contains(&LogStatus) {
        "\n  AND log_status = 'OK'"
    } else if fields.contains(&Bytes) {
        "\n  AND bytes IS NOT NULL"
    } else {
        ""
    };
    format!(
        "year IN (date_format({first}, '%Y'), date_format(current_date, '%Y'))\n  \
           AND month IN (date_format({first}, '%m'), date_format(current_date, '%m'))\n  \
           AND year || month || day >= date_format({first}, '%Y%m%d'){traffic}"
    )
}
