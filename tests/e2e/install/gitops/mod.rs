//! The health and the differences that GitOps tools show for a monitor.

mod contribution;
pub mod in_sync;
mod kstatus;
mod lua;
mod plain_yaml;
mod states;
mod testdata;
