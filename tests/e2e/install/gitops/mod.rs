//! What GitOps tools make of a monitor.

mod contribution;
pub mod in_sync;
mod kstatus;
mod lua;
mod plain_yaml;
mod states;
mod testdata;
