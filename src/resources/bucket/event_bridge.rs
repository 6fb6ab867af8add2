//! The switch with which S3 sends an event for each new object to `EventBridge`.
//!
//! It is one member of the bucket's notification configuration, whose other members are of others. A tag records that the operator has turned
//! it on: only then is it the operator's to turn off. See "Using `EventBridge`" in the Amazon S3 user guide.
//!
//! It is a resource of its own: a setting of the bucket that fails does not hold it up, the detector waits for it, and it is turned off only
//! once the detector has another source.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{EventBridgeConfiguration, NotificationConfiguration};

use super::state::{Bucket, Found, ObservedBucket};
use super::tags;
use crate::api::ResourceKind;
use crate::api::spec::DeletionPolicy;
use crate::aws::{Aws, AwsError, AwsResult, operations as ops};
use crate::engine::{Action, Applied, Call, Change, Diff, Existing, Goal, Resource};
use crate::monitor::{ADOPTED, Claim, Claims, Monitor, Owner, TagDiff, Tags};

/// Key of the tag that records that the operator has turned the switch on.
const TAG: &str = "vpcflow.dev/event-bridge";
/// Its value.
const ENABLED: &str = "enabled";

/// Turns the switch of the bucket of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventsCall {
    /// On.
    On(String),
    /// Off.
    Off(String),
}

/// True if the switch matters: it is wanted, or the operator has turned it on.
pub fn matters(monitor: &Monitor, tags: &Tags) -> bool {
    is_wanted(monitor) || is_recorded(tags)
}

/// True if the monitor needs the events: its detector reads the files.
fn is_wanted(monitor: &Monitor) -> bool {
    monitor.spec.reads_files()
}

/// True if the operator has turned the switch on, or was about to.
fn is_recorded(tags: &Tags) -> bool {
    tags.contains_key(TAG)
}

/// The step that turns the switch of the bucket `name`.
pub fn diff(monitor: &Monitor, goal: Goal<&Bucket>, name: &str, found: Option<&Found>) -> Diff<EventsCall> {
    let mut diff = Diff::default();
    let change = |action| Change::new(action, ResourceKind::BucketEvents, name);
    let (turns_on, turns_off) = match (goal, found) {
        (Goal::Present(_), None) => (is_wanted(monitor), false),
        (Goal::Present(_), Some(Found::Here(bucket))) if !is_foreign(monitor, name, found) => {
            (is_wanted(monitor) && bucket.event_bridge != Some(true), !is_wanted(monitor) && is_recorded(&bucket.tags))
        }
        (Goal::Absent(_), Some(Found::Here(bucket))) => {
            (false, is_ours(monitor, name, found) && stays(monitor, bucket))
        }
        _ => (false, false),
    };
    if turns_on {
        diff.step(change(Action::Create), EventsCall::On(name.to_owned()));
    }
    if turns_off {
        diff.step(change(Action::Delete), EventsCall::Off(name.to_owned()));
    }
    diff
}

/// True for a switch of ours on a bucket that stays without its monitor, and that is no longer maintained. Under `Retain` nothing is changed.
/// After an operator that was killed, the switch may be off and the record there still.
fn stays(monitor: &Monitor, bucket: &ObservedBucket) -> bool {
    let policy = monitor.deletion_policy();
    let stays = policy == DeletionPolicy::RetainData || bucket.tags.contains_key(ADOPTED);
    stays && policy != DeletionPolicy::Retain && is_recorded(&bucket.tags)
}

fn is_on(bucket: &ObservedBucket) -> bool {
    bucket.event_bridge == Some(true) && is_recorded(&bucket.tags)
}

fn is_foreign(monitor: &Monitor, name: &str, found: Option<&Found>) -> bool {
    found.is_some_and(|found| matches!(Bucket::claim(monitor, name, found), Claim::Foreign(_)))
}

fn is_ours(monitor: &Monitor, name: &str, found: Option<&Found>) -> bool {
    found.is_some_and(|found| Bucket::claim(monitor, name, found) == Claim::Ours)
}

/// The switch for the status, if it is ours. It has the bucket's name, and no ARN.
pub fn existing(monitor: &Monitor, name: &str, found: Option<&Found>) -> Option<Existing> {
    let Some(Found::Here(bucket)) = found else { return None };
    let retained = monitor.has_retained(&bucket.tags);
    (is_ours(monitor, name, found) && is_on(bucket)).then(|| Existing {
        kind: ResourceKind::BucketEvents,
        name: name.to_owned(),
        arn: None,
        retained,
        message: None,
    })
}

impl Call for EventsCall {
    /// The record is there before the switch is on, and until it is off.
    async fn run(&self, aws: &Aws, _monitor: &Monitor) -> Result<Applied, AwsError> {
        let mut record = TagDiff::default();
        match self {
            Self::On(name) => {
                record.set.insert(TAG.to_owned(), ENABLED.to_owned());
                tags::put(aws, name, &record).await?;
                put(aws, name, true).await?;
            }
            Self::Off(name) => {
                put(aws, name, false).await?;
                record.unset.push(TAG.to_owned());
                tags::put(aws, name, &record).await?;
            }
        }
        Ok(Applied::Done)
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
async fn put(aws: &Aws, name: &str, enabled: bool) -> Result<(), AwsError> {
    let present = read(aws, name).await?;
    if present.event_bridge_configuration.is_some() == enabled {
        return Ok(());
    }
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
    use crate::engine::{Removal, System};
    use crate::monitor::fixtures;
    use crate::resources::bucket::BucketSystem;

    fn monitor(source: RecordSource, policy: DeletionPolicy) -> Monitor {
        let mut spec = VpcFlowMonitorSpec::new("vpc-12345678");
        spec.detector.source = source;
        spec.deletion_policy = Some(policy);
        fixtures::with_spec(spec)
    }

    fn found(monitor: &Monitor, event_bridge: Option<bool>, is_recorded: bool) -> Found {
        let mut tags = monitor.tags.clone();
        tags.extend(is_recorded.then(|| (TAG.to_owned(), ENABLED.to_owned())));
        Found::Here(Box::new(ObservedBucket { event_bridge, ..ObservedBucket::just_created(tags) }))
    }

    fn steps(monitor: &Monitor, removal: Option<Removal>, found: Option<&Found>) -> Vec<EventsCall> {
        let bucket = BucketSystem::desired(monitor).unwrap().unwrap();
        let goal = removal.map_or(Goal::Present(&bucket), Goal::Absent);
        let steps = diff(monitor, goal, "b", found).steps.into_iter();
        steps.inspect(|step| assert_eq!(step.change.kind, ResourceKind::BucketEvents)).map(|step| step.op).collect()
    }

    #[test]
    fn only_a_switch_that_the_operator_turned_on_is_turned_off() {
        let (on, off) = (vec![EventsCall::On("b".into())], vec![EventsCall::Off("b".into())]);
        for (source, event_bridge, is_recorded, expected) in [
            (RecordSource::S3, Some(false), false, &on),
            (RecordSource::S3, Some(false), true, &on),
            (RecordSource::S3, Some(true), true, &vec![]),
            // Somebody else has turned it on.
            (RecordSource::S3, Some(true), false, &vec![]),
            (RecordSource::CloudWatchLogs, Some(true), true, &off),
            (RecordSource::CloudWatchLogs, Some(false), true, &off),
            (RecordSource::CloudWatchLogs, None, false, &vec![]),
        ] {
            let monitor = monitor(source, DeletionPolicy::RetainData);
            let found = found(&monitor, event_bridge, is_recorded);
            assert_eq!(steps(&monitor, None, Some(&found)), *expected, "{source:?} {event_bridge:?} {is_recorded}");
        }
        let monitor = monitor(RecordSource::S3, DeletionPolicy::RetainData);
        assert_eq!(steps(&monitor, None, None), on, "with the new bucket");
        let mut theirs = monitor.clone();
        theirs.owner = "cluster/other/x".to_owned();
        theirs.tags.insert(crate::monitor::OWNER.to_owned(), theirs.owner.clone());
        assert_eq!(steps(&monitor, None, Some(&found(&theirs, Some(false), false))), []);
    }

    #[test]
    fn a_bucket_that_stays_is_quiet_and_one_that_goes_or_is_left_as_it_is_keeps_the_switch() {
        for (policy, expected) in
            [(DeletionPolicy::RetainData, 1), (DeletionPolicy::Retain, 0), (DeletionPolicy::Delete, 0)]
        {
            let monitor = monitor(RecordSource::S3, policy);
            let found = found(&monitor, Some(true), true);
            assert_eq!(steps(&monitor, Some(Removal::OwnerDeleted), Some(&found)).len(), expected, "{policy:?}");
        }
        let monitor = monitor(RecordSource::S3, DeletionPolicy::RetainData);
        let found = found(&monitor, Some(false), true);
        let off = [EventsCall::Off("b".into())];
        assert_eq!(steps(&monitor, Some(Removal::OwnerDeleted), Some(&found)), off, "the record is left");
    }
}
