use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args, ValueEnum};
use kube::ResourceExt;
use vpc_flow_operator::rule_report::{self, Report, render, render_junit};

use super::output::Output;
use super::targets::Files;
use super::values::namespace;
use super::{print, print_error};

/// Run the tests of `detector.customRules` and `detections.custom`, without a cluster and without AWS
///
/// Checks a file by every rule of the CRD, reads rules and suppressions as the operator does, and runs the tests of the rules that are
/// switched on. Tests judge the condition of a rule on a record; windows, groups and suppressions do not count.
///
/// Exit codes: 0 all tests passed, or there are none; 1 a test failed, a rule or a suppression is invalid, or a file could not be read; with
/// `--strict` also if a rule or a suppression does nothing; 2 wrong arguments.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment, group = ArgGroup::new("monitors").required(true).args(["file"]))]
pub struct Test {
    #[command(flatten)]
    files: Files,

    /// Namespace of monitors without one in their file. [default: `default`]
    #[arg(short, long, value_parser = namespace)]
    namespace: Option<String>,

    /// Exit with 1 also if a rule or a suppression does nothing: it needs a field that cloudWatchLogs.fields lacks, or it has ended.
    #[arg(long)]
    strict: bool,

    /// Format of the output.
    #[arg(short, long, value_enum, default_value_t = TestOutput::Text)]
    output: TestOutput,
}

/// The formats of other commands, and that of CI systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum TestOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For programs, as YAML.
    Yaml,
    /// The XML that CI systems read.
    Junit,
}

impl Test {
    /// Prints the outcome of the tests.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let declared = self.files.read(self.namespace.as_deref(), "default");
        declared.errors.iter().for_each(print_error);
        let mut all_read = declared.errors.is_empty();
        if declared.monitors.is_empty() && all_read {
            bail!("there is no VpcFlowMonitor in the files: the template of a fleet is not tested");
        }
        let mut monitors = Vec::new();
        for object in &declared.monitors {
            let name = format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any());
            match rule_report::of_monitor(&name, &object.spec).with_context(|| name.clone()) {
                Ok(monitor) => monitors.push(monitor),
                Err(error) => {
                    print_error(&error);
                    all_read = false;
                }
            }
        }
        let report = Report::new(monitors);
        match self.output {
            TestOutput::Text => Output::Text.print(&report, || render(&report))?,
            TestOutput::Json => Output::Json.print(&report, String::new)?,
            TestOutput::Yaml => Output::Yaml.print(&report, String::new)?,
            TestOutput::Junit => print(&render_junit(&report))?,
        }
        let is_idle = self.strict && report.idle > 0;
        Ok(if all_read && report.passes() && !is_idle { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
