//! The commands `status`, `plan`, `verify` and `permissions`.

mod permissions;
mod plan;
mod status;
mod verify;
