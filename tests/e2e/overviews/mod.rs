//! Overviews: monitors of several accounts and regions on one dashboard, and their alarms on one topic.

mod admission;
mod crashes;
mod deletion;
mod forwarding;
mod links;
mod permissions;
mod places;

pub use testkit::overviews::{DEADLINE, Stage, THERE, has, in_region, message, set_alarm, sink};
