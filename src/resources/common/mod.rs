//! Building blocks that several systems share.

pub mod cloudwatch_tags;
pub mod log_group;
pub mod policy;
pub mod role;

/// Why what was taken over is not deleted.
pub const WAS_THERE_BEFORE: &str = "it was there before this monitor took it over, so the operator never empties or deletes it; delete it yourself if nobody needs it";
