//! The program, run to its end as a process of its own.

use std::process::Output;

use serde_json::Value;
use testkit::cluster::Cluster;
use tokio::process::Command;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_vpc-flow-operator");

/// Exit code and output of a command.
#[derive(Debug)]
pub struct Finished {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Runs the command.
    pub async fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Standard output, which is JSON.
    pub fn document(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

/// Runs a command that reads only the cluster.
pub async fn without_aws(command: &mut Command) -> Finished {
    Finished::of(command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY")).await
}

/// Runs a command about objects of the cluster's namespace, which it only reads.
pub async fn about(command: &str, cluster: &Cluster, arguments: &[&str]) -> Finished {
    without_aws(Command::new(PROGRAM).args([command, "-n", &cluster.namespace]).args(arguments)).await
}

/// Runs `status`.
pub async fn status(cluster: &Cluster, arguments: &[&str]) -> Finished {
    about("status", cluster, arguments).await
}
