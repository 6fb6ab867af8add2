//! The operator as a process of its own.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use devenv::{Environment, REGION, Supervised, detector_package, free_port, supervised_command};

/// The running operator. It ends when dropped, or with this process.
pub struct Operator {
    process: Supervised,
    command_line: String,
    address: String,
}

/// The `vpc-flow-operator` beside this program.
pub fn program() -> Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("vpc-flow-operator");
    ensure!(program.exists(), "{} is missing: `make build` makes it", program.display());
    Ok(program)
}

impl Operator {
    /// Starts it, with its log in the folder `dir`.
    pub fn start(environment: &Environment, dir: &Path) -> Result<Self> {
        let program = program()?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let package = detector_package()?;
        let package = package.to_str().context("the path of the detector's package is not UTF-8")?;
        let arguments = ["run", "--region", REGION, "--metrics-addr", &address, "--detector-package", package];
        let mut command = supervised_command(&program);
        command.args(arguments);
        environment.apply_to(&mut command);
        let process = Supervised::spawn("the operator", command, &dir.join("operator.log"))?;
        Ok(Self { process, command_line: format!("vpc-flow-operator {}", arguments.join(" ")), address })
    }

    /// An error with the end of its log if it has ended by itself.
    pub fn check_running(&mut self) -> Result<()> {
        self.process.check_running()
    }

    pub fn command_line(&self) -> &str {
        &self.command_line
    }

    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.address)
    }

    pub fn log(&self) -> &Path {
        self.process.log()
    }

    pub fn end_of_log(&self) -> String {
        self.process.end_of_log()
    }

    pub async fn stop(self) -> Result<()> {
        self.process.stop().await
    }
}
