use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Severity of a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Severity {
    /// Everyday noise that is worth counting.
    Low,
    /// Somebody is looking around.
    #[default]
    Medium,
    /// Somebody may be in, or data may be out.
    High,
}
