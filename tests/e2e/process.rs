//! The operator as a process of its own, as it runs in a pod.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use devenv::wait_for;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use testkit::cluster::Cluster;
use testkit::rights;
use testkit::sandbox::{REGION, Sandbox};

/// The secret key of the operator's AWS credentials, which no log may show.
pub const SECRET: &str = "secret-of-the-test";

pub const DEADLINE: Duration = Duration::from_mins(2);

/// The folder of this test program's own files.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A running operator; it is killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

/// The settings of an operator's process.
pub struct Start<'a> {
    /// Unique among the processes of all tests.
    pub name: &'a str,
    pub cluster: &'a Cluster,
    pub sandbox: &'a Sandbox,
    /// The AWS endpoint of the operator.
    pub endpoint: &'a str,
    /// The kubeconfig with the operator's API server, if it differs from the test's.
    pub kubeconfig: Option<&'a Path>,
    pub arguments: &'a [&'a str],
}

impl<'a> Start<'a> {
    /// With the test's AWS endpoint and API server, and no further arguments.
    pub fn new(name: &'a str, cluster: &'a Cluster, sandbox: &'a Sandbox) -> Self {
        Self { name, cluster, sandbox, endpoint: sandbox.emulator.endpoint(), kubeconfig: None, arguments: &[] }
    }
}

impl Process {
    /// Starts the operator as the chart's ServiceAccount, with the chart's rights in the cluster's namespace.
    pub async fn start(start: &Start<'_>) -> Self {
        let administrators = std::env::var_os("KUBECONFIG").map(PathBuf::from).unwrap();
        let token = rights::token(&start.cluster.client, &start.cluster.namespace).await;
        let kubeconfig = rights::kubeconfig(start.kubeconfig.unwrap_or(&administrators), &token, start.name);
        let settings = ["run", "--metrics-addr", "127.0.0.1:0", "--cluster-name", "test", "--region", REGION];
        let watched = ["--watch-namespace", &start.cluster.namespace];
        let arguments = settings.iter().chain(&watched).chain(start.arguments).copied();
        Self::run(start.name, start.sandbox, start.endpoint, &kubeconfig, arguments)
    }

    /// Starts the operator with these arguments and no others. `name` must be unique among the processes of all tests.
    pub fn run<'a>(
        name: &str,
        sandbox: &Sandbox,
        endpoint: &str,
        kubeconfig: &Path,
        arguments: impl Iterator<Item = &'a str>,
    ) -> Self {
        let log = folder().join(format!("{name}.log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"));
        command
            .args(arguments)
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &sandbox.account)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("KUBECONFIG", kubeconfig)
            .env("HOSTNAME", name)
            .env("RUST_LOG", "info,kube=warn,kube_runtime::watcher=debug,vpc_flow_operator=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .kill_on_drop(true);
        Self { child: command.spawn().unwrap(), log }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it on the spot, unless it has ended by itself.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        ended.unwrap_or_else(|elapsed| panic!("the operator does not end: {elapsed}:\n{}", self.text())).unwrap()
    }

    pub fn text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Its log so far: an object a line.
    pub fn lines(&self) -> Vec<Value> {
        // The last line may not be written to its end yet.
        self.text().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for a line whose message contains `text`.
    pub async fn logged(&self, text: &str) -> Value {
        self.line(text, |line| line["fields"]["message"].as_str().is_some_and(|message| message.contains(text))).await
    }

    /// Waits for a line of the log.
    pub async fn line(&self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let found = wait_for(what, DEADLINE, async || Ok(self.lines().into_iter().find(&is_it))).await;
        found.unwrap_or_else(|error| panic!("{error}:\n{}", self.text()))
    }

    /// Status and body of an answer of `/metrics`, `/healthz` or `/readyz`.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let address = self.logged("serving metrics and health").await["fields"]["address"].clone();
        let mut stream = TcpStream::connect(address.as_str().unwrap()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: operator\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }
}
