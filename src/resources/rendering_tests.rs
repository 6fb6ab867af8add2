//! Tests that values of a spec stay literals wherever they are rendered: in SQL, queries of Logs Insights, filter patterns, dashboards and
//! policies.

use proptest::prelude::*;
use serde_json::Value;

use super::analytics::texts;
use super::bucket::BucketSystem;
use super::common::detections::Detection;
use super::dashboard;
use super::metric_filters::pattern::of_monitor as pattern;
use crate::api::VpcFlowMonitorSpec;
use crate::engine::System;
use crate::monitor::{Monitor, fixtures};

/// Specs with random names that the schema accepts.
fn specs() -> impl Strategy<Value = VpcFlowMonitorSpec> {
    let log_group = "[A-Za-z0-9_./#-]{1,80}";
    let prefix = "([A-Za-z0-9!_.'()-]{1,9}(/[A-Za-z0-9!_.'()-]{1,9}){0,3})?";
    let namespace = "[A-Za-z0-9._/#-]{1,80}";
    let name = "[a-z0-9_]{1,40}";
    let bucket = "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]";
    (log_group, prefix, namespace, name, name, bucket).prop_map(
        |(log_group, prefix, namespace, database, table, bucket)| {
            let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
            spec.cloud_watch_logs.log_group_name = Some(log_group);
            spec.s3.prefix = prefix;
            spec.s3.bucket_name = Some(bucket);
            spec.detections.namespace = namespace;
            spec.analytics.database = Some(database);
            spec.analytics.table = table;
            spec
        },
    )
}

/// The queries of a dashboard's widgets.
fn queries(monitor: &Monitor) -> Vec<String> {
    let body = dashboard::body(monitor);
    let text = body.to_string();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), body, "it is read as it was meant");
    let widgets = body["widgets"].as_array().unwrap().iter();
    widgets.filter_map(|widget| widget["properties"]["query"].as_str().map(str::to_owned)).collect()
}

/// The texts without one literal: the rest must be the same whatever the literal is.
fn without(texts: Vec<String>, literal: &str) -> Vec<String> {
    texts.into_iter().map(|text| text.replacen(literal, "", 1)).collect()
}

proptest! {
    #[test]
    fn names_are_literals_and_nothing_else(spec in specs()) {
        let (default, monitor) = (fixtures::monitor(), fixtures::with_spec(spec));
        let table = |monitor: &Monitor| format!("\"{}\"", monitor.names.table);
        prop_assert_eq!(without(texts(&monitor), &table(&monitor)), without(texts(&default), &table(&default)));
        let source = |monitor: &Monitor| format!("SOURCE '{}' |", monitor.names.log_group);
        prop_assert_eq!(without(queries(&monitor), &source(&monitor)), without(queries(&default), &source(&default)));
        for detection in Detection::ALL {
            prop_assert_eq!(pattern(&monitor, detection), pattern(&default, detection));
        }
    }

    #[test]
    fn no_name_widens_a_policy(spec in specs()) {
        let monitor = fixtures::with_spec(spec);
        prop_assume!(!["athena-results/", "detector-state/"].iter().any(|folder| monitor.key_prefix().starts_with(folder)));
        let bucket = BucketSystem::desired(&monitor).unwrap().unwrap();
        for statement in &bucket.statements {
            prop_assert!(!statement.to_string().contains("${"), "{}", statement);
            let resources = statement["Resource"].as_array().cloned().unwrap_or_else(|| vec![statement["Resource"].clone()]);
            for resource in resources {
                let resource = resource.as_str().unwrap();
                let own = format!("arn:aws:s3:::{}", monitor.names.bucket);
                let inner = resource.strip_prefix(&own).unwrap();
                let records = ["", "aws-account-id="].map(|key| format!("/*AWSLogs/{key}123456789012/*"));
                prop_assert!(["", "/*"].contains(&inner) || records.iter().any(|folder| folder == inner), "{}", resource);
            }
        }
    }
}
