//! The bucket: [`Component::Bucket`].

mod conflicts;
mod removal;
mod sharing;
mod state;
mod untagged;

use aws_config::SdkConfig;
use serde_json::Value;
use vpc_flow_operator::api::Component;
use vpc_flow_operator::monitor::Monitor;

use testkit::sandbox::Sandbox;

const BUCKET: &[Component] = &[Component::Bucket];

/// A client that may do what the operator never does.
fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

/// The monitor's bucket, or null.
async fn bucket(sandbox: &Sandbox, monitor: &Monitor) -> Value {
    sandbox.inventory().await["buckets"][&monitor.names.bucket].clone()
}

/// The statement with that `Sid`, or null.
fn statement(bucket: &Value, sid: &str) -> Value {
    let statements = bucket["policy"]["Statement"].as_array().unwrap();
    statements.iter().find(|statement| statement["Sid"] == sid).cloned().unwrap_or_default()
}

/// The lifecycle rule with that `ID`, or null.
fn rule(bucket: &Value, id: &str) -> Value {
    bucket["lifecycle"].as_array().unwrap().iter().find(|rule| rule["ID"] == id).cloned().unwrap_or_default()
}
