//! The commands `plan`, `verify` and `permissions`.

mod permissions;
mod plan;
mod verify;
