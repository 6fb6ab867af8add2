//! Check 3: files reach the bucket.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::arrivals::Arrivals;
use super::check::{Check, CheckName, Status, see_status};
use super::times::timestamp;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::Monitor;
use crate::resources::analytics::folder;
use crate::resources::flow_logs::Delivery;

/// Looks for the flow log's newest file, and judges it.
pub async fn check(aws: &Aws, monitor: &Monitor, delivery: Option<&Delivery>, now: Timestamp) -> Check {
    let Some(delivery) = delivery else {
        let detail = "no flow log is known to deliver to the bucket";
        return Check::new(CheckName::Objects, Status::Failed, detail).next(see_status(monitor));
    };
    let arrivals = Arrivals {
        name: CheckName::Objects,
        what: "object",
        place: &format!("s3://{}/{}", monitor.names.bucket, monitor.key_prefix()),
        delivery: Some(delivery),
        reporting_delay: SignedDuration::ZERO,
        remedy: format!(
            "if the check `flow-logs` passed, check that {} has network interfaces with traffic that spec.trafficType records",
            monitor.spec.vpc_id
        ),
    };
    match newest(aws, monitor, &prefixes(monitor, &delivery.id, now)).await {
        Ok(newest) => arrivals.judge(monitor, newest, now),
        Err(error) => Check::unanswered(CheckName::Objects, monitor, &error),
    }
}

/// The newest object below the first prefix that has any.
async fn newest(aws: &Aws, monitor: &Monitor, prefixes: &[String]) -> Result<Option<Timestamp>, AwsError> {
    for prefix in prefixes {
        let list = aws.s3.list_objects_v2().bucket(&monitor.names.bucket).prefix(prefix);
        let mut pages = list.into_paginator().send();
        let mut newest = None;
        while let Some(page) = pages.next().await {
            let page = page.op(ops::LIST_OBJECTS)?;
            newest = newest.max(page.contents().iter().filter_map(|object| timestamp(object.last_modified()?)).max());
        }
        if newest.is_some() {
            return Ok(newest);
        }
    }
    Ok(None)
}

/// The prefixes of the flow log's keys of today and yesterday, the latest first: folder by folder, since a bucket may contain years. See
/// "Flow log files" in the Amazon VPC user guide.
fn prefixes(monitor: &Monitor, flow_log: &str, now: Timestamp) -> Vec<String> {
    let (account, region) = (monitor.account_region.account.as_str(), monitor.account_region.region.as_str());
    let yesterday = (now - SignedDuration::from_hours(24)).to_zoned(TimeZone::UTC).date();
    let step = SignedDuration::from_hours(if monitor.spec.s3.per_hour_partition { 1 } else { 24 });
    let times = std::iter::successors(Some(now), |time| Some(*time - step)).map(|time| time.to_zoned(TimeZone::UTC));
    times
        .take_while(|time| time.date() >= yesterday)
        .map(|time| {
            let [year, month, day, hour] = ["%Y", "%m", "%d", "%H"].map(|part| time.strftime(part).to_string());
            let folder = folder(monitor, [account, region, &year, &month, &day, &hour]);
            format!("{folder}{account}_vpcflowlogs_{region}_{flow_log}_")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::monitor::fixtures;
    use crate::verify::fixtures::time;

    fn prefixes_of(change: impl FnOnce(&mut VpcFlowMonitorSpec)) -> Vec<String> {
        let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
        change(&mut spec);
        prefixes(&fixtures::with_spec(spec), "fl-1", time("01:30:00"))
    }

    #[test]
    fn hourly_folders_reach_back_to_the_start_of_yesterday() {
        let prefixes = prefixes_of(|_| {});
        let hive = "vpc-flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=11";
        let file = "123456789012_vpcflowlogs_eu-west-1_fl-1_";
        assert_eq!(prefixes.len(), 26);
        assert_eq!(prefixes[0], format!("{hive}/day=23/hour=01/{file}"));
        assert_eq!(prefixes[2], format!("{hive}/day=22/hour=23/{file}"));
        assert_eq!(prefixes[25], format!("{hive}/day=22/hour=00/{file}"));
    }

    #[test]
    fn daily_folders_are_two() {
        let plain = prefixes_of(|spec| {
            spec.s3.prefix = String::new();
            spec.s3.per_hour_partition = false;
            spec.s3.hive_compatible_partitions = false;
        });
        let file = "123456789012_vpcflowlogs_eu-west-1_fl-1_";
        assert_eq!(
            plain,
            ["23", "22"].map(|day| format!(
                "layout-parquet-plain-daily/AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/11/{day}/{file}"
            ))
        );
    }
}
