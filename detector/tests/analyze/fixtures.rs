//! Files of records, and runs of the binary.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use detector::format::{Column, DEFAULT_HEADER, LogFormat};
use flate2::Compression;
use flate2::write::GzEncoder;
use flow_log_fields::FieldType;
use parquet::basic::Compression as Codec;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, Int96};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Some of everything: 338 records that can be parsed.
pub fn lines() -> Vec<String> {
    let line = |from: &str, to: &str, port: u16, bytes: u64, start: u64, action: &str| {
        let end = start + 60;
        format!("2 123456789012 eni-0a1b2c3d4e5f60718 {from} {to} 50000 {port} 6 10 {bytes} {start} {end} {action} OK")
    };
    let start = 1_787_479_200;
    let mut lines = Vec::new();
    lines.extend((0..300).map(|n| line("10.0.1.1", "10.0.2.2", 443, 1_000, start + n, "ACCEPT")));
    lines.extend((1..=30).map(|port| line("198.51.100.66", "10.0.1.5", port, 40, start + 10, "REJECT")));
    lines.extend((0..6).map(|n| line("10.0.1.7", "203.0.113.9", 443, 102_000_000, start + 40 * n, "ACCEPT")));
    lines.push(line("198.51.100.77", "10.0.1.9", 22, 5_200, start + 100, "ACCEPT"));
    lines.push(format!("2 123456789012 eni-0a1b2c3d4e5f60718 - - - - - - - {start} {} - NODATA", start + 60));
    lines
}

/// With AWS's header, as in S3.
pub fn text(lines: &[String]) -> Vec<u8> {
    format!("{DEFAULT_HEADER}\n{}\n", lines.join("\n")).into_bytes()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The form of `-` in a Parquet file.
#[derive(Clone, Copy)]
pub enum Absent {
    Null,
    Dash,
}

/// The same records with AWS's column names and types, in groups of 100 rows.
pub fn parquet(format: &LogFormat, lines: &[String], codec: Codec, absent: Absent) -> Vec<u8> {
    let column = |column: &Column| {
        let name = column.name().replace('-', "_");
        match column.field_type() {
            FieldType::Int32 => format!("OPTIONAL INT32 {name};"),
            FieldType::Int64 => format!("OPTIONAL INT64 {name};"),
            FieldType::Text => format!("OPTIONAL BYTE_ARRAY {name} (UTF8);"),
        }
    };
    let columns: String = format.columns().iter().map(column).collect();
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split(' ').collect()).collect();
    write_parquet(&columns, &rows, codec, absent)
}

/// A file with these columns, in the language of Parquet schemas.
pub fn write_parquet(columns: &str, rows: &[Vec<&str>], codec: Codec, absent: Absent) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message flow_log {{ {columns} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(codec).build());
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    for rows in rows.chunks(100) {
        let mut group = file.next_row_group().unwrap();
        let mut index = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let is_text = matches!(column.untyped(), ColumnWriter::ByteArrayColumnWriter(_));
            let is_there = |value: &&str| *value != "-" || (is_text && matches!(absent, Absent::Dash));
            let values: Vec<&str> = rows.iter().map(|row| row[index]).collect();
            let levels: Vec<i16> = values.iter().map(|value| i16::from(is_there(value))).collect();
            let there = values.into_iter().filter(is_there);
            match column.untyped() {
                ColumnWriter::Int32ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int32).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int64).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::Int96ColumnWriter(writer) => {
                    writer.write_batch(&there.map(int96).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    writer.write_batch(&there.map(ByteArray::from).collect::<Vec<_>>(), Some(&levels), None)
                }
                ColumnWriter::DoubleColumnWriter(writer) => {
                    writer.write_batch(&there.map(|it| it.parse().unwrap()).collect::<Vec<_>>(), Some(&levels), None)
                }
                _ => panic!("no test needs this type"),
            }
            .unwrap();
            column.close().unwrap();
            index += 1;
        }
        group.close().unwrap();
    }
    file.close().unwrap();
    bytes
}

/// As it is stored, with or without a sign.
fn int32(value: &str) -> i32 {
    value.parse().unwrap_or_else(|_| value.parse::<u32>().unwrap().cast_signed())
}

fn int64(value: &str) -> i64 {
    value.parse().unwrap_or_else(|_| value.parse::<u64>().unwrap().cast_signed())
}

/// Seconds since 1970 as nanoseconds of a day and the day's Julian number.
fn int96(seconds: &str) -> Int96 {
    let seconds: u64 = seconds.parse().unwrap();
    let nanos = seconds % 86_400 * 1_000_000_000;
    let mut value = Int96::new();
    value.set_data(
        u32::try_from(nanos & 0xffff_ffff).unwrap(),
        u32::try_from(nanos >> 32).unwrap(),
        u32::try_from(seconds / 86_400).unwrap() + 2_440_588,
    );
    value
}

/// A directory of one test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The standard output of a run that succeeded without a message.
    pub fn output(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    /// The document of `-o json`, whose counts add up.
    pub fn json(&self) -> serde_json::Value {
        let json: serde_json::Value = serde_json::from_str(&self.stdout).unwrap();
        let count = |name: &str| json["records"][name].as_u64().unwrap();
        assert_eq!(count("total"), count("parsed") + count("bad"));
        json
    }
}

/// The end of the errors if no record could be read.
pub const NO_REPORT: &str = "flow-log-analyze: no record could be read, so there is no report\n";

pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_flow-log-analyze"))
}

pub fn run(args: &[&str]) -> Run {
    run_with(args, b"")
}

/// A run with `input` at its standard input.
pub fn run_with(args: &[&str], input: &[u8]) -> Run {
    let mut child =
        command().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It may end without having read everything.
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
