//! Prints the result of an analysis.

mod json;
mod span;
mod table;

pub use json::{write_json, write_yaml};
pub use table::write_table;
