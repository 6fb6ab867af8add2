//! The function with its files and its topic in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use detector::event::Event;
use detector::files::FileName;
use detector::files::error::Problem;
use detector::files::inbox::Inbox;
use detector::files::store::FileStore;
use detector::format::{DEFAULT_HEADER, LogFormat};
use detector::handler::{Handler, HandlerError, Summary};
use detector::message::Message;
use detector::notification_log::store::Bucket;
use detector::package_config::PackageConfig;
use detector::publish::{PublishError, Publisher};
use detector::settings::Settings;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::basic::{Compression as Codec, GzipLevel};
use serde_json::{Value, json};

pub use crate::parquet_file::Absent;
use crate::parquet_file::parquet;

pub const BUCKET: &str = "flow-logs";
pub const FOLDER: &str = "vpc-flow-logs/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs";
const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:detector";

/// Files by their keys.
#[derive(Clone, Debug, Default)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

impl FileStore for Files {
    async fn fetch(&self, name: &FileName, account: Option<&str>, file: &mut File) -> Result<bool, Problem> {
        assert_eq!(account, Some("123456789012"), "the bucket's owner is the function's account");
        let Some(content) = self.0.get(&name.key) else { return Ok(false) };
        file.write_all(content).map_err(|reason| Problem::Disk { reason })?;
        Ok(true)
    }
}

#[derive(Debug, Default)]
struct Topic(Mutex<Vec<Message>>);

impl Publisher for &Topic {
    async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.0.lock().unwrap().push(message.clone());
        Ok(())
    }

    async fn has_recipients(&self) -> bool {
        true
    }
}

/// The settings as the function reads them; `LOG_FORMAT` is AWS's default.
pub fn settings(package: PackageConfig) -> Settings {
    let variable = |name: &str| {
        let value = match name {
            "TOPIC_ARN" => "arn:aws:sns:eu-west-1:123456789012:alerts",
            "MONITOR" => "network/production",
            "OWNER" => "cluster/network/production",
            "VPC_ID" => "vpc-0123456789abcdef0",
            "BUCKET" => BUCKET,
            "LOG_FORMAT" => return Some(LogFormat::aws_default().to_string()),
            _ => return None,
        };
        Some(value.to_owned())
    };
    Settings::read(variable, package).unwrap()
}

/// Hands events to one instance of the function. Returns the answers and the messages.
pub async fn invoke_all(files: &Files, events: &[Value]) -> (Vec<Result<Summary, HandlerError>>, Vec<Message>) {
    let topic = Topic::default();
    let inbox = Inbox::new(files.clone());
    let handler = Handler::new(settings(PackageConfig::default()), &topic, None::<Bucket>, inbox);
    let mut answers = Vec::new();
    for event in events {
        let event: Event = serde_json::from_value(event.clone()).unwrap();
        answers.push(handler.handle(event, ARN).await);
    }
    (answers, topic.0.into_inner().unwrap())
}

/// Hands over the event of a file with `content`.
pub async fn invoke(key: &str, content: Vec<u8>) -> (Result<Summary, HandlerError>, Vec<Message>) {
    let files = Files([(key.to_owned(), content)].into());
    let (mut answers, messages) = invoke_all(&files, &[object_created(BUCKET, key)]).await;
    (answers.remove(0), messages)
}

/// The event of `EventBridge`.
pub fn object_created(bucket: &str, key: &str) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": "Object Created", "source": "aws.s3",
        "account": "123456789012", "time": "2026-11-30T10:00:00Z", "region": "eu-west-1",
        "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {
            "version": "0", "bucket": {"name": bucket},
            "object": {"key": key, "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "617f08299329d189"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "delivery.logs.amazonaws.com", "reason": "PutObject",
        },
    })
}

/// The event of a batch of `CloudWatch` Logs.
pub fn batch(lines: &[String]) -> Value {
    let events: Vec<_> = lines.iter().map(|line| json!({"id": "1", "timestamp": 1, "message": line})).collect();
    let batch = json!({"messageType": "DATA_MESSAGE", "logGroup": "flow-logs", "logEvents": events});
    json!({"awslogs": {"data": STANDARD.encode(gzip(batch.to_string().as_bytes()))}})
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A text as AWS delivers it, of two members, which end within a line.
pub fn text_file(lines: &[String]) -> Vec<u8> {
    let text = format!("{DEFAULT_HEADER}\n{}\n", lines.join("\n"));
    let (first, second) = text.as_bytes().split_at(text.len() / 2);
    [gzip(first), gzip(second)].concat()
}

/// The same in Parquet. AWS writes `-` as text; programs that write files anew have nulls.
pub fn parquet_file(lines: &[String], absent: Absent) -> Vec<u8> {
    parquet(&LogFormat::aws_default(), lines, Codec::GZIP(GzipLevel::default()), absent)
}

/// A record of the default format.
pub fn line(interface: usize, source: &str, destination: &str, port: u16, bytes: u64, action: &str) -> String {
    format!(
        "2 123456789012 eni-{interface:017x} {source} {destination} 50000 {port} 6 10 {bytes} 1795996800 1795996859 {action} OK"
    )
}

/// The document for programs in a message.
pub fn document(message: &Message) -> Value {
    let body: Value = serde_json::from_str(&message.body).unwrap();
    serde_json::from_str(body["default"].as_str().unwrap()).unwrap()
}
