//! The order of work across systems, and the ownership rule. Knows the traits [`System`] and [`Resource`], and no AWS service.

mod any_system;
mod change;
mod change_summary;
mod failure;
mod field_change;
mod outcome;
pub mod ownership;
mod pass;
mod report;
mod resource;
mod schedule;
#[cfg(test)]
mod schedule_tests;
mod step;
mod system;
mod value_text;

pub use any_system::{AnySystem, Assessment, erase};
pub use change::{Action, Along, Change};
pub use change_summary::in_brief;
pub use failure::Failure;
pub use field_change::FieldChange;
pub use outcome::{Assessed, Outcome, plan};
pub use ownership::{Fate, fate};
pub use pass::{apply, assess};
pub use report::{Details, Existing, Report, SystemHealth};
pub use resource::{Resource, ResourceCall, claim_by_tags, existing, rewrite};
pub use schedule::foresee;
pub use step::{AnyCall, Applied, Call, Conflict, Diff, Goal, Other, Removal, Step};
pub use system::{Direction, System};
