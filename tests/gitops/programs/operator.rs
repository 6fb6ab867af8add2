//! The operator as a process, beside the cluster in whose Deployment it would run.

use std::time::Duration;

use devenv::{Supervised, free_port, supervised_command, wait_for};
use testkit::rights::{self, RELEASE_NAMESPACE};
use testkit::sandbox::REGION;
use tokio::net::TcpStream;

use crate::scene::Scene;

const DEADLINE: Duration = Duration::from_mins(1);

pub struct Operator {
    process: Supervised,
    /// The address of its metrics.
    pub metrics: String,
}

impl Operator {
    /// Starts it with the token of the chart's ServiceAccount in the namespace of the release.
    pub async fn start(scene: &Scene, arguments: &[&str]) -> Self {
        Self::start_at(&format!("127.0.0.1:{}", free_port().unwrap()), scene, arguments).await
    }

    /// The same, with its metrics at this address.
    pub async fn start_at(metrics: &str, scene: &Scene, arguments: &[&str]) -> Self {
        let token = rights::token(&scene.kubernetes.client, RELEASE_NAMESPACE).await;
        let kubeconfig = rights::kubeconfig(scene.kubernetes.kubeconfig(), &token, "operator");
        let mut command = supervised_command(env!("CARGO_BIN_EXE_vpc-flow-operator"));
        command
            .args(["run", "--cluster-name", "test", "--region", REGION, "--metrics-addr", metrics])
            // A minute would be long for a test of a state in AWS.
            .args(["--alarm-interval", "10s", "--resync", "30s", "--leader-elect-namespace", RELEASE_NAMESPACE])
            .args(arguments)
            .env("AWS_ENDPOINT_URL", scene.sandbox.emulator.endpoint())
            .env("AWS_REGION", REGION)
            .env("AWS_ACCESS_KEY_ID", &scene.sandbox.account)
            .env("AWS_SECRET_ACCESS_KEY", "emulator")
            .env("KUBECONFIG", &kubeconfig);
        let log = scene.folder.path().join("vpc-flow-operator.log");
        let process = Supervised::spawn("vpc-flow-operator", command, &log).unwrap();
        let mut operator = Self { process, metrics: metrics.to_owned() };
        let serves = wait_for("the operator to serve its metrics", DEADLINE, async || {
            operator.process.check_running()?;
            Ok(TcpStream::connect(&operator.metrics).await.is_ok().then_some(()))
        });
        serves.await.unwrap();
        operator
    }

    /// Ends it as a pod is ended.
    pub async fn stop(self) {
        self.process.stop().await.unwrap();
    }
}
