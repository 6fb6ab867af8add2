//! The most rules of a user, each as slow as it can be.

use std::sync::Arc;

use anyhow::Result;
use detector::custom_rule::CustomRule;
use serde_json::json;

/// The most rules of a monitor.
const RULES: u32 = 16;
/// All rules together have at most 256 conditions.
const PAIRS: u32 = 8;
/// Networks in a list: as many as fit an expression.
const NETWORKS: u32 = 18;

/// Numbers that records have, far apart for each field.
const FIELDS: [(&str, u32, u32); 6] = [
    ("bytes", 60, 97),
    ("srcport", 32_768, 31),
    ("dstport", 32_768, 33),
    ("packets", 1, 1),
    ("start", 1_767_225_600, 1),
    ("end", 1_767_225_658, 1),
];

/// Rules that are decided by their last condition, and that neither an action nor a port rules out: `a && (b || c && (d || …))`, in
/// which each `a` is true for almost every record and each `b` for almost none. No two conditions are the same, so none can
/// stand for another, and those of a field lie between different values.
pub fn worst() -> Result<Vec<Arc<CustomRule>>> {
    (0..RULES).map(|rule| Ok(Arc::new(serde_json::from_value(worst_rule(rule))?))).collect()
}

fn worst_rule(rule: u32) -> serde_json::Value {
    let networks: Vec<_> = (0..NETWORKS).map(|step| format!("\"10.{step}.{rule}.0/26\"")).collect();
    let last = format!("in_networks(destination, [{}])", networks.join(", "));
    let when = (0..PAIRS).rev().fold(last, |inner, pair| {
        let nth = rule * PAIRS + pair;
        let number = |field: u32, step: u32| {
            let (name, first, distance) = FIELDS[(field % 6) as usize];
            (name, first + distance * step)
        };
        let ((most, unequal), (few, equal)) = (number(pair, nth), number(pair + 3, nth + 128));
        if pair + 1 == PAIRS {
            format!("{most} != {unequal} && {inner}")
        } else {
            format!("{most} != {unequal} && ({few} == {equal} || {inner})")
        }
    });
    json!({"name": format!("worst_{rule}"), "severity": "LOW", "when": when, "description": "Hardly ever true."})
}
