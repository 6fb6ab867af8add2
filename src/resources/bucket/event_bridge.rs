//! The switch with which S3 sends an event for each new object to `EventBridge`.
//!
//! It is one member of the bucket's notification configuration, whose other members are of others. A tag records that the operator has turned
//! it on: only then is it the operator's to turn off. See "Using `EventBridge`" in the Amazon S3 user guide.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};

use super::state::ObservedBucket;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::monitor::{Monitor, TagDiff, Tags};

/// Key of the tag that records that the operator has turned the switch on.
const TAG: &str = "vpcflow.dev/event-bridge";
/// Its value.
const ENABLED: &str = "enabled";

/// True if the monitor needs the events: its detector reads the files.
pub fn is_wanted(monitor: &Monitor) -> bool {
    monitor.spec.reads_files()
}

/// True if the switch matters: it is wanted, or the operator has turned it on.
pub fn matters(monitor: &Monitor, tags: &Tags) -> bool {
    is_wanted(monitor) || is_recorded(tags)
}

/// True if the operator has turned the switch on, or was about to.
pub fn is_recorded(tags: &Tags) -> bool {
    tags.contains_key(TAG)
}

/// The tags of a bucket that the operator creates.
pub fn tags_of_new_bucket(monitor: &Monitor) -> Tags {
    let mut tags = monitor.tags.clone();
    if is_wanted(monitor) {
        tags.insert(TAG.to_owned(), ENABLED.to_owned());
    }
    tags
}

/// Adds the change of the record to a change of tags. The record is there before the switch is on, and until it is off.
pub fn record(monitor: &Monitor, bucket: &ObservedBucket, diff: &mut TagDiff) {
    if bucket.event_bridge != Some(false) {
        return;
    }
    match (is_wanted(monitor), is_recorded(&bucket.tags)) {
        (true, false) => drop(diff.set.insert(TAG.to_owned(), ENABLED.to_owned())),
        (false, true) => diff.unset.push(TAG.to_owned()),
        _ => {}
    }
}

/// True if the bucket sends events.
pub async fn observe(aws: &Aws, name: &str) -> Result<bool, AwsError> {
    Ok(read(aws, name).await?.event_bridge_configuration.is_some())
}

async fn read(aws: &Aws, name: &str) -> Result<GetBucketNotificationConfigurationOutput, AwsError> {
    let call =
        aws.s3.get_bucket_notification_configuration().bucket(name).expected_bucket_owner(&aws.account_region.account);
    call.send().await.op(ops::GET_BUCKET_NOTIFICATION)
}

/// Turns the switch on or off. The configuration is written whole, so the members of others are read right before.
pub async fn put(aws: &Aws, name: &str, enabled: bool) -> Result<(), AwsError> {
    let present = read(aws, name).await?;
    let configuration = NotificationConfiguration::builder()
        .set_topic_configurations(present.topic_configurations)
        .set_queue_configurations(present.queue_configurations)
        .set_lambda_function_configurations(present.lambda_function_configurations)
        .set_event_bridge_configuration(enabled.then(|| EventBridgeConfiguration::builder().build()))
        .build();
    aws.s3
        .put_bucket_notification_configuration()
        .bucket(name)
        .expected_bucket_owner(&aws.account_region.account)
        // The destinations of others were accepted when they were set.
        .skip_destination_validation(true)
        .notification_configuration(configuration)
        .send()
        .await
        .op(ops::PUT_BUCKET_NOTIFICATION)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::VpcFlowMonitorSpec;
    use crate::api::spec::RecordSource;
    use crate::monitor::fixtures;

    #[test]
    fn the_record_is_there_before_the_switch_is_on_and_until_it_is_off() {
        let change = |source, event_bridge, recorded: bool| {
            let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
            spec.detector.source = source;
            let tags: Tags = recorded.then(|| (TAG.to_owned(), ENABLED.to_owned())).into_iter().collect();
            let bucket = ObservedBucket { event_bridge, ..ObservedBucket::just_created(tags) };
            let mut diff = TagDiff::default();
            record(&fixtures::with_spec(spec), &bucket, &mut diff);
            (diff.set.contains_key(TAG), diff.unset.contains(&TAG.to_owned()))
        };
        for (source, event_bridge, recorded, expected) in [
            (RecordSource::S3, Some(false), false, (true, false)),
            (RecordSource::S3, Some(false), true, (false, false)),
            // Somebody else has turned it on, so it is not ours to turn off.
            (RecordSource::S3, Some(true), false, (false, false)),
            (RecordSource::CloudWatchLogs, Some(true), true, (false, false)),
            (RecordSource::CloudWatchLogs, Some(false), true, (false, true)),
            (RecordSource::CloudWatchLogs, None, false, (false, false)),
        ] {
            assert_eq!(change(source, event_bridge, recorded), expected, "{source:?} {event_bridge:?} {recorded}");
        }
    }
}
