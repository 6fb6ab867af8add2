//! Tests against the emulator and a real Kubernetes API server; `make test` starts both.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where something unexpected happens")]
#![allow(dead_code, reason = "tests/common is shared with tests/sweep")]
#![allow(clippy::large_futures, reason = "a test has a stack to itself")]

mod admission;
mod alarms;
mod analytics;
mod analytics_removal;
mod anomaly_detector;
mod bucket;
mod chart;
#[path = "../common/cluster.rs"]
mod cluster;
mod cross_account;
mod dashboard;
mod default_state;
mod delivery_role;
mod detector_architecture;
mod examples;
mod fault_proxy;
mod flow_logs;
mod gitops;
mod hostile;
mod inbox;
mod leader;
mod lifecycle;
mod limits;
mod link;
mod log_group;
mod metric_filters;
mod notifications;
mod permission_table;
mod plan;
mod process;
mod query_definitions;
mod record_format;
mod refusals;
#[path = "../common/rights.rs"]
mod rights;
mod saved_queries;
mod stopping;
mod superseded;
#[path = "../common/support.rs"]
mod support;
mod traffic;
mod verify;
mod years;
