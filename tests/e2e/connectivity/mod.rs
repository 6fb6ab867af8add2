//! Ways to Kubernetes and AWS through proxies, and certificates of private authorities. Each command runs as a process of its own.

mod authority;
mod aws;
mod credentials;
mod kubernetes;
mod proxy;

use std::process::Output;

use tokio::process::Command;

const VARIABLES: [&str; 5] = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "AWS_CA_BUNDLE"];

/// The end of a command.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a command of the program, without the variables of the machine but with these.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"));
    command.args(arguments).kill_on_drop(true);
    for name in VARIABLES {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let Output { status, stdout, stderr } = command.envs(variables.iter().copied()).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}
