//! A fleet: the VPCs that it finds, the monitors that it wants for them, and the order in which these get a change. All but
//! `discovery` and `places` is without I/O.

mod decision;
mod discovery;
mod places;
mod present;
mod selection;
mod status;
mod vpc;
mod wanted;
mod waves;

#[cfg(test)]
mod decision_tests;
#[cfg(test)]
pub(crate) mod fixtures;

pub use decision::{Action, Decision, Input, WantedMonitor, decide};
pub use places::read_places;
pub use present::{Health, OtherMonitor, PresentMonitor};
pub use status::{StatusInput, failed, status};
pub use vpc::{FoundVpc, PlaceRegion, Reading};
pub use wanted::{DesiredMonitor, FIELD_MANAGER, FleetIdentity, in_template};
