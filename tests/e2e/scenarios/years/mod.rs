//! Events in the life of an operator that runs for years.

mod asked;
mod events;
mod health;
mod logs;
mod metrics;
pub mod own;
mod restarts;
mod schema;
