//! Use of what is usual: as the spec asks for it, and as it is now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Use of the band.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AnomalyMode {
    /// The threshold alone. Not called `Off`: kubectl and Helm read YAML 1.1, for which that is a boolean.
    #[default]
    Disabled,
    /// The threshold or the band.
    Either,
    /// The threshold and the band.
    Both,
    /// The band alone.
    Band,
}

/// Decides about the alarm of a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum EffectiveMode {
    /// The threshold alone.
    Static,
    /// The threshold or the band.
    Either,
    /// The threshold and the band.
    Both,
    /// The band alone.
    Band,
}
