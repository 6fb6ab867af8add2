//! The order of work across systems. Knows the trait [`System`], and no AWS service.

mod any_system;
mod change;
mod failure;
mod foresight;
mod outcome;
mod overseer;
mod pass;
mod system;

pub use any_system::{AnyStep, AnySystem, Assessment, erase};
pub use change::{Action, Change, FieldChange, field_changes};
pub use failure::Failure;
pub use foresight::foresee;
pub use outcome::{Assessed, Outcome, plan};
pub use overseer::Overseer;
pub use pass::{apply, assess, in_order};
pub use system::{
    Applied, Conflict, Diff, Existing, Goal, Invalid, Other, Removal, Report, Step, System, SystemHealth,
};
