use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The treatment of monitors whose VPC is no longer selected. A place that cannot be read never counts: its monitors stay wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Prune {
    /// Keep: they go on, and the status counts them as orphaned. Delete: they are deleted after `afterSeconds`, each by its own
    /// `deletionPolicy`. Default Keep.
    pub policy: PrunePolicy,

    /// Time, in seconds, for which the VPC has not been selected before its monitor is deleted: 3,600 to 2,592,000. Default 86,400.
    #[schemars(range(min = 3600, max = 2_592_000))]
    pub after_seconds: u32,

    /// Most monitors that are being deleted at once: 1 to 100. Default 1.
    #[schemars(range(min = 1, max = 100))]
    pub max_at_once: u32,
}

impl Default for Prune {
    fn default() -> Self {
        Self { policy: PrunePolicy::Keep, after_seconds: 86_400, max_at_once: 1 }
    }
}

/// The fate of a monitor whose VPC is no longer selected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PrunePolicy {
    /// It goes on.
    #[default]
    Keep,
    /// It is deleted after a time.
    Delete,
}
