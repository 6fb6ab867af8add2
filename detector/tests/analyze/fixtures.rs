//! Files of records, and runs of the binary.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use detector::format::DEFAULT_HEADER;
use flate2::Compression;
use flate2::write::GzEncoder;

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
