//! A flow log's settings, wanted or found, in the same terms. All but its tags are fixed at creation.

use aws_sdk_ec2::types::{
    DestinationFileFormat, DestinationOptionsRequest, FlowLog as SdkFlowLog, LogDestinationType, TrafficType,
};
use serde_json::{Value, json};

use crate::api::{default_cloudwatch_fields, log_format, spec};
use crate::aws::AccountRegion;
use crate::monitor::Monitor;
use crate::resources::bucket;
use crate::resources::common::sink::Sink;

/// Default of `MaxAggregationInterval`: `CreateFlowLogs` in the EC2 API reference.
const DEFAULT_INTERVAL_SECONDS: i32 = 600;

/// Destination of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A log group.
    LogGroup {
        /// Its ARN, without `:*`.
        arn: String,
        /// The role through which AWS writes there.
        role_arn: Option<String>,
    },
    /// A folder of a bucket.
    Bucket {
        /// ARN of bucket and prefix, without a slash at its end.
        arn: String,
        /// Parquet or text.
        file_format: DestinationFileFormat,
        /// True if folders are named like `year=2026`.
        hive_compatible_partitions: bool,
        /// True if there is a folder per hour.
        per_hour_partition: bool,
    },
}

/// A flow log's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowLog {
    /// Destination of its records.
    pub destination: Destination,
    /// The traffic that it records: accepted, rejected or all.
    pub traffic_type: TrafficType,
    /// `${version} ${account-id} …`, with one space between fields.
    pub format: String,
    /// Longest aggregation interval, in seconds.
    pub aggregation_interval: i32,
}

/// The flow logs that the spec asks for: one to the bucket and, unless there is no log group, one to that.
#[must_use]
pub fn wanted(monitor: &Monitor) -> Vec<FlowLog> {
    let (logs, s3) = (&monitor.spec.cloud_watch_logs, &monitor.spec.s3);
    let traffic_type =
        |own: Option<spec::TrafficType>| TrafficType::from(own.unwrap_or(monitor.spec.traffic_type).as_str());
    let bucket = monitor.account_region.s3_arn(format!("{}/{}", monitor.names.bucket, monitor.key_prefix()));
    let to_log_group = || FlowLog {
        destination: Destination::LogGroup {
            arn: monitor.log_group_arn(&monitor.names.log_group),
            role_arn: Some(monitor.role_arn(&monitor.names.delivery_role())),
        },
        traffic_type: traffic_type(logs.traffic_type),
        format: log_format(&logs.fields),
        aggregation_interval: monitor.spec.aggregation_interval,
    };
    let to_bucket = FlowLog {
        destination: Destination::Bucket {
            arn: without_slashes(&bucket),
            file_format: DestinationFileFormat::from(s3.file_format.as_str()),
            hive_compatible_partitions: s3.hive_compatible_partitions,
            per_hour_partition: s3.per_hour_partition,
        },
        traffic_type: traffic_type(s3.traffic_type),
        format: log_format(&s3.fields),
        aggregation_interval: monitor.spec.aggregation_interval,
    };
    logs.enabled.then(to_log_group).into_iter().chain([to_bucket]).collect()
}

/// Returns the settings in AWS's answer about a flow log, or `None` if its destination is of a kind that no monitor uses. A setting that
/// AWS leaves out has the default that `CreateFlowLogs` documents.
#[must_use]
pub fn read(account_region: &AccountRegion, found: &SdkFlowLog) -> Option<FlowLog> {
    let destination = match found.log_destination_type.as_ref().unwrap_or(&LogDestinationType::CloudWatchLogs) {
        LogDestinationType::CloudWatchLogs => Destination::LogGroup {
            // A flow log created with a log group's name has no destination, only the name.
            arn: match found.log_destination() {
                Some(arn) => arn.strip_suffix(":*").unwrap_or(arn).to_owned(),
                None => account_region.arn("logs", format!("log-group:{}", found.log_group_name()?)),
            },
            role_arn: found.deliver_logs_permission_arn.clone(),
        },
        LogDestinationType::S3 => {
            let options = found.destination_options.as_ref();
            Destination::Bucket {
                arn: without_slashes(found.log_destination()?),
                file_format: options
                    .and_then(|options| options.file_format.clone())
                    .unwrap_or(DestinationFileFormat::PlainText),
                hive_compatible_partitions: options
                    .and_then(|options| options.hive_compatible_partitions)
                    .unwrap_or(false),
                per_hour_partition: options.and_then(|options| options.per_hour_partition).unwrap_or(false),
            }
        }
        _ => return None,
    };
    Some(FlowLog {
        destination,
        traffic_type: found.traffic_type.clone().unwrap_or(TrafficType::All),
        format: found.log_format().map_or_else(|| log_format(&default_cloudwatch_fields()), single_spaced),
        aggregation_interval: found.max_aggregation_interval.unwrap_or(DEFAULT_INTERVAL_SECONDS),
    })
}

/// The statements that AWS writes into bucket policies for these flow logs.
#[must_use]
pub fn bucket_statements<'a>(
    account_region: &AccountRegion,
    flow_logs: impl IntoIterator<Item = &'a FlowLog>,
) -> Vec<Value> {
    let statements = |flow_log: &FlowLog| match &flow_log.destination {
        Destination::Bucket { arn, hive_compatible_partitions, .. } => {
            bucket::aws_own(account_region, arn, *hive_compatible_partitions).to_vec()
        }
        Destination::LogGroup { .. } => Vec::new(),
    };
    flow_logs.into_iter().flat_map(statements).collect()
}

fn single_spaced(format: &str) -> String {
    format.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn without_slashes(arn: &str) -> String {
    arn.trim_end_matches('/').to_owned()
}

impl FlowLog {
    /// The kind of its destination.
    #[must_use]
    pub const fn sink(&self) -> Sink {
        match self.destination {
            Destination::LogGroup { .. } => Sink::CloudWatchLogs,
            Destination::Bucket { .. } => Sink::S3,
        }
    }

    /// ARN of its destination, normalised.
    #[must_use]
    pub fn destination_arn(&self) -> &str {
        match &self.destination {
            Destination::LogGroup { arn, .. } | Destination::Bucket { arn, .. } => arn,
        }
    }

    /// Its destination in the form of "Create a flow log that publishes to Amazon S3" in the VPC user guide: a folder ends in a slash.
    #[must_use]
    pub fn destination_parameter(&self) -> String {
        match &self.destination {
            Destination::Bucket { arn, .. } if arn.contains('/') => format!("{arn}/"),
            Destination::Bucket { arn, .. } | Destination::LogGroup { arn, .. } => arn.clone(),
        }
    }

    /// The role through which AWS writes, where it needs one.
    #[must_use]
    pub const fn role_arn(&self) -> Option<&String> {
        match &self.destination {
            Destination::LogGroup { role_arn, .. } => role_arn.as_ref(),
            Destination::Bucket { .. } => None,
        }
    }

    /// Format and layout of the files in a bucket; `None` for a log group.
    #[must_use]
    pub fn destination_options(&self) -> Option<DestinationOptionsRequest> {
        match &self.destination {
            Destination::LogGroup { .. } => None,
            Destination::Bucket { file_format, hive_compatible_partitions, per_hour_partition, .. } => Some(
                DestinationOptionsRequest::builder()
                    .file_format(file_format.clone())
                    .hive_compatible_partitions(*hive_compatible_partitions)
                    .per_hour_partition(*per_hour_partition)
                    .build(),
            ),
        }
    }

    /// All settings under their names in the spec, for reports of differences.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut document = json!({
            "destination": self.destination_arn(),
            "trafficType": self.traffic_type.as_str(),
            "fields": self.format.replace(['$', '{', '}'], ""),
            "aggregationInterval": self.aggregation_interval,
        });
        match &self.destination {
            Destination::LogGroup { role_arn, .. } => document["deliveryRoleArn"] = json!(role_arn),
            Destination::Bucket { file_format, hive_compatible_partitions, per_hour_partition, .. } => {
                document["fileFormat"] = json!(file_format.as_str());
                document["hiveCompatiblePartitions"] = json!(hive_compatible_partitions);
                document["perHourPartition"] = json!(per_hour_partition);
            }
        }
        document
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::DestinationOptionsResponse;
    use proptest::prelude::*;

    use super::*;
    use crate::api::{FlowLogField, VpcFlowMonitorSpec};
    use crate::monitor::fixtures;

    /// A flow log as `DescribeFlowLogs` returns it.
    fn described(flow_log: &FlowLog) -> SdkFlowLog {
        let builder = SdkFlowLog::builder()
            .log_destination_type(LogDestinationType::from(flow_log.sink().as_str()))
            .log_destination(flow_log.destination_parameter())
            .set_deliver_logs_permission_arn(flow_log.role_arn().cloned())
            .traffic_type(flow_log.traffic_type.clone())
            .log_format(&flow_log.format)
            .max_aggregation_interval(flow_log.aggregation_interval);
        let Some(options) = flow_log.destination_options() else { return builder.build() };
        let options = DestinationOptionsResponse::builder()
            .set_file_format(options.file_format)
            .set_hive_compatible_partitions(options.hive_compatible_partitions)
            .set_per_hour_partition(options.per_hour_partition)
            .build();
        builder.destination_options(options).build()
    }

    #[test]
    fn defaults_are_the_recipes() {
        let documents: Vec<_> = wanted(&fixtures::monitor()).iter().map(FlowLog::document).collect();
        let v2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
                  action log-status";
        let role = "arn:aws:iam::123456789012:role/vpc-flow-operator/vfm-network-production-aa0df1549f-delivery";
        assert_eq!(
            documents,
            [
                json!({
                    "destination": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/vpc/flowlogs/network/production",
                    "deliveryRoleArn": role,
                    "trafficType": "ALL",
                    "fields": v2,
                    "aggregationInterval": 60,
                }),
                json!({
                    "destination": format!("arn:aws:s3:::{}/vpc-flow-logs", fixtures::monitor().names.bucket),
                    "trafficType": "ALL",
                    "fields": format!("{v2} vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr"),
                    "aggregationInterval": 60,
                    "fileFormat": "parquet",
                    "hiveCompatiblePartitions": true,
                    "perHourPartition": true,
                }),
            ]
        );
    }

    #[test]
    fn a_destination_overrides_the_traffic_type() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        spec.traffic_type = spec::TrafficType::Accept;
        spec.cloud_watch_logs.traffic_type = Some(spec::TrafficType::Reject);
        let types = wanted(&fixtures::with_spec(spec)).into_iter().map(|flow_log| flow_log.traffic_type);
        assert_eq!(types.collect::<Vec<_>>(), [TrafficType::Reject, TrafficType::Accept]);
    }

    #[test]
    fn an_empty_prefix_is_the_bucket_itself() {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        spec.s3.bucket_name = Some("central".into());
        spec.s3.prefix = String::new();
        assert_eq!(wanted(&fixtures::with_spec(spec.clone()))[1].destination_parameter(), "arn:aws:s3:::central");
        spec.s3.prefix = "a/b".into();
        assert_eq!(wanted(&fixtures::with_spec(spec))[1].destination_parameter(), "arn:aws:s3:::central/a/b/");
    }

    #[test]
    fn spelling_is_no_difference() {
        let monitor = fixtures::monitor();
        let [logs, s3] = <[FlowLog; 2]>::try_from(wanted(&monitor)).unwrap();
        let mut found = described(&logs);
        found.log_destination = found.log_destination.map(|arn| format!("{arn}:*"));
        found.log_format = found.log_format.map(|format| format.replace(' ', "  "));
        assert_eq!(read(&monitor.account_region, &found).as_ref(), Some(&logs));
        found.log_destination = None;
        found.log_group_name = Some(monitor.names.log_group.clone());
        found.log_destination_type = None;
        found.log_format = None;
        assert_eq!(read(&monitor.account_region, &found), Some(logs));
        let mut found = described(&s3);
        found.log_destination = Some(format!("{}//", s3.destination_arn()));
        assert_eq!(read(&monitor.account_region, &found), Some(s3));
    }

    #[test]
    fn what_aws_leaves_out_has_its_documented_default() {
        let account_region = fixtures::monitor().account_region;
        let bare = SdkFlowLog::builder().log_destination_type(LogDestinationType::S3).log_destination("arn:aws:s3:::b");
        let document = read(&account_region, &bare.build()).unwrap().document();
        assert_eq!(document["fileFormat"], "plain-text");
        assert_eq!(document["hiveCompatiblePartitions"], false);
        assert_eq!(document["perHourPartition"], false);
        assert_eq!(document["aggregationInterval"], 600);
        let firehose = SdkFlowLog::builder().log_destination_type(LogDestinationType::KinesisDataFirehose);
        assert_eq!(read(&account_region, &firehose.log_destination("arn:aws:firehose:::x").build()), None);
    }

    proptest! {
        #[test]
        fn what_is_made_reads_back_the_same(
            prefix in "([A-Za-z0-9!_.*'()-]{1,8}(/[A-Za-z0-9!_.*'()-]{1,8}){0,3})?",
            fields in prop::sample::subsequence(FlowLogField::ALL, 1..20).prop_shuffle(),
            interval in prop::sample::select(vec![60, 600]),
            parquet: bool, hive: bool, hourly: bool,
        ) {
            let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
            spec.aggregation_interval = interval;
            spec.cloud_watch_logs.fields.clone_from(&fields);
            spec.s3.fields = fields;
            spec.s3.prefix = prefix;
            spec.s3.file_format = if parquet { spec::FileFormat::Parquet } else { spec::FileFormat::PlainText };
            spec.s3.hive_compatible_partitions = hive;
            spec.s3.per_hour_partition = hourly;
            let monitor = fixtures::with_spec(spec);
            for flow_log in wanted(&monitor) {
                prop_assert_eq!(read(&monitor.account_region, &described(&flow_log)), Some(flow_log));
            }
        }
    }
}
