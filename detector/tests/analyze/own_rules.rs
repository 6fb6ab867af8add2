//! Rules and suppressions of the user, by day.

use serde_json::{Value, json};

use crate::fixtures::*;

/// An upload that matches, a scanner that is known, and a suppression that is over.
fn detector() -> Value {
    let upload = json!({
        "name": "upload",
        "severity": "HIGH",
        "when": "source == \"10.0.1.7\" && dstport == 443",
        "minRecords": 4,
        "description": "The build server uploads.",
        "tests": [
            {"name": "upload", "matches": true, "record": {"srcaddr": "10.0.1.7", "dstport": 443}},
            {"name": "other", "matches": false, "record": {"srcaddr": "10.0.1.8", "dstport": 443}},
        ],
    });
    let idle = json!({"name": "idle", "severity": "LOW", "when": "syn", "description": "d", "tests": upload["tests"]});
    let suppress = |name: &str, until: &str| {
        let when = "in_networks(source, [\"198.51.100.64/26\"]) && action == \"REJECT\"";
        json!({"name": name, "when": when, "until": until, "reason": "r"})
    };
    json!({
        "customRules": [upload, idle],
        "suppress": [suppress("scanner", "2999-01-01T00:00:00Z"), suppress("former", "2020-01-01T00:00:00Z")],
    })
}

fn analyze(args: &[&str]) -> Run {
    run_with(args, &text(&lines()))
}

#[test]
fn findings_and_records_are_listed_by_day() {
    let table = analyze(&["--rules", &detector().to_string()]).output();
    let expected = "
OWN RULES  DAY (UTC)   FINDINGS  RECORDS
upload     all days    1         6
           2026-08-23  1         6
idle       all days    0         0

SUPPRESSIONS  DAY (UTC)   RECORDS
scanner       all days    30
              2026-08-23  30
Expired         former: the suppression has no effect
";
    assert!(table.contains(expected), "{table}");
    assert!(table.contains("HIGH      upload  ") && !table.contains("portScan"), "{table}");
    assert!(table.contains("Not examined    idle: some or all records have no tcp-flags"), "{table}");
}

#[test]
fn the_json_has_the_same() {
    let document = analyze(&["--monitor", &detector().to_string(), "-o", "json"]).json();
    let expected = json!({
        "customRules": [
            {"rule": "upload", "findings": 1, "records": 6, "days": [{"day": "2026-08-23", "findings": 1, "records": 6}]},
            {"rule": "idle", "findings": 0, "records": 0, "days": []},
        ],
        "suppressions": [
            {"name": "scanner", "expired": false, "records": 30, "days": [{"day": "2026-08-23", "records": 30}]},
            {"name": "former", "expired": true, "records": 0, "days": []},
        ],
        "hasMoreFindings": false,
    });
    assert_eq!(document["backtest"], expected);
    assert_eq!(analyze(&["-o", "json"]).json()["backtest"], Value::Null);
}
