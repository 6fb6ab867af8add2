//! Prints the result of an analysis.

mod backtest;
mod columns;
mod first_and_last;
mod json;
mod table;

pub use json::{write_json, write_yaml};
pub use table::write_table;
