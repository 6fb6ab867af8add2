//! The order of work across systems. Knows the trait [`System`], and no AWS service.

mod change;
mod erased;
mod failure;
mod foresight;
mod outcome;
mod overseer;
mod pass;
mod system;

pub use change::{Action, Change, FieldChange, field_changes};
pub use erased::{AnyStep, AnySystem, Assessment, erase};
pub use failure::Failure;
pub use foresight::foresee;
pub use outcome::{Assessed, Outcome, plan};
pub use overseer::Overseer;
pub use pass::{apply, assess, in_order};
pub use system::{Applied, Conflict, Diff, Existing, Goal, Health, Invalid, Other, Removal, Report, Step, System};
