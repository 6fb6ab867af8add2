//! The commands `status`, `plan`, `verify` and `permissions`.

mod finished;
mod permissions;
mod plan;
mod status;
mod status_fleets;
mod status_overviews;
mod verify;
