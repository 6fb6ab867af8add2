//! The health and the differences that GitOps tools show for each kind.

mod contribution;
mod fleet_states;
mod gallery;
pub mod in_sync;
mod kstatus;
mod lua;
mod overview_states;
mod plain_yaml;
mod states;
mod testdata;
