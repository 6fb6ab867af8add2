use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::severity::Severity;

/// Places besides the topic where findings go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Integrations {
    /// Events on `EventBridge`.
    pub events: FindingEvents,
}

/// An event for each finding that the detector publishes, on the default event bus of the account and region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FindingEvents {
    /// True sends the events. The detector must be enabled. AWS charges for each event. Default false.
    pub enabled: bool,
    /// The least severity that is sent: LOW (default), MEDIUM or HIGH. Findings below `detector.minSeverity` are not published, and so not sent.
    pub min_severity: Severity,
}

impl Default for FindingEvents {
    fn default() -> Self {
        Self { enabled: false, min_severity: Severity::Low }
    }
}
