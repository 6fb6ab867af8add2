//! The summary of a monitor that `status` prints: first the reasons for which it is not as declared.
//!
//! It is computed from the stored object and its events alone. The status is read leniently, so that a program of another version than the
//! operator's shows it too.

mod differences;
mod events;
mod secrets;
mod summary;
mod text;
mod wrap;

pub use summary::{MonitorSummary, SummaryError};
pub use text::render;
