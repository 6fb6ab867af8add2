//! The counts of detections, and a naive count.

use std::io::{Seek, Write};

use detector::analysis::Analyzer;
use detector::detection::Detection;
use detector::files::{Kind, reading};
use detector::format::LogFormat;
use detector::package_config::PackageConfig;
use detector::record::Parser;
use detector::rules::Config;
use proptest::prelude::*;
use serde_json::json;

use crate::function::*;

/// The conditions that the operator writes.
fn package() -> PackageConfig {
    serde_json::from_value(json!({
        "version": 1,
        "detections": [
            {"metric": "RejectedConnections-x", "when": "action == \"REJECT\""},
            {"metric": "HighDataTransfer-x", "when": "bytes > 10000000"},
            {"metric": "ExternalConnections-x", "when": "source_public"},
        ],
        "suppress": [{"name": "all", "reason": "r", "until": "2999-01-01T00:00:00Z", "when": "bytes >= 0"}],
    }))
    .unwrap()
}

fn counts(content: &[u8], kind: Kind, detections: &[Detection]) -> Vec<(String, u64)> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.rewind().unwrap();
    let parser = Parser::new(LogFormat::aws_default());
    let settings = settings(package());
    let mut analyzer = Analyzer::new(&parser, &Config::default())
        .suppress(&settings.suppress, std::time::SystemTime::now())
        .count(detections);
    reading::read(file, kind, &parser, &mut analyzer).unwrap();
    analyzer.finish().detections.metrics().map(|(metric, count)| (metric.to_owned(), count)).collect()
}

/// Addresses with whether they are public.
fn address() -> impl Strategy<Value = (String, bool)> {
    let known =
        [("10.0.0.1", false), ("172.31.0.9", false), ("198.51.100.7", true), ("8.8.8.8", true), ("fd00::1", false)];
    prop::sample::select(known.map(|(address, public)| (address.to_owned(), public)).to_vec())
}

proptest! {
    /// Every record with traffic counts, also at the other end of a conversation and if it is suppressed.
    #[test]
    fn every_record_with_traffic_that_matches_counts(
        records in prop::collection::vec(
            (address(), address(), 0..2_u8, prop_oneof![Just(10_000_000_u64), Just(10_000_001), any::<u32>().prop_map(u64::from)], prop::bool::weighted(0.9)),
            0..60,
        )
    ) {
        let (mut rejected, mut high, mut external) = (0, 0, 0);
        let mut lines = Vec::new();
        for ((source, is_public), (destination, _), action, bytes, has_traffic) in records {
            if has_traffic {
                let action = if action == 0 { "REJECT" } else { "ACCEPT" };
                rejected += u64::from(action == "REJECT");
                high += u64::from(bytes > 10_000_000);
                external += u64::from(is_public);
                lines.push(line(lines.len(), &source, &destination, 443, bytes, action));
            } else {
                lines.push("2 123456789012 eni-1 - - - - - - - 1795996800 1795996859 - NODATA".to_owned());
            }
        }
        let expected = [("RejectedConnections-x", rejected), ("HighDataTransfer-x", high), ("ExternalConnections-x", external)];
        let expected: Vec<_> = expected.map(|(metric, count)| (metric.to_owned(), count)).to_vec();
        let detections = package().detections;
        prop_assert_eq!(counts(&text_file(&lines), Kind::Text, &detections), expected.clone());
        prop_assert_eq!(counts(&parquet_file(&lines, Absent::Null), Kind::Parquet, &detections), expected);
    }
}
