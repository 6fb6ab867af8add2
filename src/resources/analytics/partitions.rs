//! Partition projection over the key layout of flow logs, by which Athena finds the folders of stored records.
//!
//! See "Flow log files" in the Amazon VPC user guide for the layout, and "Set up partition projection" in the Athena user guide.
//! Columns are text, as in AWS's own table for Hive-compatible flow logs, so `month = '07'` finds July. The names of the account's and
//! region's columns have `_` in place of AWS's `-`, so that queries need not quote them; no field of a record has any of these names.

use std::collections::BTreeMap;

use crate::monitor::Monitor;

/// Years that partitions are projected for, from 2018, when flow logs first wrote to S3. The hours of all these years are far fewer than
/// the million partitions that one query may project, even if it names no day.
const YEARS: &str = "2018,2050";

/// A partition column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: &'static str,
    values: Values,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    Only(String),
    Range { range: &'static str, digits: &'static str },
}

/// The partition columns, in the order of the folders.
pub fn partitions(monitor: &Monitor) -> Vec<Partition> {
    let only = |name, value: &str| Partition { name, values: Values::Only(value.to_owned()) };
    let range = |name, range, digits| Partition { name, values: Values::Range { range, digits } };
    let mut partitions = vec![
        only("aws_account_id", &monitor.account_region.account),
        only("aws_region", &monitor.account_region.region),
        range("year", YEARS, "4"),
        range("month", "1,12", "2"),
        range("day", "1,31", "2"),
    ];
    if monitor.spec.s3.per_hour_partition {
        partitions.push(range("hour", "0,23", "2"));
    }
    partitions
}

/// The folder of all records.
pub fn location(monitor: &Monitor) -> String {
    format!("s3://{}/{}AWSLogs/", monitor.names.bucket, monitor.key_prefix())
}

/// The table's properties that make Athena compute the partitions.
pub fn projection(monitor: &Monitor) -> BTreeMap<String, String> {
    let mut properties =
        BTreeMap::from([("projection.enabled".to_owned(), "true".to_owned()), template_property(monitor)]);
    for Partition { name, values } in partitions(monitor) {
        let mut put = |property: &str, value: &str| {
            properties.insert(format!("projection.{name}.{property}"), value.to_owned());
        };
        match values {
            Values::Only(value) => {
                put("type", "enum");
                put("values", &value);
            }
            Values::Range { range, digits } => {
                put("type", "integer");
                put("range", range);
                put("digits", digits);
            }
        }
    }
    properties
}

fn template_property(monitor: &Monitor) -> (String, String) {
    let hour = "${hour}";
    let folder = folder(monitor, ["${aws_account_id}", "${aws_region}", "${year}", "${month}", "${day}", hour]);
    ("storage.location.template".to_owned(), format!("s3://{}/{folder}", monitor.names.bucket))
}

/// The folder of an account, region, year, month, day and hour, with a slash at its end. Hours do not matter if folders are per day.
#[must_use]
pub fn folder(monitor: &Monitor, [account, region, year, month, day, hour]: [&str; 6]) -> String {
    let s3 = &monitor.spec.s3;
    let day = if s3.hive_compatible_partitions {
        format!("year={year}/month={month}/day={day}/")
    } else {
        format!("{year}/{month}/{day}/")
    };
    let hour = match (s3.per_hour_partition, s3.hive_compatible_partitions) {
        (false, _) => String::new(),
        (true, true) => format!("hour={hour}/"),
        (true, false) => format!("{hour}/"),
    };
    format!("{}{day}{hour}", monitor.folder_of(account, region))
}
