use std::collections::BTreeSet;
use std::io::{IsTerminal, stderr};
use std::net::SocketAddr;
use std::time::Duration;

use super::cluster::ClusterAccess;
use super::leader_elect::LeaderElect;
use super::operator_settings::{OperatorSettings, cluster_uid};
use super::values::{namespace, resync};
use anyhow::Context as _;
use clap::{Args, ValueEnum};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tracing_subscriber::EnvFilter;
use vpc_flow_operator::aws::ClientPool;
use vpc_flow_operator::controller::{self, Backoff, Context, Ended, Health, Options, Served, aws_gate, listen};
use vpc_flow_operator::leader::Elector;
use vpc_flow_operator::metrics::Metrics;

/// Settings of the controller.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    settings: OperatorSettings,

    /// Watch this namespace only. Repeatable. [default: all]
    #[arg(long, env = "WATCH_NAMESPACE", value_parser = namespace, value_delimiter = ',')]
    watch_namespace: Vec<String>,

    /// Work on `VpcFlowFleet` objects, too, which create, change and delete monitors, and on `VpcFlowOverview` objects. The chart's
    /// `fleets.enabled` gives the rights for it.
    #[arg(long, env = "FLEETS")]
    fleets: bool,

    /// Number of monitors that are worked on at once. Those that are being built, fail or take long are counted apart, and do not delay
    /// others.
    #[arg(long, env = "CONCURRENCY", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,

    /// Time after which a monitor at rest is compared with AWS again; up to a tenth is added.
    #[arg(long, env = "RESYNC", default_value = "10m", value_parser = resync)]
    resync: Duration,

    /// Time between two readings of the states of all alarms: one call for each account, region and hundred alarms.
    #[arg(long, env = "ALARM_INTERVAL", default_value = "1m", value_parser = resync)]
    alarm_interval: Duration,

    #[command(flatten)]
    leader: LeaderElect,

    /// Address of /metrics, /healthz and /readyz. `[::]` means all addresses of IPv4 and IPv6.
    #[arg(long, env = "METRICS_ADDR", default_value = "[::]:8080")]
    metrics_addr: SocketAddr,

    /// Format of the log on standard error. `RUST_LOG` selects the entries.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    log_format: LogFormat,

    #[command(flatten)]
    cluster: ClusterAccess,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Run {
    /// Runs the controller until SIGTERM or SIGINT.
    #[tokio::main]
    pub async fn run(self) -> anyhow::Result<()> {
        self.start_log();
        let detector = self.settings.detector()?;
        let config = self.cluster.config().await?;
        let fence = self.leader.fence();
        let watch_namespaces: BTreeSet<String> = self.watch_namespace.iter().cloned().collect();
        let elector = self.leader.elector(&config, &watch_namespaces, &fence)?;
        let health = Health::default();
        let clients = controller::clients(&config, fence.clone(), health.clone())
            .context("cannot connect to the Kubernetes API")?;
        let cluster_name = match &self.settings.cluster_name {
            Some(name) => name.clone(),
            None => cluster_uid(clients.work.clone()).await?,
        };
        let metrics = Metrics::default();
        let pool = ClientPool::new(
            &self.settings.sdk_config().await?,
            aws_gate(metrics.clone(), fence.clone(), health.clone()),
        );
        let options = Options {
            settings: self.settings.settings(cluster_name, detector),
            allowed_roles: self.settings.allowed_roles(),
            watch_namespaces,
            fleets: self.fleets,
            resync: self.resync,
            alarm_interval: self.alarm_interval,
            backoff: Backoff::default(),
            concurrency: self.concurrency,
        };
        let context =
            Context::new(clients.work, pool, metrics.clone(), options).watching(clients.watch, health.clone());
        let (known, ready) = watch::channel(false);
        let stop = termination()?.boxed().shared();
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
        let listener = listen(self.metrics_addr)
            .with_context(|| format!("cannot serve metrics on {}; choose another --metrics-addr", self.metrics_addr))?;
        // A task of its own each: neither health nor the lease may wait for the controller.
        let serving = tokio::spawn(controller::serve(listener, Served { metrics, fence, health, ready }));
        tokio::select! {
            ended = work(elector, context, known, stop) => ended,
            served = serving => served?.context("metrics and health are no longer served"),
        }
    }

    fn start_log(&self) {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,kube=warn"));
        let log =
            tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_ansi(stderr().is_terminal());
        match self.log_format {
            LogFormat::Json => log.json().init(),
            LogFormat::Text => log.init(),
        }
    }
}

type Stop = Shared<BoxFuture<'static, ()>>;

/// Runs the controller, while this process leads if there is an election. Once it has lost the lease, it ends with an error, so
/// that it is started anew without anything left from before.
async fn work(
    elector: Option<Elector>,
    context: Context,
    known: watch::Sender<bool>,
    stop: Stop,
) -> anyhow::Result<()> {
    let Some(mut elector) = elector else {
        controller::run(context, known, stop).await;
        return Ok(());
    };
    tokio::select! {
        // A follower is ready once it stands by.
        () = elector.acquire(|_| _ = known.send_replace(true)) => {}
        () = stop.clone() => {
            // A request for the lease may just have been sent.
            elector.release().await;
            return Ok(());
        }
    }
    known.send_replace(false);
    let (finished, no_longer_needed) = oneshot::channel::<()>();
    let mut keeping = tokio::spawn(async move {
        tokio::select! {
            lost = elector.keep() => Err(lost),
            _ = no_longer_needed => Ok(elector),
        }
    });
    tokio::select! {
        ended = controller::run(context, known, stop) => {
            drop(finished);
            // Calls that were abandoned may still take effect: then the lease expires by itself, later.
            if let (Ended::Finished, Ok(elector)) = (ended, keeping.await?) {
                elector.release().await;
            }
            Ok(())
        }
        kept = &mut keeping => match kept? {
            Ok(_) => Ok(()),
            Err(lost) => {
                tracing::error!(reason = %lost, "lost the lease; exiting so that Kubernetes restarts the container");
                Err(lost.into())
            }
        }
    }
}

fn termination() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: steps under way are finished first");
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        run: Run,
    }

    #[test]
    fn by_default_metrics_are_served_on_all_addresses_of_both_versions() {
        let cli = Cli::try_parse_from(["run"]).unwrap();
        assert_eq!(cli.run.metrics_addr.to_string(), "[::]:8080");
    }
}
