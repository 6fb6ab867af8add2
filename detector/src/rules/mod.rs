//! The rules by which traffic becomes a finding. Their meaning for people is in `docs/rules.md`.

mod action;
mod config;
mod conversations;
mod declared;
mod engine;
pub(crate) mod limits;
mod members;
mod networks;
pub(crate) mod rule;
mod windows;

#[cfg(test)]
mod tests;

pub use config::Config;
pub(crate) use config::cidrs;
pub use declared::{Declared, DeclaredSpec};
pub use engine::{Ends, Engine, Flow};
pub use limits::Limits;
pub use networks::Networks;
pub use rule::{Rule, Severity};
