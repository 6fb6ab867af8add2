//! Sweep of every field of the spec, as the CRD's schema has them.

mod admission;
mod changes;
mod invalid;
mod others;
mod rules;
mod schema;
mod values;
