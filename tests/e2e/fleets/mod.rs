//! Fleets: the monitors that they make, in several accounts and regions, and the order in which these change.

mod admission;
mod crashes;
mod discovery;
mod neighbours;
mod rollout;

pub use testkit::fleets::{Stage, ec2, has, is_ready, make_prod, make_vpc, message, set_tags, small, small_with};
