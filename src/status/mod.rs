//! The summaries of monitors, fleets and overviews that `status` prints: first the reasons for which they are not as declared.
//!
//! They are computed from stored objects and events alone. The status is read leniently, so that a program of another version than the
//! operator's shows it too.

mod differences;
mod events;
mod fleet;
mod fleet_template;
#[cfg(test)]
mod fleet_tests;
mod fleet_text;
mod member;
mod member_text;
mod notes;
mod overview;
#[cfg(test)]
mod overview_tests;
mod overview_text;
mod secrets;
mod summary;
mod text;
mod wrap;

pub use fleet::{FleetMonitor, FleetSummary, PlaceSummary, RolloutSummary, SkippedSummary, is_of_fleet};
pub use fleet_text::render_fleet;
pub use member::MemberSummary;
pub use member_text::Listing;
pub use overview::{OverviewPlaceSummary, OverviewSummary, is_of_overview};
pub use overview_text::render_overview;
pub use summary::{MonitorSummary, SummaryError};
pub use text::render;
