//! The recipe's own handler, run by Python.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::Batch;

/// The output of one run.
#[derive(Deserialize)]
pub struct Run {
    /// Python's version.
    pub python: String,
    /// Times of each repetition.
    pub seconds: Seconds,
    /// Number of anomalies reported, by type.
    pub anomalies: serde_json::Value,
}

/// Seconds of processor time for the whole batch.
#[derive(Deserialize)]
pub struct Seconds {
    /// The handler, given the event as Python's objects.
    pub handler: Vec<f64>,
    /// The handler, given the event's JSON, as Lambda's runtime is.
    pub whole: Vec<f64>,
    /// Its work before the first record: base64, gzip, JSON.
    pub unpack: Vec<f64>,
}

/// Runs the handler over the batch a few times, in a process of its own.
pub fn run(batches: &[Batch], repetitions: usize) -> Result<Run> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/speed/recipe.py");
    let events: Vec<_> = batches.iter().map(|batch| batch.event.as_str()).collect();
    let file = std::env::temp_dir().join(format!("vpc-flow-events-{}.jsonl", std::process::id()));
    fs::write(&file, events.join("\n")).with_context(|| format!("cannot write {}", file.display()))?;
    let output = Command::new(&python)
        .args(["-B".as_ref(), script.as_os_str(), file.as_os_str()])
        .arg(repetitions.to_string())
        .output()
        .with_context(|| format!("cannot run {python}"));
    fs::remove_file(&file)?;
    let output = output?;
    ensure!(output.status.success(), "the recipe's handler failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}
