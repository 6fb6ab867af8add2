//! Check 5: a query finds records.

use std::time::Duration;

use aws_sdk_athena::types::{QueryExecutionContext, QueryExecutionState, QueryExecutionStatus};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::check::{Check, CheckName, Status, see_status};
use super::times::{self, timestamp};
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::Monitor;
use crate::resources::flow_logs::Delivery;

const POLL: Duration = Duration::from_millis(500);

/// The end of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ended {
    /// With this many records, at this time.
    Counted(u64, Option<Timestamp>),
    /// Without a result, and Athena's reason.
    Refused(QueryExecutionState, String),
    /// Not before the deadline.
    Late(String),
}

/// Counts the records of yesterday and today, and judges the number.
pub async fn check(
    aws: &Aws,
    monitor: &Monitor,
    delivery: Option<&Delivery>,
    now: Timestamp,
    deadline: Instant,
) -> Check {
    if !monitor.spec.analytics.enabled {
        return Check::new(CheckName::Query, Status::Disabled, "spec.analytics.enabled is false");
    }
    match run(aws, monitor, &statement(monitor, now), deadline).await {
        Ok(ended) => judge(monitor, delivery, &ended, now),
        Err(error) => Check::unanswered(CheckName::Query, monitor, &error),
    }
}

/// Reads the files of two days at most, and of Parquet only the number of rows of each.
fn statement(monitor: &Monitor, now: Timestamp) -> String {
    let days = [now - SignedDuration::from_hours(24), now].map(|time| {
        let date = time.to_zoned(TimeZone::UTC);
        format!(
            "year = '{}' AND month = '{}' AND day = '{}'",
            date.strftime("%Y"),
            date.strftime("%m"),
            date.strftime("%d")
        )
    });
    format!("SELECT count(*) AS flows FROM \"{}\" WHERE ({}) OR ({})", monitor.names.table, days[0], days[1])
}

async fn run(aws: &Aws, monitor: &Monitor, statement: &str, deadline: Instant) -> Result<Ended, AwsError> {
    let database = QueryExecutionContext::builder().database(&monitor.names.database).build();
    let started = aws
        .athena
        .start_query_execution()
        .work_group(monitor.names.workgroup())
        .query_execution_context(database)
        .query_string(statement)
        .send()
        .await
        .op(ops::START_QUERY_EXECUTION)?;
    let id = started.query_execution_id.unwrap_or_default();
    let completed = loop {
        let execution =
            aws.athena.get_query_execution().query_execution_id(&id).send().await.op(ops::GET_QUERY_EXECUTION)?;
        let status = execution.query_execution.and_then(|execution| execution.status);
        match status.as_ref().and_then(QueryExecutionStatus::state) {
            Some(QueryExecutionState::Succeeded) => {
                break status.as_ref().and_then(|status| timestamp(status.completion_date_time()?));
            }
            Some(state @ (QueryExecutionState::Failed | QueryExecutionState::Cancelled)) => {
                let reason = status.as_ref().and_then(QueryExecutionStatus::state_change_reason);
                return Ok(Ended::Refused(state.clone(), reason.unwrap_or("Athena gave no reason").to_owned()));
            }
            _ if Instant::now() + POLL > deadline => return Ok(Ended::Late(id)),
            _ => sleep(POLL).await,
        }
    };
    let results = aws.athena.get_query_results().query_execution_id(&id).send().await.op(ops::GET_QUERY_RESULTS)?;
    let rows = results.result_set.and_then(|set| set.rows).unwrap_or_default();
    // The first row names the columns.
    let count = rows.get(1).and_then(|row| row.data().first()?.var_char_value()?.parse().ok());
    Ok(Ended::Counted(count.unwrap_or(0), completed))
}

fn judge(monitor: &Monitor, delivery: Option<&Delivery>, ended: &Ended, now: Timestamp) -> Check {
    let table = format!("{}.{}", monitor.names.database, monitor.names.table);
    let reported = |status, detail| Check::new(CheckName::Query, status, detail);
    match ended {
        Ended::Counted(0, at) => {
            let detail = format!("the query ran, but {table} has no records of yesterday and today");
            let expected = delivery.and_then(|delivery| times::expected_from(monitor, delivery, now));
            match expected {
                Some(until) => reported(Status::Waiting, detail).next(format!("wait until {until:.0}, then run verify again")),
                None => reported(Status::Failed, detail).next(format!(
                    "if the check `objects` passed, the table does not match the files: {}; otherwise follow the next step of `objects`",
                    see_status(monitor)
                )),
            }
            .at(*at)
        }
        Ended::Counted(records, at) => {
            reported(Status::Passed, format!("{records} records of yesterday and today in {table}")).at(*at)
        }
        Ended::Refused(QueryExecutionState::Cancelled, reason) => {
            reported(Status::Failed, format!("Athena cancelled the query: {reason}"))
                .next("if it read too much, raise spec.analytics.bytesScannedCutoff")
        }
        Ended::Refused(_, reason) => reported(Status::Failed, format!("Athena refused the query: {reason}")).next(format!(
            "check that your AWS identity may read table {table} and bucket {0} and write to s3://{0}/{1}; otherwise {2}",
            monitor.names.bucket,
            crate::monitor::RESULTS_PREFIX,
            see_status(monitor)
        )),
        Ended::Late(id) => reported(Status::Failed, format!("Athena has not finished query {id} in time"))
            .next("give it more time with --timeout"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::fixtures::{delivery, monitor_with_interval, time};

    #[test]
    fn only_two_days_are_read() {
        let sql = statement(&monitor_with_interval(60), "2026-03-01T00:30:00Z".parse().unwrap());
        assert_eq!(
            sql,
            "SELECT count(*) AS flows FROM \"vpc_flow_logs\" WHERE (year = '2026' AND month = '02' AND day = '28') OR \
             (year = '2026' AND month = '03' AND day = '01')"
        );
    }

    #[test]
    fn records_pass_and_anything_else_says_what_to_do() {
        let refused = |state, reason: &str| Ended::Refused(state, reason.to_owned());
        for (made_at, ended, status, clue) in [
            ("10:00:00", Ended::Counted(7, None), Status::Passed, ""),
            ("10:00:00", Ended::Counted(0, None), Status::Failed, "if the check `objects` passed"),
            ("11:29:00", Ended::Counted(0, None), Status::Waiting, "wait until 2026-11-23T11:45:00Z"),
            ("11:29:00", refused(QueryExecutionState::Failed, "TABLE_NOT_FOUND"), Status::Failed, "your AWS identity"),
            (
                "10:00:00",
                refused(QueryExecutionState::Cancelled, "Bytes scanned"),
                Status::Failed,
                "bytesScannedCutoff",
            ),
            ("10:00:00", Ended::Late("q-1".to_owned()), Status::Failed, "--timeout"),
        ] {
            let check = judge(&monitor_with_interval(60), Some(&delivery("s3", made_at)), &ended, time("11:30:00"));
            assert_eq!(check.status, status, "{check:?}");
            assert!(check.next_step.clone().unwrap_or_default().contains(clue), "{check:?}");
            if let Ended::Refused(_, reason) = &ended {
                assert!(check.detail.contains(reason), "{check:?}");
            }
        }
    }
}
