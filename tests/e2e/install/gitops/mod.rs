//! The health and the differences that GitOps tools show for a monitor and for a fleet.

mod contribution;
mod fleet_states;
mod gallery;
pub mod in_sync;
mod kstatus;
mod lua;
mod plain_yaml;
mod states;
mod testdata;
