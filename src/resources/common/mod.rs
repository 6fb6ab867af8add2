//! Building blocks that several systems share.

pub mod cloudwatch_tags;
pub mod full_log_group;
pub mod log_group;
pub mod policy;
pub mod role;
