//! `make bench`: compares the speed of the detector with the recipe's handler, on the same records, machine and core.

mod clock;
mod custom;
mod event;
mod file_path;
mod file_report;
mod function;
mod http;
mod library;
mod machine;
mod recipe;
mod record_file;
mod report;
mod traffic;
mod variables;

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use clock::{Times, seconds_of};
use file_path::Files;
use file_report::FileReport;
use library::Library;
use record_file::Folder;

/// Rounds of the measurements. Each round makes all of them, so that a busy minute affects all.
const ROUNDS: usize = 7;

/// Events of the largest size that the function handles while its memory is measured.
const LARGEST_EVENTS: usize = 4;

/// The records of one event.
pub struct Batch {
    lines: Vec<String>,
    /// The event's JSON, as Lambda hands it over.
    event: String,
}

/// Seconds of processor time for the whole batch.
#[derive(Default)]
struct Measured {
    parse: Times,
    rules: Times,
    custom: Times,
    unpack: Times,
    handler: Times,
    handler_all: Times,
    recipe: Times,
    recipe_whole: Times,
    recipe_unpack: Times,
}

fn main() -> Result<()> {
    let program = path("DETECTOR_PROGRAM")?;
    let package = path("DETECTOR_PACKAGE")?;
    let batches = everyday()?;
    let records = batches.iter().map(|batch| batch.lines.len()).sum();
    let library = Library::new()?;
    let custom_rules = custom::worst()?;
    let folder = Folder::new()?;
    let files = Files::new(&folder, library.settings(), &batches)?;
    let mut times = Measured::default();
    let mut file_times = file_path::Measured::default();
    let mut python = String::new();
    for round in 0..ROUNDS {
        eprint!("\rround {} of {ROUNDS}", round + 1);
        times.parse.add(seconds_of(|| library.parse(&batches)));
        times.rules.add(seconds_of(|| library.judge(&batches)));
        times.custom.add(seconds_of(|| library.judge_by(&custom_rules, &batches)));
        times.unpack.add(seconds_of(|| Library::unpack(&batches)));
        times.handler.add(seconds_of(|| library.handle(&batches)));
        files.measure(&mut file_times)?;
        times.handler_all.add(seconds_of(|| library.handle_all(&batches)));
        let run = recipe::run(&batches, 2)?;
        library.check(&batches, &run.anomalies)?;
        times.recipe.extend(&run.seconds.handler);
        times.recipe_whole.extend(&run.seconds.whole);
        times.recipe_unpack.extend(&run.seconds.unpack);
        python = run.python;
    }
    eprintln!();
    let (events, event_records) = largest_events()?;
    let function = function::measure(&program, &events)?;
    let recipe = times.recipe_whole.median();
    let largest = file_path::largest(&program, &folder)?;
    let file_report = FileReport { records, times: file_times, recipe, largest };
    let report = report::Report {
        records,
        events: batches.len(),
        times,
        python,
        event_records,
        event_bytes: events.iter().map(String::len).max().unwrap_or_default(),
        function,
        zip_bytes: machine::file_bytes(&package).with_context(|| format!("cannot read {}", package.display()))?,
    };
    report.print();
    file_report.print();
    report.write(&file_report.json())
}

fn path(variable: &str) -> Result<PathBuf> {
    let path =
        PathBuf::from(env::var_os(variable).with_context(|| format!("{variable} is not set: run `make bench`"))?);
    ensure!(path.exists(), "{} is missing: `make bench` builds it", path.display());
    Ok(path)
}

fn everyday() -> Result<Vec<Batch>> {
    let pack = |(interface, lines): (usize, Vec<String>)| Ok(Batch { event: event::pack(interface, &lines)?, lines });
    traffic::everyday().into_iter().enumerate().map(pack).collect()
}

/// Events of the largest size, and the most records in one of them.
fn largest_events() -> Result<(Vec<String>, usize)> {
    let mut lines = traffic::hostile();
    let events = (0..LARGEST_EVENTS).map(|_| event::pack_largest(&mut lines)).collect::<Result<Vec<_>>>()?;
    let records = events.iter().map(|(_, records)| *records).max().unwrap_or_default();
    Ok((events.into_iter().map(|(event, _)| event).collect(), records))
}
