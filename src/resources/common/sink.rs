//! The two flow logs by their destination, which their readers wait for.

use crate::api::{Component, ResourceKind};
use crate::engine::Other;

/// The kind of destination; a monitor has one flow log to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sink {
    /// The log group.
    CloudWatchLogs,
    /// The bucket.
    S3,
}

impl Sink {
    /// AWS's name of the kind, which is also the name of the flow log in changes and in the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CloudWatchLogs => "cloud-watch-logs",
            Self::S3 => "s3",
        }
    }
}

/// The flow log to this kind of destination, as a precondition for changes of its readers. Readers are updated after the flow log, so they
/// rarely see records in a format they do not expect, and never if AWS rejects the new flow log.
#[must_use]
pub const fn flow_log_to(sink: Sink) -> Other {
    Other { component: Component::FlowLogs, kind: ResourceKind::FlowLog, name: Some(sink.as_str()) }
}
