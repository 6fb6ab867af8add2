//! Commands.

mod cluster;
mod completion;
mod crd;
mod dry_run;
mod leader_elect;
mod operator_settings;
mod output;
mod permissions;
mod plan;
mod run;
mod status;
mod targets;
mod test;
mod values;
mod verify;
mod version;

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use vpc_flow_operator::kubernetes;
use vpc_flow_operator::network::ConnectionProblem;

/// Builds, keeps and removes AWS VPC flow-log monitoring from Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "vpc-flow-operator", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the controller.
    Run(Box<run::Run>),
    Crd(crd::Crd),
    Permissions(Box<permissions::Permissions>),
    #[command(flatten)]
    OfMonitors(OfMonitors),
    Completion(completion::Completion),
    Man(completion::Man),
}

/// The commands that people run about their monitors.
#[derive(Debug, Subcommand)]
enum OfMonitors {
    Status(status::Status),
    Plan(Box<plan::Plan>),
    Verify(verify::Verify),
    Test(test::Test),
    Version(version::Version),
}

/// Shows, plans and verifies AWS VPC flow-log monitoring.
#[derive(Debug, Parser)]
#[command(name = PLUGIN, bin_name = "kubectl vfm", version)]
pub struct Plugin {
    #[command(subcommand)]
    command: PluginCommand,
}

#[derive(Debug, Subcommand)]
enum PluginCommand {
    #[command(flatten)]
    OfMonitors(OfMonitors),
    /// Print the program that kubectl runs to complete this plugin
    ///
    /// Write it to kubectl_complete-vfm in a folder of PATH, and make that file executable.
    Completion,
    #[command(name = "__complete", hide = true)]
    Complete(completion::Complete),
}

/// The name of the program as a plugin of kubectl.
const PLUGIN: &str = "kubectl-vfm";

/// Runs the command line of the program, or that of the plugin if its file has the plugin's name.
#[must_use]
pub fn main() -> ExitCode {
    let program = env::args_os().next().unwrap_or_default();
    if Path::new(&program).file_stem().is_some_and(|name| name == PLUGIN) {
        Plugin::try_parse().map_or_else(|error| refuse(error, Plugin::command()), Plugin::run)
    } else {
        Cli::try_parse().map_or_else(|error| refuse(error, Cli::command()), Cli::run)
    }
}

/// The exit code for wrong arguments, of every command.
const WRONG_ARGUMENTS: u8 = 2;

/// The exit code of `verify` when nothing could be checked.
const NOT_CHECKED: u8 = WRONG_ARGUMENTS;

/// Prints the problem of the arguments, or the help that they ask for.
fn refuse(error: clap::Error, program: clap::Command) -> ExitCode {
    let error = with_usage_of(program, env::args_os().nth(1).as_deref(), error);
    // If even this cannot be printed, there is no other place to report it.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(WRONG_ARGUMENTS) } else { ExitCode::SUCCESS }
}

/// The error with the usage of the subcommand alone: clap's adds every flag whose environment variable is set.
fn with_usage_of(mut program: clap::Command, subcommand: Option<&OsStr>, mut error: clap::Error) -> clap::Error {
    if error.remove(ContextKind::Usage).is_some() {
        program.build();
        let usage = match subcommand.and_then(|name| program.find_subcommand_mut(name)) {
            Some(subcommand) => subcommand.render_usage(),
            None => program.render_usage(),
        };
        error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    }
    error
}

/// Prints a result. A closed pipe is no error: its reader wanted only the beginning.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

impl Cli {
    /// Runs the command, and prints the error if it fails.
    fn run(self) -> ExitCode {
        let success = |()| ExitCode::SUCCESS;
        let result = match self.command {
            Command::OfMonitors(command) => return command.run(),
            Command::Run(run) => run.run().map(success),
            Command::Crd(crd) => crd.run().map(success),
            Command::Permissions(permissions) => permissions.run().map(success),
            Command::Completion(completion) => completion.run(Self::command()),
            Command::Man(man) => man.run(Self::command()),
        };
        or_failure(result, ExitCode::FAILURE)
    }
}

impl Plugin {
    /// As [`Cli::run`].
    fn run(self) -> ExitCode {
        let result = match self.command {
            PluginCommand::OfMonitors(command) => return command.run(),
            PluginCommand::Completion => completion::print_kubectl_script(),
            PluginCommand::Complete(words) => words.run(Self::command()),
        };
        or_failure(result, ExitCode::FAILURE)
    }
}

impl OfMonitors {
    fn run(self) -> ExitCode {
        let (result, failure) = match self {
            Self::Status(status) => (status.run(), ExitCode::FAILURE),
            Self::Plan(plan) => (plan.run(), ExitCode::FAILURE),
            Self::Verify(verify) => (verify.run(), ExitCode::from(NOT_CHECKED)),
            Self::Test(test) => (test.run(), ExitCode::FAILURE),
            Self::Version(version) => (version.run(), ExitCode::FAILURE),
        };
        or_failure(result, failure)
    }
}

fn or_failure(result: anyhow::Result<ExitCode>, failure: ExitCode) -> ExitCode {
    result.unwrap_or_else(|error| {
        print_error(&error);
        failure
    })
}

fn print_error(error: &anyhow::Error) {
    eprintln!("error: {}", with_causes(error));
}

/// The error with its causes, and with the advice about a connection that fails.
fn with_causes(error: &anyhow::Error) -> String {
    // The texts of some errors contain their cause.
    let mut reported = String::new();
    for cause in causes(error) {
        if !reported.contains(&cause) {
            reported = if reported.is_empty() { cause } else { format!("{reported}: {cause}") };
        }
    }
    // An error of AWS has its advice in its text.
    if let Some(problem) = ConnectionProblem::of(error.as_ref()) {
        reported = format!("{reported}: {}", kubernetes::advice(problem));
    }
    reported
}

/// The texts of the causes. The one below an error of the API server has only its fields.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let is_answer = |cause: &&(dyn Error + 'static)| matches!(cause.downcast_ref(), Some(kube::Error::Api(_)));
    let last = error.chain().position(|cause| is_answer(&cause));
    error.chain().take(last.map_or(usize::MAX, |last| last + 1)).map(in_words).collect()
}

/// The text of one cause; an error of the Kubernetes API is its message only.
fn in_words(cause: &(dyn Error + 'static)) -> String {
    cause.downcast_ref::<kube::Error>().map_or_else(|| cause.to_string(), kubernetes::message)
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use kube::core::Status;

    use super::*;

    #[test]
    fn an_error_of_the_api_server_is_its_message_only() {
        let message = "namespaces \"kube-system\" is forbidden: User \"u\" cannot get resource \"namespaces\"";
        let status = Status { code: 403, message: message.to_owned(), ..Status::default() };
        let failed: Result<(), _> = Err(kube::Error::Api(Box::new(status)));
        let error = failed.context("namespace kube-system cannot be read").unwrap_err();
        assert_eq!(with_causes(&error), format!("namespace kube-system cannot be read: {message}"));
    }

    #[test]
    fn the_command_lines_are_consistent() {
        Cli::command().debug_assert();
        Plugin::command().debug_assert();
    }

    #[test]
    fn the_plugin_names_itself_as_kubectl_does() {
        let usage = |arguments: &[&str]| Plugin::try_parse_from(arguments).unwrap_err().to_string();
        assert!(usage(&["/usr/bin/kubectl-vfm", "plan"]).contains("Usage: kubectl vfm plan "));
        assert!(usage(&["kubectl-vfm", "status", "--help"]).contains("Usage: kubectl vfm status "));
        assert!(Plugin::try_parse_from(["kubectl-vfm", "run"]).is_err());
    }

    #[test]
    fn a_crd_is_named_by_its_plural_or_all_are_meant() {
        for arguments in [&["crd"][..], &["crd", "vpcflowmonitors"], &["crd", "vpcflowfleets"]] {
            assert!(Cli::try_parse_from([&["vpc-flow-operator"], arguments].concat()).is_ok(), "{arguments:?}");
        }
        assert!(
            refusal(&["crd", "vpcs"]).contains("[possible values: vpcflowmonitors, vpcflowfleets, vpcflowoverviews]")
        );
    }

    fn refusal(arguments: &[&str]) -> String {
        let error = Cli::try_parse_from([&["vpc-flow-operator"], arguments].concat()).unwrap_err();
        assert!(error.use_stderr(), "{error}");
        error.to_string()
    }

    #[test]
    fn plan_and_verify_need_monitors_and_names_exclude_other_choices() {
        for command in ["plan", "verify"] {
            assert!(refusal(&[command]).contains("required arguments were not provided"));
            for choice in [["-A"].as_slice(), &["-l", "team=a"], &["a", "vfm/b"]] {
                assert!(Cli::try_parse_from([&["vpc-flow-operator", command], choice].concat()).is_ok(), "{choice:?}");
            }
            assert!(refusal(&[command, "a", "-A"]).contains("cannot be used with"));
            assert!(refusal(&[command, "a", "-l", "b"]).contains("cannot be used with"));
        }
        assert!(Cli::try_parse_from(["vpc-flow-operator", "status"]).is_ok());
        assert!(Cli::try_parse_from(["vpc-flow-operator", "plan", "-f", "a", "-f", "b", "-R"]).is_ok());
        assert!(refusal(&["plan", "a", "-f", "b"]).contains("cannot be used with"));
        assert!(refusal(&["plan", "a", "-R"]).contains("cannot be used with"));
    }

    #[test]
    fn tests_need_a_file_and_have_the_format_of_ci_systems_too() {
        assert!(refusal(&["test"]).contains("--file <FILE>"));
        let flags = ["vpc-flow-operator", "test", "-f", "a", "-f", "b", "-R", "-o", "junit"];
        assert!(Cli::try_parse_from(flags).is_ok());
        assert!(refusal(&["plan", "a", "-o", "junit"]).contains("[possible values: text, json, yaml]"));
    }

    #[test]
    fn an_offline_plan_needs_the_name_of_the_cluster() {
        assert!(refusal(&["plan", "-f", "a", "--offline"]).contains("--cluster-name <CLUSTER_NAME>"));
        let flags = ["vpc-flow-operator", "plan", "-f", "a", "--offline"];
        assert!(Cli::try_parse_from([&flags[..], &["--cluster-name", "c"]].concat()).is_ok());
        // The flag's own variable cannot be set here; cargo sets this one.
        let from_environment = Cli::command()
            .mut_subcommand("plan", |plan| plan.mut_arg("cluster_name", |name| name.env("CARGO_PKG_NAME")));
        assert!(from_environment.try_get_matches_from(flags).is_ok());
    }

    #[test]
    fn a_variable_of_the_environment_is_not_in_the_usage() {
        // The flag's own variable cannot be set here; cargo sets this one.
        let program = Cli::command()
            .mut_subcommand("plan", |plan| plan.mut_arg("detector_package", |path| path.env("CARGO_PKG_NAME")));
        let error = program.clone().try_get_matches_from(["vpc-flow-operator", "plan", "a", "-A"]).unwrap_err();
        assert!(error.to_string().contains("--detector-package"), "clap prints it: {error}");
        let text = with_usage_of(program, Some(OsStr::new("plan")), error).to_string();
        assert!(text.contains("cannot be used with") && !text.contains("--detector-package"), "{text}");
        assert!(text.contains("Usage: vpc-flow-operator plan [OPTIONS] "), "{text}");
    }

    #[test]
    fn every_command_is_in_the_help() {
        let help = Cli::command().render_help().to_string();
        assert!(help.contains("  man "), "{help}");
    }

    #[test]
    fn every_format_has_one_name() {
        for command in ["status", "plan", "verify", "version"] {
            for format in ["text", "json", "yaml"] {
                let named: &[&str] = if command == "version" { &[] } else { &["m"] };
                let arguments = [&["vpc-flow-operator", command], named, &["-o", format]].concat();
                assert!(Cli::try_parse_from(&arguments).is_ok(), "{arguments:?}");
            }
        }
        assert!(refusal(&["verify", "m", "-o", "table"]).contains("[possible values: text, json, yaml]"));
    }
}
