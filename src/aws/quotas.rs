//! Rates at which AWS lets an account call, as published. Where AWS publishes none, the figure is careful, and a comment says so.

/// Scope of a quota within the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaScope {
    /// Each region has its own.
    Region,
    /// The service has one for all regions.
    Account,
}

/// The quota of a group of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Name of the group, for metrics.
    pub group: &'static str,
    /// Calls per second.
    pub per_second: u32,
    /// Calls that may come at once after a quiet time. `None`: AWS publishes only a number per second, and its bucket holds one second's
    /// worth.
    pub at_once: Option<u32>,
    /// True if each operation of the group has such a quota to itself, false if they share one.
    pub each: bool,
    /// Its scope.
    pub scope: QuotaScope,
}

/// The part of a quota that the operator uses: others share the account.
const SHARE: f64 = 0.8;

impl Quota {
    /// Calls per second that the operator sends.
    #[must_use]
    pub fn rate(&self) -> f64 {
        f64::from(self.per_second) * SHARE
    }

    /// Calls that the operator sends at once after a quiet time, at least one.
    #[must_use]
    pub fn burst(&self) -> f64 {
        match self.at_once {
            Some(at_once) => (f64::from(at_once) * SHARE).max(1.0),
            None => f64::from(self.per_second),
        }
    }
}

const fn each(group: &'static str, per_second: u32) -> Quota {
    Quota { group, per_second, at_once: None, each: true, scope: QuotaScope::Region }
}

const fn shared(group: &'static str, per_second: u32) -> Quota {
    Quota { each: false, ..each(group, per_second) }
}

const fn bursting(quota: Quota, at_once: u32) -> Quota {
    Quota { at_once: Some(at_once), ..quota }
}

const fn global(quota: Quota) -> Quota {
    Quota { scope: QuotaScope::Account, ..quota }
}

// "IAM and AWS STS quotas": 600 a second; the operator needs few.
/// STS.
pub const STS: Quota = each("sts", 50);

// S3 publishes rates for objects only ("Best practices design patterns": 3,500 writes and 5,500 reads a second and prefix). For the
// settings of buckets there are only reports of `SlowDown` from tools that change many buckets at once: careful figures.
/// Making and deleting buckets.
pub const S3_BUCKETS: Quota = each("s3-buckets", 3);
/// Reading buckets' settings.
pub const S3_READ: Quota = each("s3-settings-read", 20);
/// Changing buckets' settings.
pub const S3_WRITE: Quota = each("s3-settings-write", 5);
/// Objects, and lists of them.
pub const S3_OBJECTS: Quota = each("s3-objects", 100);

// IAM publishes none ("IAM and AWS STS quotas" names sizes only), and has one control plane for all regions: careful figures.
/// Reading roles.
pub const IAM_READ: Quota = global(each("iam-read", 10));
/// Changing roles.
pub const IAM_WRITE: Quota = global(each("iam-write", 5));

// "CloudWatch Logs quotas". It names none for `AssociateKmsKey`, `DisassociateKmsKey` and query definitions: as the others.
/// Most operations of `CloudWatch` Logs.
pub const LOGS: Quota = each("logs", 5);
/// Making, deleting and listing log groups.
pub const LOG_GROUPS: Quota = each("logs-groups", 10);
/// Listing streams.
pub const LOG_STREAMS: Quota = each("logs-streams", 25);

// "Request throttling for the Amazon EC2 API": per operation, a bucket of 100 that gains 20 a second for reads, of 50 and 5 for writes.
/// Reads of EC2.
pub const EC2_READ: Quota = bursting(each("ec2-read", 20), 100);
/// Writes of EC2.
pub const EC2_WRITE: Quota = bursting(each("ec2-write", 5), 50);

// "Amazon SNS endpoints and quotas": 30 a second for lists, 100 for subscribing, 10 for tags; not all operations are named: the lowest.
/// SNS.
pub const SNS: Quota = each("sns", 10);

// "CloudWatch service quotas". It names none for alarm mute rules: as alarms.
/// Changing alarms.
pub const ALARMS_WRITE: Quota = each("cloudwatch-alarms-write", 3);
/// Reading alarms.
pub const ALARMS_READ: Quota = each("cloudwatch-alarms-read", 9);
/// Deleting anomaly models.
pub const ANOMALY_MODELS_DELETE: Quota = each("cloudwatch-anomaly-models-delete", 5);
/// Dashboards, reading tags, reading and changing anomaly models.
pub const CLOUDWATCH: Quota = each("cloudwatch", 10);
/// Changing tags, and the history of alarms.
pub const CLOUDWATCH_TAGS: Quota = each("cloudwatch-tags", 20);

// "Lambda quotas": 15 a second for all of the control plane, but for these two.
/// The control plane.
pub const LAMBDA: Quota = shared("lambda", 15);
/// `GetFunction`.
pub const LAMBDA_GET_FUNCTION: Quota = each("lambda-get-function", 100);
/// `GetPolicy`.
pub const LAMBDA_GET_POLICY: Quota = each("lambda-get-policy", 15);

// "Amazon EventBridge quotas" names rates for events only: a careful figure.
/// Rules and their targets.
pub const EVENTS: Quota = each("events", 10);

// "CloudWatch service quotas": ten a second for each operation on links.
/// Links of Observability Access Manager.
pub const OAM: Quota = each("oam", 10);

// "Service quotas" of Athena's user guide. It names none for workgroups and tags: as saved queries.
/// Workgroups and tags.
pub const ATHENA: Quota = each("athena", 5);
/// Reading saved queries.
pub const ATHENA_QUERIES_READ: Quota = bursting(shared("athena-named-queries-read", 5), 10);
/// Changing saved queries.
pub const ATHENA_QUERIES_WRITE: Quota = bursting(shared("athena-named-queries-write", 5), 20);
/// Starting a query.
pub const ATHENA_START: Quota = bursting(each("athena-start-query", 20), 80);
/// Following a query.
pub const ATHENA_FOLLOW: Quota = bursting(shared("athena-query-results", 100), 200);

// Glue shows its rates in the Service Quotas console alone: a careful figure.
/// The data catalogue.
pub const GLUE: Quota = each("glue", 10);
