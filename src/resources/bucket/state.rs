//! A bucket as declared and as S3 has it, in the same terms.

use aws_sdk_s3::types::{BlockedEncryptionTypes, PublicAccessBlockConfiguration, ServerSideEncryption};
use serde::Serialize;
use serde_json::Value;

use super::lifecycle::{Lifecycle, Rules};
use super::policy::Policy;
use crate::monitor::Tags;

/// Switches ACLs off: the bucket owner owns all objects. Accepts the `bucket-owner-full-control` that log delivery sends.
pub const OWNERSHIP: &str = "BucketOwnerEnforced";

/// A bucket as declared. Public access is always blocked, and ACLs are off.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// True if overwritten and deleted objects stay as versions.
    pub versioned: bool,
    /// Default encryption of new objects.
    pub encryption: Encryption,
    /// Our statements of the bucket policy.
    pub statements: Vec<Value>,
    /// Our lifecycle rules.
    pub rules: Rules,
}

/// Default encryption of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Encryption {
    /// `AES256` or `aws:kms`; others only if somebody else chose them.
    pub algorithm: String,
    /// The key; none for the algorithm's default.
    pub kms_key_arn: Option<String>,
    /// True if S3 uses a bucket key, which saves calls to KMS. Always false without KMS.
    pub bucket_key: bool,
}

impl Encryption {
    /// Encryption with keys that S3 manages.
    #[must_use]
    pub fn sse_s3() -> Self {
        Self::new(&ServerSideEncryption::Aes256, None, false)
    }

    /// Encryption with a key in KMS.
    #[must_use]
    pub fn sse_kms(key_arn: String) -> Self {
        Self::new(&ServerSideEncryption::AwsKms, Some(key_arn), true)
    }

    /// Encryption in canonical form: equal settings compare equal.
    #[must_use]
    pub fn new(algorithm: &ServerSideEncryption, kms_key_arn: Option<String>, bucket_key: bool) -> Self {
        let bucket_key = bucket_key && *algorithm != ServerSideEncryption::Aes256;
        Self { algorithm: algorithm.as_str().to_owned(), kms_key_arn, bucket_key }
    }
}

/// The four settings that block public access.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "S3 has four switches")]
pub struct PublicAccess {
    block_public_acls: bool,
    ignore_public_acls: bool,
    block_public_policy: bool,
    restrict_public_buckets: bool,
}

impl PublicAccess {
    /// No public access of any kind.
    pub const BLOCKED: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };

    /// True if there is no public access of any kind.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        self == Self::BLOCKED
    }
}

impl From<&PublicAccessBlockConfiguration> for PublicAccess {
    fn from(block: &PublicAccessBlockConfiguration) -> Self {
        Self {
            block_public_acls: block.block_public_acls.unwrap_or(false),
            ignore_public_acls: block.ignore_public_acls.unwrap_or(false),
            block_public_policy: block.block_public_policy.unwrap_or(false),
            restrict_public_buckets: block.restrict_public_buckets.unwrap_or(false),
        }
    }
}

/// The bucket of a given name.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A bucket that the operator cannot use; the text names its place and the remedy.
    Elsewhere(String),
    /// A bucket of this account and region.
    Here(Box<ObservedBucket>),
}

impl Found {
    /// True for a bucket that this monitor has created and not tagged yet.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        matches!(self, Self::Here(bucket) if bucket.unfinished)
    }
}

/// A bucket as S3 has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedBucket {
    pub(super) tags: Tags,
    /// True if this monitor has created the bucket and not tagged it yet.
    pub(super) unfinished: bool,
    pub(super) versioned: bool,
    pub(super) encryption: Option<Encryption>,
    /// Not set by the operator, but written together with the default encryption.
    pub(super) blocked_encryption: Option<BlockedEncryptionTypes>,
    pub(super) public_access: PublicAccess,
    pub(super) ownership: Option<String>,
    pub(super) policy: Policy,
    pub(super) lifecycle: Lifecycle,
    /// True if it sends events to `EventBridge`; `None` if that does not matter, and was not read.
    pub(super) event_bridge: Option<bool>,
}

impl ObservedBucket {
    /// A bucket as `CreateBucket` leaves it: S3 user guide, "Default settings for new S3 buckets".
    #[must_use]
    pub fn just_created(tags: Tags) -> Self {
        Self {
            tags,
            unfinished: false,
            versioned: false,
            encryption: Some(Encryption::sse_s3()),
            blocked_encryption: None,
            public_access: PublicAccess::BLOCKED,
            ownership: Some(OWNERSHIP.to_owned()),
            policy: Policy::default(),
            lifecycle: Lifecycle::default(),
            event_bridge: Some(false),
        }
    }
}
