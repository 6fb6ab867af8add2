//! Findings and sums, as tables and as JSON.

use crate::fixtures::*;

fn analyze(args: &[&str]) -> Run {
    run_with(args, &text(&lines()))
}

#[test]
fn the_table_has_findings_and_summary() {
    let table = analyze(&["--top", "2"]).output();
    let expected = "\
SEVERITY  RULE                   RECORDS  FIRST (UTC)          LAST      WHAT
HIGH      largeEgress            6        2026-08-23 10:00:00  10:04:20  10.0.1.7 sent 612.0 MB to public address 203.0.113.9 at port 443; 6 flows of 612.0 MB in all were above the threshold for a flow
HIGH      sensitivePortAccepted  1        2026-08-23 10:01:40  10:02:40  connection from 198.51.100.77 to 10.0.1.9:22 was accepted
MEDIUM    portScan               30       2026-08-23 10:00:10  10:01:10  198.51.100.66 tried 30 ports of 10.0.1.5: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 and more; 30 connections were rejected

Findings        3: 2 HIGH, 1 MEDIUM, 0 LOW
Records         338: 338 parsed, 0 bad
                1 without traffic
Time            2026-08-23T10:00:00Z to 2026-08-23T10:05:59Z
Bytes            612.0 MB  inside to public
                   5.2 kB  public to inside
                 300.0 kB  inside to inside
                   1.2 kB  rejected

TOP TALKERS  TO           BYTES     RECORDS
10.0.1.7     203.0.113.9  612.0 MB  6
10.0.1.1     10.0.2.2     300.0 kB  300

REJECTED PORTS  RECORDS  BYTES
1/tcp           1        40 B
2/tcp           1        40 B
";
    assert_eq!(table, expected);
}

#[test]
fn the_yaml_is_the_json() {
    let yaml = analyze(&["-o", "yaml"]);
    assert_eq!(serde_yaml_ng::from_str::<serde_json::Value>(&yaml.stdout).unwrap(), analyze(&["-o", "json"]).json());
}

#[test]
fn the_json_has_the_same() {
    let json = analyze(&["-o", "json", "--top", "1"]).json();
    assert_eq!((&json["version"], &json["files"]), (&1.into(), &1.into()));
    let records = serde_json::json!({"total": 338, "parsed": 338, "bad": 0, "withoutTraffic": 1, "otherEnds": 0});
    assert_eq!(json["records"], records);
    assert_eq!((&json["first"], &json["last"]), (&"2026-08-23T10:00:00Z".into(), &"2026-08-23T10:05:59Z".into()));
    let rules: Vec<_> = json["findings"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["largeEgress", "sensitivePortAccepted", "portScan"]);
    let scan = &json["findings"][2];
    assert_eq!(
        (&scan["source"], &scan["portCount"], &scan["records"]),
        (&"198.51.100.66".into(), &30.into(), &30.into())
    );
    let includes = serde_json::json!([
        {"rule": "rejectedTcp", "records": 28, "bytes": 1_120}, {"rule": "sensitivePortRejected", "records": 2, "bytes": 80}
    ]);
    assert_eq!(scan["includes"], includes);
    let key = |finding: &serde_json::Value| finding["key"].as_str().unwrap().to_owned();
    let once_more = analyze(&["-o", "json", "--rules", r#"{"rules": {"rejectedTcp": {"enabled": false}}}"#]).json();
    assert_eq!((key(scan).len(), key(scan)), (16, key(&once_more["findings"][2])));
    let bytes = serde_json::json!({
        "insideToPublic": 612_000_000, "publicToInside": 5_200, "insideToInside": 300_000, "other": 0, "rejected": 1_200
    });
    assert_eq!(json["bytes"], bytes);
    let talker = serde_json::json!({
        "source": "10.0.1.7", "destination": "203.0.113.9", "bytes": 612_000_000, "records": 6
    });
    assert_eq!((&json["topTalkers"], &json["topTalkersErrorBytes"]), (&serde_json::json!([talker]), &0.into()));
    let port = serde_json::json!({"port": 1, "protocol": 6, "records": 1, "bytes": 40});
    assert_eq!(json["rejectedPorts"], serde_json::json!([port]));
    let omitted = serde_json::json!({"findings": 0, "records": 0, "unexaminedRecords": 0, "rules": []});
    assert_eq!(json["omitted"], omitted);
}

#[test]
fn both_ends_of_a_conversation_count_once() {
    let mut both = lines();
    both.extend(lines().iter().map(|line| line.replace("eni-0a1b2c3d4e5f60718", "eni-b")).take(300));
    let json = run_with(&["-o", "json"], &text(&both)).json();
    assert_eq!((&json["records"]["parsed"], &json["records"]["otherEnds"]), (&638.into(), &300.into()));
    let once = analyze(&["-o", "json"]).json();
    for member in ["bytes", "topTalkers", "findings"] {
        assert_eq!(json[member], once[member], "{member}");
    }
}

#[test]
fn findings_can_be_narrowed_and_the_table_says_so() {
    // Without the scan, the rejections are two findings.
    let rules = r#"{"rules": {"portScan": {"enabled": false}}}"#;
    let json = analyze(&["-o", "json", "--min-severity", "medium", "--rules", rules]).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 2);
    assert_eq!(json["omitted"]["findings"], 2);
    let table = analyze(&["--min-severity", "HIGH", "--limit", "1", "--rules", rules]).output();
    let expected =
        "Findings        2: 2 HIGH, 0 MEDIUM, 0 LOW; the first 1 are listed, `--limit 0` lists all; 2 below HIGH\n";
    assert!(table.contains(expected), "{table}");
    assert!(table.contains("largeEgress") && !table.contains("sensitivePortAccepted"), "{table}");
}

#[test]
fn settings_of_the_rules_come_from_a_file_or_the_command_line() {
    let folder = Folder::new("rules");
    let rules = r#"{"minSeverity": "LOW", "rules": {"highDataTransfer": {"enabled": false}, "rejectedTcp": {"enabled": false},
        "portScan": {"minPorts": 31}}}"#;
    let file = folder.file("rules.json", rules);
    let marked = folder.file("marked.json", format!("\u{feff}{rules}"));
    let monitor = folder
        .file("monitor.yaml", format!("kind: VpcFlowMonitor\nspec: {{vpcId: vpc-12345678, detector: {rules}}}\n"));
    for rules in [rules, &file, &marked, &monitor] {
        let json = analyze(&["-o", "json", "--rules", rules, "--trusted-cidr", "198.51.100.77/32"]).json();
        let rules: Vec<_> =
            json["findings"].as_array().unwrap().iter().map(|it| it["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, ["largeEgress", "sensitivePortRejected"]);
    }
    // In windows of a minute no sum is large.
    let json = analyze(&["-o", "json", "--window", "1m"]).json();
    assert!(json["findings"].as_array().unwrap().iter().all(|it| it["rule"] != "largeEgress"));
}

#[test]
fn rules_that_lack_a_field_are_reported() {
    let records = b"srcaddr dstaddr bytes\n10.0.0.1 203.0.113.9 7\n";
    let table = run_with(&[], records).output();
    assert!(table.contains("Not examined    rejectedTcp: some or all records have no action\n"), "{table}");
    assert!(!table.contains("Not examined    largeEgress"), "{table}");
    let json = run_with(&["-o", "json"], records).json();
    let rule = serde_json::json!({"rule": "portScan", "missingField": "dstport"});
    assert!(json["omitted"]["rules"].as_array().unwrap().contains(&rule));
}
