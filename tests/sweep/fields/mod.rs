//! Sweep of every field of the spec, as the CRD's schema has them.

mod admission;
mod changes;
mod invalid;
mod moments;
mod others;
mod rules;
mod schema;
mod values;

pub use changes::{Change, base, changes, make};
pub use others::Others;
pub use schema::{Property, merge, properties_of};
pub use values::{Other, derived, subscriptions};
