//! Files as people have them who do this job, each after a bug report on another tool.

use std::fs;
use std::path::{Path, PathBuf};

use crate::fixtures::*;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/analyze/cases").join(name)
}

fn analysis(name: &str) -> String {
    run(&["-o", "json", case(name).to_str().unwrap()]).output()
}

#[test]
fn a_byte_order_mark_or_padding_changes_nothing() {
    let plain = analysis("plain.log");
    assert!(plain.contains("\"parsed\": 3"), "{plain}");
    assert_eq!(analysis("bom.log"), plain);
    assert_eq!(analysis("zero-padded.log.gz"), plain);
    let run = run(&["-o", "json", case("log-events-viewer-result.csv").to_str().unwrap()]);
    assert_eq!((run.code, run.stdout), (0, plain));
}

#[test]
fn files_with_byte_order_marks_can_be_joined() {
    let bom = fs::read(case("bom.log")).unwrap();
    let mut joined = [bom.clone(), bom.clone(), fs::read(case("plain.log")).unwrap(), bom.clone()].concat();
    assert_eq!(run_with(&["--records"], &joined).output().lines().count(), 12);
    joined = [gzip(&bom), gzip(&bom), fs::read(case("zero-padded.log.gz")).unwrap(), gzip(&bom)].concat();
    assert_eq!(run_with(&["--records"], &joined).output().lines().count(), 12);
}

#[test]
fn a_transit_gateways_fields_are_read_though_few_are_known() {
    let records = run(&["--records", case("transit-gateway-custom.log").to_str().unwrap()]).output();
    let record: serde_json::Value = serde_json::from_str(records.lines().next().unwrap()).unwrap();
    assert_eq!(record.as_object().unwrap().len(), 23);
    assert_eq!((&record["dstport"], &record["packets_lost_blackhole"]), (&5432.into(), &"3".into()));
    assert_eq!((&record["tgw_id"], &record["bytes"]), (&"tgw-0a1b2c3d4e5f60718".into(), &4096.into()));
    assert_eq!(records.lines().count(), 2);
}

#[test]
fn a_port_an_hour_is_no_scan_in_whatever_unit_the_times_are() {
    for (name, first, last) in [
        ("one-port-an-hour-in-ms.log", "2026-08-23T11:00:00Z", "2026-08-24T11:01:00Z"),
        ("as-aws.parquet", "2026-08-23T10:00:00Z", "2026-08-24T10:01:00Z"),
        ("timestamp-ms.parquet", "2026-08-23T10:00:00Z", "2026-08-24T10:01:00Z"),
    ] {
        let json: serde_json::Value = serde_json::from_str(&analysis(name)).unwrap();
        assert_eq!(
            (&json["records"]["parsed"], &json["first"], &json["last"]),
            (&25.into(), &first.into(), &last.into()),
            "{name}"
        );
        let findings = json["findings"].as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["rule"] != "portScan"), "{name}: {findings:?}");
    }
    assert_eq!(analysis("timestamp-ms.parquet"), analysis("as-aws.parquet"));
}
