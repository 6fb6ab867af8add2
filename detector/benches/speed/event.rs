//! Events of the function, packed as `CloudWatch` Logs packs them: `{"awslogs": {"data": base64(gzip(json))}}`.

use std::io::Write;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::json;

use crate::traffic::interface_id;

/// An asynchronous invocation carries 1 MB at most.
pub const MAX_EVENT_BYTES: usize = 1_000_000;

/// A batch, its members in the order of the examples of AWS.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogBatch<'l> {
    message_type: &'static str,
    owner: &'static str,
    log_group: &'static str,
    log_stream: String,
    subscription_filters: [&'static str; 1],
    log_events: Vec<LogEvent<'l>>,
}

#[derive(Serialize)]
struct LogEvent<'l> {
    id: String,
    timestamp: u64,
    message: &'l str,
}

/// The JSON of the event for the records of an interface.
pub fn pack(interface: usize, lines: &[String]) -> Result<String> {
    let log_events = (0_u64..)
        .zip(lines)
        .map(|(nth, message)| {
            // 56 digits as in AWS's examples.
            let id = format!("3912480917450291378802507980420{nth:025}");
            LogEvent { id, timestamp: 1_767_225_600_000 + nth, message }
        })
        .collect();
    let batch = LogBatch {
        message_type: "DATA_MESSAGE",
        owner: "123456789012",
        log_group: "/aws/vpc/flowlogs/network-production",
        log_stream: format!("{}-all", interface_id(interface)),
        subscription_filters: ["vpcflow-detector"],
        log_events,
    };
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&serde_json::to_vec(&batch)?)?;
    Ok(json!({"awslogs": {"data": STANDARD.encode(gzip.finish()?)}}).to_string())
}

/// Packs as many of `lines` as fit into an event, to within 1%, and returns their number with it.
pub fn pack_largest(lines: &mut impl Iterator<Item = String>) -> Result<(String, usize)> {
    let mut taken: Vec<_> = lines.by_ref().take(10_000).collect();
    loop {
        let event = pack(0, &taken)?;
        let fitting = taken.len() * MAX_EVENT_BYTES / event.len();
        if event.len() <= MAX_EVENT_BYTES && fitting - taken.len() <= taken.len() / 100 {
            return Ok((event, taken.len()));
        }
        let wanted = fitting - fitting / 200;
        taken.truncate(wanted);
        taken.extend(lines.by_ref().take(wanted - taken.len()));
    }
}
