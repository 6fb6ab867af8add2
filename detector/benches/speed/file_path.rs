//! The way of a file of records from the disk to the message, and a file of the largest size through the function as it is deployed.

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use detector::account_region::AccountRegion;
use detector::analysis::Analyzer;
use detector::detection::Detection;
use detector::files::{Kind, reading};
use detector::message::{Invocation, Message};
use detector::notification_log;
use detector::record::Parser;
use detector::rules::Limits;
use detector::settings::Settings;
use serde_json::json;

use crate::clock::{Times, seconds_of};
use crate::function::{self, Handled};
use crate::record_file::{self, Folder, LARGEST_BYTES, Parquet, Text};
use crate::{Batch, traffic};

/// Seconds of processor time for a file with all records of the batch.
#[derive(Default)]
pub struct Measured {
    pub text: Times,
    pub parquet: Times,
    /// Text, with the conditions of three detections.
    pub detections: Times,
}

/// A file of the largest size.
pub struct Largest {
    pub records: usize,
    pub bytes: u64,
    pub handled: Handled,
}

/// The batch in one file of each kind.
pub struct Files {
    settings: Settings,
    parser: Parser,
    detections: Vec<Detection>,
    text: PathBuf,
    parquet: PathBuf,
    records: u64,
}

impl Files {
    pub fn new(folder: &Folder, settings: &Settings, batches: &[Batch]) -> Result<Self> {
        let (text, parquet) = (folder.file("batch.log.gz"), folder.file("batch.log.parquet"));
        let lines = || batches.iter().flat_map(|batch| batch.lines.iter().cloned());
        let records = record_file::write::<Text>(&text, lines(), u64::MAX)?;
        record_file::write::<Parquet>(&parquet, lines(), u64::MAX)?;
        let parser = Parser::new(settings.format.clone());
        let settings = settings.clone();
        Ok(Self { settings, parser, detections: detections()?, text, parquet, records: records as u64 })
    }

    /// One round of all measurements.
    pub fn measure(&self, times: &mut Measured) -> Result<()> {
        for (path, kind) in [(&self.text, Kind::Text), (&self.parquet, Kind::Parquet)] {
            let parsed = self.handle(path, kind, &[])?;
            ensure!(parsed == self.records, "{} of {} records were parsed", parsed, self.records);
        }
        let handle = |path, kind, detections| seconds_of(|| drop(black_box(self.handle(path, kind, detections))));
        times.text.add(handle(&self.text, Kind::Text, &[]));
        times.parquet.add(handle(&self.parquet, Kind::Parquet, &[]));
        times.detections.add(handle(&self.text, Kind::Text, &self.detections));
        Ok(())
    }

    /// From the file to the message; returns the number of records.
    fn handle(&self, path: &Path, kind: Kind, detections: &[Detection]) -> Result<u64> {
        let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
        let mut analyzer = Analyzer::with_limits(&self.parser, &self.settings.rules, &Limits::FILE).count(detections);
        reading::read(file, kind, &self.parser, &mut analyzer)?;
        let analysis = analyzer.finish();
        let invocation = Invocation {
            account_region: AccountRegion::of_function("arn:aws:lambda:eu-west-1:123456789012:function:detector"),
            file: Some("s3://bucket/key".to_owned()),
            ..Invocation::default()
        };
        let notification =
            notification_log::Batch::new(String::new(), &analysis.findings, &self.settings, 0).into_notification();
        black_box(Message::compose(&analysis, &self.settings, &invocation, &notification));
        Ok(analysis.counts.parsed)
    }
}

/// The conditions that the operator writes.
fn detections() -> Result<Vec<Detection>> {
    Ok(serde_json::from_value(json!([
        {"metric": "RejectedConnections-x", "when": "action == \"REJECT\""},
        {"metric": "HighDataTransfer-x", "when": "bytes > 10000000"},
        {"metric": "ExternalConnections-x", "when": "source_public"},
    ]))?)
}

/// A text and a Parquet file of the largest size through the program: a usual day, with records that fill the tables of the rules.
pub fn largest(program: &Path, folder: &Folder) -> Result<[Largest; 2]> {
    Ok([
        largest_of::<Text>(program, folder, "largest.log.gz")?,
        largest_of::<Parquet>(program, folder, "largest.log.parquet")?,
    ])
}

fn largest_of<F: record_file::RecordFile>(program: &Path, folder: &Folder, name: &str) -> Result<Largest> {
    let day: Vec<String> = traffic::everyday().concat();
    let lines = day.iter().cycle().cloned().zip(traffic::hostile()).enumerate();
    let lines = lines.flat_map(|(nth, (usual, hostile))| [Some(usual), (nth % 4 == 0).then_some(hostile)]).flatten();
    let path = folder.file(name);
    let records = record_file::write::<F>(&path, lines, LARGEST_BYTES)?;
    let handled = function::measure_file(program, folder.path(), name)?;
    Ok(Largest { records, bytes: std::fs::metadata(path)?.len(), handled })
}
