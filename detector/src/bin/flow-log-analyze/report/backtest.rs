//! The counts of the user's rules and suppressions by day, for people.

use std::io::{self, Write};

use detector::day_counts::{Day, DayCount, DayCounts};
use detector::sentence::Time;

use super::columns::write_columns;
use crate::analysis::Report;

const SECONDS_OF_DAY: u64 = 24 * 60 * 60;

/// `2026-08-23`; none for records without a time.
pub fn date(day: Day) -> Option<String> {
    let time = Time(day?.saturating_mul(SECONDS_OF_DAY)).to_string();
    Some(time.split_once('T').map_or_else(|| time.clone(), |(date, _)| date.to_owned()))
}

/// Writes a table of the rules and one of the suppressions, each if there are any.
pub fn write_backtest(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let backtest = &report.findings.backtest;
    let rows = |name: &str, counts: &DayCounts, shown: fn(DayCount) -> Vec<String>| {
        let row = |name: &str, day: String, count| [vec![name.to_owned(), day], shown(count)].concat();
        let total = row(name, "all days".to_owned(), counts.total());
        let days = counts.iter().map(|(day, count)| row("", date(day).unwrap_or_else(|| "other".to_owned()), count));
        std::iter::once(total).chain(days).collect::<Vec<_>>()
    };
    let mut rules = vec![["OWN RULES", "DAY (UTC)", "FINDINGS", "RECORDS"].map(str::to_owned).to_vec()];
    let of_rule = |count: DayCount| vec![count.findings.to_string(), count.records.to_string()];
    rules.extend(backtest.rules.iter().flat_map(|(rule, counts)| rows(&rule.name, counts, of_rule)));
    let mut suppressions = vec![["SUPPRESSIONS", "DAY (UTC)", "RECORDS"].map(str::to_owned).to_vec()];
    let of_suppression = |count: DayCount| vec![count.records.to_string()];
    suppressions.extend(backtest.suppressions.iter().flat_map(|(name, counts)| rows(name, counts, of_suppression)));
    for table in [rules, suppressions] {
        if table.len() > 1 {
            writeln!(out)?;
            write_columns(out, &table)?;
        }
    }
    if backtest.has_more_findings {
        writeln!(out, "There are too many findings to count all: days may have more.")?;
    }
    for name in &report.expired {
        writeln!(out, "Expired         {name}: the suppression has no effect")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date() {
        assert_eq!(date(Some(20_688)).as_deref(), Some("2026-08-23"));
        assert_eq!(date(Some(u64::MAX)), Some(u64::MAX.to_string()));
        assert_eq!(date(None), None);
    }
}
