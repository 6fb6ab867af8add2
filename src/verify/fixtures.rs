//! Test data for the judgements. It is 23 November 2026.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::api::VpcFlowMonitorSpec;
use crate::monitor::{Monitor, fixtures};
use crate::resources::flow_logs::{Delivery, Sink};

pub fn time(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}Z").parse().unwrap()
}

pub fn aws_time(clock: &str) -> DateTime {
    DateTime::from_millis(time(clock).as_millisecond())
}

pub fn monitor_with_interval(seconds: i32) -> Monitor {
    let mut spec = VpcFlowMonitorSpec::new("vpc-0123456789abcdef0");
    spec.aggregation_interval = seconds;
    fixtures::with_spec(spec)
}

/// A flow log in good health.
pub fn delivery(sink: &str, made_at: &str) -> Delivery {
    Delivery {
        id: format!("fl-{sink}"),
        sink: if sink == "s3" { Sink::S3 } else { Sink::CloudWatchLogs },
        status: "ACTIVE".to_owned(),
        delivery_status: Some("SUCCESS".to_owned()),
        problem: None,
        created_at: Some(aws_time(made_at)),
    }
}
