//! The program itself, ended by SIGKILL while it makes a monitor, and started again.

use std::env;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use devenv::{Gate, ProxyFault, Rule};
use tokio::process::{Child, Command};

use crate::life::Phase;
use crate::snapshot::Snapshot;
use crate::world::{DEADLINE, World};
use testkit::rights;
use testkit::sandbox::{REGION, settings};

async fn operator(world: &World) -> Result<Child> {
    let (cluster, kubeconfig) = (&world.cluster, env::var("KUBECONFIG")?);
    let token = rights::token(&cluster.client, &cluster.namespace).await;
    Command::new(env!("CARGO_BIN_EXE_vpc-flow-operator"))
        .args(["run", "--cluster-name", "test", "--watch-namespace", &cluster.namespace])
        .args(["--region", REGION, "--metrics-addr", "127.0.0.1:0"])
        .env("KUBECONFIG", rights::kubeconfig(Path::new(&kubeconfig), &token, &cluster.namespace))
        .env("AWS_ENDPOINT_URL", world.proxy.endpoint())
        .env("AWS_ACCESS_KEY_ID", &world.sandbox.account)
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("the operator's program")
}

#[tokio::test]
async fn a_killed_process_is_followed_by_one_that_goes_on() -> Result<()> {
    let mut undisturbed = World::new("crash-process-undisturbed").await?;
    undisturbed.start_with(|options| options.settings.detector = settings().detector)?;
    Phase::Create.begin(&undisturbed).await?;
    Phase::Create.end(&undisturbed).await?;
    let should = Snapshot::take(&undisturbed).await?;
    undisturbed.stop().await?;

    let world = World::new("crash-process").await?;
    let gate = Gate::new();
    world.proxy.add(Rule::of("lambda", "CreateFunction", ProxyFault::HoldAfter(gate.clone())).times(1));
    let mut first = operator(&world).await?;
    Phase::Create.begin(&world).await?;
    gate.arrived(DEADLINE).await?;
    first.kill().await?;
    gate.drop_calls();
    let _second = operator(&world).await?;
    Phase::Create.end(&world).await?;
    Snapshot::take(&world).await?.check(&should)
}
