//! `flow-log-analyze`: the detector's parser and rules over files of flow-log records.

mod analysis;
mod args;
mod bad_lines;
mod error;
mod foreign;
mod input;
mod intake;
mod json_events;
mod lines;
mod progress;
mod records;
mod report;
mod rows;
mod rules_file;
mod settings;
mod shape;
mod source;
mod spec_schema;
mod summary;
mod table;
mod tabs;
mod talkers;
mod text;

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::error::ErrorKind as UsageError;
use clap::{CommandFactory, Parser};
use indicatif::ProgressBar;

use analysis::Analysis;
use args::{Args, Output};
use error::InputError;
use intake::{Intake, Sink};
use records::RecordWriter;
use source::Source;

const NAME: &str = env!("CARGO_BIN_NAME");

/// The message for empty files, and for header lines alone.
const NO_RECORDS: &str = "the input has no records";

/// Bytes written at a time.
const OUTPUT_BYTES: usize = 256 * 1024;

fn main() -> ExitCode {
    let args = Args::parse();
    if args.files.is_empty() && io::stdin().is_terminal() {
        Args::command().error(UsageError::MissingRequiredArgument, "name a FILE, or pipe records in").exit();
    }
    match run(&args) {
        Ok(code) => code,
        // The reader of the output has closed the pipe: `flow-log-analyze … | head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{NAME}: cannot write the output: {error}");
            ExitCode::from(args::FAILURE)
        }
    }
}

/// Fails only if the output cannot be written.
fn run(args: &Args) -> io::Result<ExitCode> {
    let sources = Source::in_order(&args.files);
    let mut out = BufWriter::with_capacity(OUTPUT_BYTES, io::stdout().lock());
    if sources.is_empty() {
        let names: Vec<_> = args.files.iter().map(|file| file.display().to_string()).collect();
        eprintln!("{NAME}: there are no files in {}", names.join(", "));
        return Ok(ExitCode::from(args::FAILURE));
    }
    let (all_read, worst) = if args.records {
        let mut intake = Intake::new(RecordWriter::new(&mut out));
        let all_read = read(args, &sources, &mut intake)?;
        if all_read && intake.is_empty() {
            eprintln!("{NAME}: {NO_RECORDS}");
        }
        (all_read && intake.counts.parsed > 0, None)
    } else {
        let mut intake = Intake::new(Analysis::new(args.settings(), SystemTime::now()));
        let all_read = read(args, &sources, &mut intake)?;
        if intake.counts.parsed == 0 {
            // Zeros would read as if there were no findings.
            let reason = if all_read && intake.is_empty() { NO_RECORDS } else { "no record could be read" };
            eprintln!("{NAME}: {reason}, so there is no report");
            return Ok(ExitCode::from(args::FAILURE));
        }
        let report = intake.sink.finish(intake.counts, sources.len());
        match args.output {
            Output::Text => report::write_table(&mut out, &report, args.top, args.limit)?,
            Output::Json => report::write_json(&mut out, &report, args.top)?,
            Output::Yaml => report::write_yaml(&mut out, &report, args.top)?,
        }
        (all_read, report.worst())
    };
    out.flush()?;
    let fails = args.fail_on.is_some_and(|limit| worst >= Some(limit.into()));
    Ok(ExitCode::from(if !all_read {
        args::FAILURE
    } else if fails {
        args::FOUND
    } else {
        args::SUCCESS
    }))
}

/// Reads one source after the other; false if one cannot be read. Its error is printed, and the rest still read.
///
/// Fails only if the output does.
fn read<S: Sink>(args: &Args, sources: &[Source], intake: &mut Intake<S>) -> io::Result<bool> {
    // Lines and a bar on one terminal would be a muddle.
    let quiet = args.records && io::stdout().is_terminal();
    let bar = if quiet { ProgressBar::hidden() } else { progress::bar(sources) };
    let mut all_read = true;
    for source in sources {
        match input::read(source, args.format.as_ref(), &bar, intake) {
            Ok(()) => {}
            Err(InputError::Output(error)) => {
                bar.finish_and_clear();
                return Err(error);
            }
            Err(error) => {
                all_read = false;
                bar.suspend(|| eprintln!("{NAME}: {source}: {error}"));
            }
        }
    }
    bar.finish_and_clear();
    eprint!("{}", intake.bad_lines);
    if intake.assumes_default_format {
        eprintln!(
            "{NAME}: log events do not name their fields; AWS's default format was assumed, --format overrides it"
        );
    }
    intake.sink.end()?;
    Ok(all_read)
}
