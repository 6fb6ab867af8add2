//! The most rules of a user, each as slow as it can be.

use std::sync::Arc;

use anyhow::Result;
use detector::custom_rule::CustomRule;
use serde_json::json;

/// The most rules of a monitor.
const RULES: u8 = 16;
/// All rules together have at most 256 conditions.
const CONDITIONS: u8 = 16;
/// As many as fit an expression.
const NETWORKS: u8 = 24;

/// Rules of which only the last condition is false, so that each record is compared with all conditions of all rules.
pub fn worst() -> Result<Vec<Arc<CustomRule>>> {
    (0..RULES).map(|place| Ok(Arc::new(serde_json::from_value(rule(place))?))).collect()
}

fn rule(place: u8) -> serde_json::Value {
    // Ranges are not joined, and none leaves a record out.
    let ranges = ["bytes >= ", "srcport >= ", "start >= ", "end >= "].iter().cycle().zip(0..CONDITIONS - 1);
    let ranges: Vec<_> = ranges.map(|(range, step)| format!("{range}{}", step / 4)).collect();
    let networks: Vec<_> = (0..NETWORKS).map(|step| format!("\"203.0.{step}.{place}/32\"")).collect();
    let when = format!("{} && in_networks(destination, [{}])", ranges.join(" && "), networks.join(", "));
    json!({"name": format!("worst_{place}"), "severity": "LOW", "when": when, "description": "Never true."})
}
