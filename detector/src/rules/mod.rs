//! The rules by which traffic becomes a finding. Their meaning for people is in `docs/rules.md`.

mod action;
mod config;
pub(crate) mod connection;
mod conversations;
mod custom;
mod declared;
pub(crate) mod ends;
mod engine;
pub(crate) mod limits;
mod members;
mod memory;
mod networks;
pub(crate) mod rule;
pub(crate) mod rule_id;
mod suppressions;
mod windows;

#[cfg(test)]
mod tests;

pub use config::Config;
pub(crate) use config::cidrs;
pub use declared::{Declared, DeclaredSpec};
pub use ends::Ends;
pub use engine::{Engine, Flow};
pub use limits::Limits;
pub use networks::Networks;
pub use rule::{Rule, Severity};
pub use rule_id::RuleId;
