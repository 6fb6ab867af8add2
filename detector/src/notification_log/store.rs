//! The object that has the notification log, with conditional writes.
//!
//! See "How to prevent object overwrites with conditional writes" in the Amazon S3 user guide.

use std::fmt::Debug;
use std::future::Future;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;

use super::OBJECT_KEY;
use crate::publish::reason;

/// The version of an object as S3 names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(pub String);

/// The object could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The object is not the one that was read: another instance has written meanwhile.
    #[error("s3://{bucket}/{OBJECT_KEY} was written by another instance of the function")]
    Conflict {
        /// The bucket.
        bucket: String,
    },
    /// S3 refused, or was not reached.
    #[error("cannot {verb} s3://{bucket}/{OBJECT_KEY}: {reason}")]
    Failed {
        /// `read` or `write`.
        verb: &'static str,
        /// The bucket.
        bucket: String,
        /// The error of S3, or of the connection to it.
        reason: String,
    },
}

/// Keeps one object.
pub trait Store {
    /// The object, `None` if there is none yet. `account` must own the bucket.
    fn read(&self, account: Option<&str>) -> impl Future<Output = Result<Option<(Vec<u8>, ETag)>, StoreError>> + Send;

    /// Replaces the object that was read, or creates it if `read` is `None`.
    fn write(
        &self,
        account: Option<&str>,
        object: Vec<u8>,
        read: Option<&ETag>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket `name`, reached by `client`.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    fn failed(&self, verb: &'static str, reason: String) -> StoreError {
        StoreError::Failed { verb, bucket: self.name.clone(), reason }
    }
}

impl Store for Bucket {
    async fn read(&self, account: Option<&str>) -> Result<Option<(Vec<u8>, ETag)>, StoreError> {
        let request = self.client.get_object().bucket(&self.name).key(OBJECT_KEY);
        let output = match request.set_expected_bucket_owner(account.map(str::to_owned)).send().await {
            Ok(output) => output,
            // S3 denies reading an object that does not exist to those who may not list the bucket. If reading is denied indeed, so is
            // writing, which fails then.
            Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied")) => return Ok(None),
            Err(error) => return Err(self.failed("read", reason(&error))),
        };
        let etag = output.e_tag.clone().map(ETag);
        let body = output.body.collect().await.map_err(|error| self.failed("read", error.to_string()))?;
        let etag = etag.ok_or_else(|| self.failed("read", "S3 gave no ETag".to_owned()))?;
        Ok(Some((body.to_vec(), etag)))
    }

    async fn write(&self, account: Option<&str>, object: Vec<u8>, read: Option<&ETag>) -> Result<(), StoreError> {
        let request = self.client.put_object().bucket(&self.name).key(OBJECT_KEY).content_type("application/json");
        let request = match read {
            Some(ETag(etag)) => request.if_match(etag),
            None => request.if_none_match("*"),
        };
        let request = request.set_expected_bucket_owner(account.map(str::to_owned)).body(ByteStream::from(object));
        match request.send().await {
            Ok(_) => Ok(()),
            // A missing object under If-Match is `NoSuchKey`: it was deleted meanwhile.
            Err(error)
                if matches!(error.code(), Some("PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")) =>
            {
                Err(StoreError::Conflict { bucket: self.name.clone() })
            }
            Err(error) => Err(self.failed("write", reason(&error))),
        }
    }
}
