//! The machine and the commit of the measurements.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::available_parallelism;

use serde_json::{Value, json};

/// Processor, cores, load average and commit.
pub fn describe() -> Value {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "cpu": processor(),
        "cores": cores(),
        "cores_allowed": available_parallelism().map_or(0, usize::from),
        "load_average": load.split(' ').next().and_then(|it| it.parse::<f64>().ok()),
        "commit": commit(),
    })
}

fn cores() -> usize {
    fs::read_to_string("/proc/cpuinfo")
        .map_or(0, |text| text.lines().filter(|line| line.starts_with("processor")).count())
}

fn processor() -> String {
    first("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn first(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// The commit, with `+` if files differ from it.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(format!("{}{}", git(&["rev-parse", "--short", "HEAD"])?, if changed.is_empty() { "" } else { "+" }))
}

/// The size of a file in bytes.
pub fn file_bytes(path: &Path) -> std::io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}
