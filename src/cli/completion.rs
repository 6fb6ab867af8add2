//! Completion on the command line: scripts for shells, and answers to kubectl, which completes plugins by asking them.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs};

use anyhow::Context as _;
use clap::{Args, Command, ValueHint};
use clap_complete::engine::complete;
use clap_complete::{Shell, generate};

use super::print;

/// Print the completion script of a shell
///
/// For example: vpc-flow-operator completion bash > /etc/bash_completion.d/vpc-flow-operator
#[derive(Debug, Args)]
pub struct Completion {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completion {
    /// Prints the script for the program.
    pub fn run(&self, mut program: Command) -> anyhow::Result<ExitCode> {
        let (name, mut script) = (program.get_name().to_owned(), Vec::new());
        generate(self.shell, &mut program, name, &mut script);
        print(&String::from_utf8(script)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The program that kubectl runs to complete `kubectl vfm`.
const KUBECTL_COMPLETE: &str = "#!/bin/sh\nexec kubectl-vfm __complete -- \"$@\"\n";

/// Prints the program that kubectl runs to complete the plugin.
pub fn print_kubectl_script() -> anyhow::Result<ExitCode> {
    print(KUBECTL_COMPLETE)?;
    Ok(ExitCode::SUCCESS)
}

/// The words after `kubectl vfm`; the last one is to be completed.
#[derive(Debug, Args)]
pub struct Complete {
    #[arg(last = true)]
    words: Vec<OsString>,
}

impl Complete {
    /// Prints the candidates as kubectl reads them.
    pub fn run(self, mut plugin: Command) -> anyhow::Result<ExitCode> {
        print(&candidates(&mut plugin, self.words)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The directive by which kubectl's shell script adds no files of its own: the candidates have those already.
const NO_OTHER_FILES: &str = ":4\n";

/// A line for each candidate, with its description after a tab, and the directive in the end.
fn candidates(plugin: &mut Command, words: Vec<OsString>) -> anyhow::Result<String> {
    let last = words.len();
    let words = [OsString::from(plugin.get_name())].into_iter().chain(words).collect();
    let candidates = complete(plugin, words, last, env::current_dir().ok().as_deref())?;
    let mut lines = String::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_hide_set()) {
        lines += &candidate.get_value().to_string_lossy();
        if let Some(help) = candidate.get_help() {
            lines.push('\t');
            lines += help.to_string().lines().next().unwrap_or_default();
        }
        lines.push('\n');
    }
    Ok(lines + NO_OTHER_FILES)
}

/// Write man pages of all commands into a directory
#[derive(Debug, Args)]
pub struct Man {
    /// The directory.
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
}

impl Man {
    /// Writes the pages of the program.
    pub fn run(&self, program: Command) -> anyhow::Result<ExitCode> {
        let shown = self.directory.display();
        fs::create_dir_all(&self.directory).with_context(|| format!("cannot make {shown}"))?;
        clap_mangen::generate_to(program, &self.directory).with_context(|| format!("cannot write to {shown}"))?;
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::{Cli, Plugin};

    fn completed(words: &[&str]) -> Vec<String> {
        let words = words.iter().map(OsString::from).collect();
        let text = candidates(&mut Plugin::command(), words).unwrap();
        text.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn kubectl_gets_commands_flags_and_values() {
        let commands = completed(&[""]);
        assert!(["status", "plan", "verify"].iter().all(|it| commands.contains(&(*it).to_owned())), "{commands:?}");
        assert!(!commands.iter().any(|it| it.starts_with("__")), "{commands:?}");
        assert_eq!(commands.last().unwrap(), ":4");
        assert_eq!(completed(&["sta"]), ["status", ":4"]);
        assert_eq!(completed(&["status", "--sel"]), ["--selector", ":4"]);
        assert_eq!(completed(&["verify", "-o", "j"]), ["json", ":4"]);
    }

    #[test]
    fn every_shell_has_a_script_with_all_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell] {
            let mut script = Vec::new();
            generate(shell, &mut Cli::command(), "vpc-flow-operator", &mut script);
            let script = String::from_utf8(script).unwrap();
            assert!(script.contains("all-namespaces") && script.contains("permissions"), "{shell}");
        }
    }

    #[test]
    fn every_command_has_a_man_page() {
        let directory = env::temp_dir().join(format!("man-{}", std::process::id()));
        Man { directory: directory.clone() }.run(Cli::command()).unwrap();
        let page = fs::read_to_string(directory.join("vpc-flow-operator-status.1")).unwrap();
        assert!(page.contains("all\\-namespaces"), "{page}");
        assert!(directory.join("vpc-flow-operator.1").exists());
    }
}
