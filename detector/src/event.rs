//! The event of an invocation: a batch of `CloudWatch` Logs, or a file that S3 has received. Its shape says which: while a monitor
//! changes its source, both come.

use serde::Deserialize;

use crate::envelope;
use crate::files::FileName;
use crate::identity::digits;

/// The event of an invocation.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Shape")]
pub enum Event {
    /// A batch of log events.
    Batch(envelope::Event),
    /// A file of records: the event of `EventBridge`
    /// [`Object Created`](https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). Keys in it are not URL-encoded.
    File(FileName),
}

/// An event that is neither.
#[derive(Debug, thiserror::Error)]
#[error(
    "the event is neither a batch of CloudWatch Logs, which has the member `awslogs`, nor an event of S3 by EventBridge, which has the \
     member `detail`; remove what else invokes the function"
)]
struct UnknownShape;

/// The members of both.
#[derive(Deserialize)]
struct Shape {
    awslogs: Option<envelope::Payload>,
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default)]
    etag: String,
}

impl TryFrom<Shape> for Event {
    type Error = UnknownShape;

    fn try_from(shape: Shape) -> Result<Self, UnknownShape> {
        match shape {
            Shape { awslogs: Some(awslogs), .. } => Ok(Self::Batch(envelope::Event { awslogs })),
            Shape { detail: Some(Detail { bucket, object }), .. } => {
                Ok(Self::File(FileName { bucket: bucket.name, key: object.key, etag: object.etag }))
            }
            Shape { .. } => Err(UnknownShape),
        }
    }
}

impl From<envelope::Event> for Event {
    fn from(event: envelope::Event) -> Self {
        Self::Batch(event)
    }
}

impl Event {
    /// An id that is the same if the event comes again, and of no other event.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Batch(event) => event.awslogs.id(),
            Self::File(FileName { bucket, key, etag }) => digits(&format!("{bucket}\n{key}\n{etag}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the Amazon S3 user guide, "`EventBridge` events".
    fn object_created(etag: &str) -> String {
        serde_json::json!({
            "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created", "source": "aws.s3",
            "account": "111122223333", "time": "2021-11-12T00:00:00Z", "region": "ca-central-1",
            "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
            "detail": {
                "version": "0", "bucket": {"name": "amzn-s3-demo-bucket1"},
                "object": {"key": "a b+c/AWSLogs/é.log.gz", "size": 5, "etag": etag, "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
                           "sequencer": "617f08299329d189"},
                "request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "1.2.3.4", "reason": "PutObject",
            },
        })
        .to_string()
    }

    fn read(json: &str) -> Result<Event, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn a_file_is_known_by_its_bucket_and_key() {
        let Event::File(name) = read(&object_created("b1946ac9")).unwrap() else { panic!("it is a file") };
        assert_eq!(name.to_string(), "s3://amzn-s3-demo-bucket1/a b+c/AWSLogs/é.log.gz");
    }

    #[test]
    fn a_batch_is_known_by_its_member() {
        let Event::Batch(event) = read(r#"{"awslogs":{"data":"H4sI"}}"#).unwrap() else { panic!("it is a batch") };
        assert_eq!(event.awslogs.data, "H4sI");
    }

    #[test]
    fn other_shapes_are_refused_with_the_members_that_are_expected() {
        for (json, expected) in [
            ("{}", "neither a batch of CloudWatch Logs, which has the member `awslogs`"),
            (r#"{"Records":[{"eventSource":"aws:s3"}]}"#, "remove what else invokes the function"),
            (r#"{"detail":{"bucket":{"name":"b"}}}"#, "missing field `object`"),
            (r#"{"awslogs":{}}"#, "missing field `data`"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn an_id_is_of_the_object_and_not_of_its_delivery() {
        let id = |json: &str| read(json).unwrap().id();
        let again = object_created("b1946ac9").replace("17793124", "27793124").replace("N4N7GDK58NMKJ12R", "other");
        assert_eq!(id(&object_created("b1946ac9")), id(&again));
        assert_ne!(id(&object_created("b1946ac9")), id(&object_created("c1946ac9")));
        assert_ne!(id(&object_created("")), id(r#"{"awslogs":{"data":""}}"#));
    }
}
