//! Commands that are shown and then run exactly as shown.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use devenv::{Environment, project_root};
use tokio::process::Command;

const DEADLINE: Duration = Duration::from_mins(3);
/// Makes `kubectl`, `aws` and the operator those of the environment, whatever the machine has.
const TOOLS: &str = r#"
kubectl() { "$KUBECTL" "$@"; }
aws() { "$AWS_PYTHON" -B emulator/aws.py "$@"; }
PATH="$OPERATOR_FOLDER:$PATH"
"#;

/// Runs command lines in the environment, from the root of the project.
pub struct Shell<'a> {
    environment: &'a Environment,
    operator_folder: PathBuf,
}

impl<'a> Shell<'a> {
    /// `operator_folder` is where the program `vpc-flow-operator` is.
    pub fn new(environment: &'a Environment, operator_folder: PathBuf) -> Self {
        Self { environment, operator_folder }
    }

    /// Shows a command line, runs it, shows what it prints, and returns that. An error if it fails.
    pub async fn show(&self, line: &str) -> Result<String> {
        println!("   $ {line}");
        let output = self.run(line).await?;
        for line in output.lines() {
            println!("   {line}");
        }
        Ok(output)
    }

    /// Runs a command line without showing it, and returns what it prints. An error if it fails.
    pub async fn run(&self, line: &str) -> Result<String> {
        let output = tokio::time::timeout(DEADLINE, self.command(line).output())
            .await
            .with_context(|| format!("`{line}` took longer than {} s", DEADLINE.as_secs()))??;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`{line}` failed ({}): {errors}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    /// The command for a command line.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{TOOLS}{line}")).current_dir(project_root());
        command.stdin(Stdio::null()).kill_on_drop(true);
        self.environment.apply_to(&mut command);
        command.env("AWS_PYTHON", self.environment.emulator().python());
        command.env("OPERATOR_FOLDER", &self.operator_folder);
        command
    }
}
