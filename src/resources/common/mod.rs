//! Building blocks that several systems share.

pub mod alarm_kind;
pub mod cloudwatch_tags;
pub mod condition_tests;
pub mod counted;
pub mod counted_records;
pub mod custom_name;
pub mod detections;
pub mod entry_error;
pub mod event_rule;
pub mod event_tags;
pub mod full_log_group;
pub mod log_group;
pub mod networks;
pub mod policy;
pub mod role;
pub mod set_members;
pub mod sink;
